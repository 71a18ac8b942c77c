"""Children of children notice the supervisor's death too: they hold the reading end of a pipe that it keeps open.

The kernel's death signal reaches direct children only; a worker's forked job would live on without this.
"""

import _thread
import os
import stat
import sys
from collections.abc import Callable
from typing import Any

NAME = "AUDIFI_SUPERVISOR_FD"


def exit_when_supervisor_dies() -> None:
    """End this process and all it forks at once when the supervisor is gone; does nothing where there is none."""
    handle = int(os.environ.get(NAME) or -1)
    if not _is_pipe(handle):
        return

    def watch() -> None:
        _real_thread()(_wait, (handle,))

    os.register_at_fork(after_in_child=watch)
    watch()


def _wait(handle: int) -> None:
    os.read(handle, 1)
    os._exit(1)


def _is_pipe(handle: int) -> bool:
    """False for a number that came with the environment while the pipe itself was closed."""
    try:
        return handle >= 0 and stat.S_ISFIFO(os.fstat(handle).st_mode)
    except OSError:
        return False


def _real_thread() -> Callable[..., Any]:
    """Starts a thread of the system: a greenlet that waits for the pipe would stop all others."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return _thread.start_new_thread
    start: Callable[..., Any] = monkey.get_original("_thread", "start_new_thread")
    return start
