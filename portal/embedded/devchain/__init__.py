"""The development chain: Ethereum's JSON-RPC over HTTP on loopback, in one process, kept on disk.

`Devchain` starts it; `python -m portal.embedded.devchain --data DIR --port N` is the process itself. The chain
answers as a node does, with chain id 31337, the 20 well-known development accounts, a clock that tests and the
seed can move, and blocks that become safe and final three blocks later.
"""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from functools import cached_property
from pathlib import Path

from portal.embedded.files import HERE, kept_port
from portal.embedded.process import Server, spawn

CHAIN_ID = 31337
HISTORY_SECONDS = 396 * 86400


class Devchain(Server[str]):
    """The development chain's process; its address is an `http://` URL.

    `history`: how many seconds before its first start the chain's clock begins; the clock runs from there until
    somebody moves it, as the seed does.
    `tick`: seconds between the empty blocks that make a transaction final; 0 for none.
    """

    name = "devchain"
    stop_signals = (signal.SIGTERM,)

    def __init__(self, data_dir: Path | str, history: int = HISTORY_SECONDS, tick: float = 2.0) -> None:
        super().__init__(data_dir)
        self.options = ["--history", str(history), "--tick", str(tick)]

    @cached_property
    def port(self) -> int:
        """The TCP port on loopback, the same from start to start while it is free."""
        return kept_port(self.pid_file.with_suffix(".port"))

    @cached_property
    def address(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """True once the server answers."""
        with contextlib.suppress(OSError), urllib.request.urlopen(self.address, timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
        return False

    def _spawn(self) -> "subprocess.Popen[bytes]":
        options = ["--data", str(self.folder), "--port", str(self.port), *self.options]
        return spawn(
            [sys.executable, "-m", "portal.embedded.devchain", *options], self.log,
            death_signal=signal.SIGTERM, cwd=HERE, env=dict(os.environ),
        )  # fmt: skip
