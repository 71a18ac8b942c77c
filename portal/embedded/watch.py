"""Children of children notice the supervisor's death too: they hold the reading end of a pipe that it keeps open.

The kernel's death signal reaches direct children only; a worker's forked job would live on without this.
"""

import os
import threading

NAME = "AUDIFI_SUPERVISOR_FD"


def exit_when_supervisor_dies() -> None:
    """End this process and all it forks at once when the supervisor is gone; does nothing where there is none."""
    handle = int(os.environ.get(NAME, "-1"))
    if handle < 0:
        return

    def wait() -> None:
        os.read(handle, 1)
        os._exit(1)

    def start() -> None:
        threading.Thread(target=wait, name="supervisor watch", daemon=True).start()

    os.register_at_fork(after_in_child=start)
    start()
