"""Places where the tests may pull the plug: `point("name")` does nothing unless a test armed that name.

`AUDIFI_FAULT` is read at import: `name` ends the process as kill -9 would, `name:raise` raises.
"""

from __future__ import annotations

import os
import signal

ARMED = os.environ.pop("AUDIFI_FAULT", "")


class Fault(RuntimeError):
    """Raised at an armed point by the tests."""


def point(name: str) -> None:
    """A line between two effects at which a test may end the process or raise."""
    if not ARMED:
        return
    armed, _, how = ARMED.partition(":")
    if armed != name:
        return
    if how == "raise":
        raise Fault(name)
    os.kill(os.getpid(), signal.SIGKILL)
