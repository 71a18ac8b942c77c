"""The development chain's process."""

import argparse
import asyncio
from pathlib import Path

from portal.embedded.devchain import HISTORY_SECONDS
from portal.embedded.devchain.chain import Chain
from portal.embedded.devchain.rpc import Rpc
from portal.embedded.devchain.server import serve
from portal.embedded.devchain.store import Store


def main() -> None:
    """Serve the chain kept in `--data` on `127.0.0.1:--port` until SIGTERM."""
    parser = argparse.ArgumentParser(prog="devchain")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the chain")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--history", type=int, default=HISTORY_SECONDS, help="age of the first block, seconds")
    parser.add_argument("--tick", type=float, default=2.0, help="seconds between blocks while one is not final")
    arguments = parser.parse_args()
    arguments.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(arguments.data / "chain.sqlite3")
    chain = Chain(store, history=arguments.history)
    asyncio.run(serve(Rpc(chain), arguments.port, arguments.tick))
    store.close()


main()
