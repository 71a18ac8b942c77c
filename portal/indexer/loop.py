"""Following the chain: final blocks in ranges, newer ones one by one, each checked against its parent.

A round asks the node where it is and does one thing about it; nothing is held between rounds but the cursor in the
database, so the indexer may stop anywhere, and a second one only waits for the first.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError, OperationalError

from portal import live
from portal.audit.context import Actor, acting_as
from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event
from portal.chain.client import Block
from portal.config import Settings
from portal.db import db, transaction, utcnow
from portal.errors import DomainError, Unavailable
from portal.indexer import follow, late, node, queries, reorg, writing
from portal.indexer.follow import Followed, Newcomers, Platform
from portal.indexer.node import Lie, Node, Tips
from portal.indexer.queries import Cursor
from portal.indexer.reading import Bad, raw_of, read
from portal.indexer.writing import Batch, Meanwhile, Moved

log = logging.getLogger(__name__)

POLL_SECONDS = 0.15
REMOTE_POLL_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
FIRST_STEP = 500
LONGEST_STEP = 2_000
MOST_LOGS = 50_000
"""In one transaction: more write a share that moves often less often, and take 4 kB of memory each while they pass."""

Going = Callable[[], bool]
Position = tuple[Cursor, Followed, Newcomers | None]


def run(app: Flask, keep_going: Going = lambda: True) -> None:
    """Follow the chain until told to stop. Survives the loss of the node and of the database."""
    with app.app_context(), acting_as(Actor(identifier=reorg.SOURCE)):
        settings: Settings = app.config["SETTINGS"]
        follower, pause = Follower(settings, keep_going), Pause(settings)
        live.join_anew()
        while keep_going():
            busy = pause.around(follower.round)
            db.session.remove()
            if not busy:
                pause.sleep(keep_going)
        live.flush()


def catch_up(seconds: float = 60.0) -> int:
    """Index until the tables are where the node is; returns that block. Needs an application context.

    Raises Unavailable where the node does not answer, or when the time is over.
    """
    follower, end = Follower(current_app.config["SETTINGS"]), time.monotonic() + seconds
    while follower.round():
        if time.monotonic() > end:
            raise Unavailable("The indexer did not reach the chain's newest block in time.")
    return follower.at().number


def backfill(first: int, last: int) -> int:
    """Read the blocks `first` to `last` again and add what is missing; returns how many logs were found missing.

    Projections are rebuilt when something came late. Raises Unavailable where the node does not answer.
    """
    return Follower(current_app.config["SETTINGS"]).backfill(first, last)


class Pause:
    """How long to wait: a steady poll while all is well, growing and jittered while the node or database is not."""

    def __init__(self, settings: Settings) -> None:
        self._poll = POLL_SECONDS if node.is_near(settings.rpc_url) else REMOTE_POLL_SECONDS
        self._failures = 0
        self._told: set[str] = set()

    def around(self, work: Callable[[], bool]) -> bool:
        """Do a round; each kind of trouble is told once, and once when it is over. Returns whether there is more to do.

        Whatever a node or a batch does, the next round tries again: what nobody expected is told with its traceback,
        and `/status` sees that nothing is written.
        """
        try:
            busy = work()
        except Exception as error:
            self._trouble(error)
            return False
        if self._failures:
            log.info("the indexer goes on after %s tries", self._failures)
        self._failures = 0
        self._told.clear()
        return busy

    def _trouble(self, error: Exception) -> None:
        known = isinstance(error, (DomainError, OperationalError))
        kind = "known" if known else type(error).__qualname__
        if kind not in self._told:
            log.log(logging.WARNING if known else logging.ERROR, "the indexer waits: %s", error,
                    exc_info=None if known else error)  # fmt: skip
        self._told.add(kind)
        if isinstance(error, DBAPIError):
            db.engine.dispose()
        self._failures += 1

    def sleep(self, keep_going: Going) -> None:
        end = time.monotonic() + self.seconds()
        while keep_going() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))

    def seconds(self) -> float:
        if self._failures == 0:
            return self._poll
        longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE_SECONDS)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311  (spreads retries, guards nothing)


class Follower:
    """One node, followed into the database."""

    def __init__(self, settings: Settings, keep_going: Going = lambda: True) -> None:
        self.node: Node = node.connect(settings)
        self.chain_id = str(settings.chain_id)
        self._going = keep_going
        self._platform: Platform | None = None
        self._step = FIRST_STEP
        self._doubted: set[tuple[str, int]] = set()
        self._told = utcnow()

    def at(self) -> Cursor:
        """Where the tables are. Raises Unavailable before the first round."""
        with transaction() as session:
            found = queries.cursor(session, self.chain_id)
        if found is None:
            raise Unavailable("Nothing is indexed yet.")
        return found

    def round(self) -> bool:
        """Ask the node where it is and do what follows; True when there is more to do at once.

        Raises Unavailable where the node does not answer. A node that lies halts the indexer until it does not.
        """
        try:
            tips = self.node.tips()
            cursor, followed, newcomers = self._position() or self._start(tips)
            if tips.head.number < cursor.finalized:
                raise Lie(f"its head is {tips.head.number}, but block {cursor.finalized} was final")
        except Lie as lie:
            reorg.halt(self.chain_id, reorg.REFUSED + str(lie))
            return False
        if cursor.halted is not None:
            return self._halted(cursor.halted)
        try:
            if newcomers is not None:
                return self._welcome(cursor, newcomers)
            return self._go(cursor, tips, followed)
        except Moved:
            return True

    def _position(self) -> Position | None:
        """Where the tables are and whose logs are read from there; None before the first block."""
        platform = self._known_platform()
        with transaction() as session:
            cursor = queries.cursor(session, self.chain_id)
            if cursor is None:
                return None
            return cursor, *follow.known(session, self.chain_id, cursor.number, platform)

    def _start(self, tips: Tips) -> Position:
        with transaction() as session:
            first = follow.first_deployment(session, self.chain_id)
        before = tips.finalized if first is None else max(min(first - 1, tips.finalized), 0)
        writing.start(self.chain_id, self.node.header(before), tips)
        found = self._position()
        assert found is not None
        return found

    def _halted(self, reason: str) -> bool:
        if reason.startswith(reorg.REFUSED):
            reorg.resume(self.chain_id)
            return True
        return False

    def _go(self, cursor: Cursor, tips: Tips, followed: Followed) -> bool:
        if tips.head.number <= cursor.number:
            return self._at_the_head(cursor, tips)
        if cursor.number < tips.finalized:
            return self._ranges(cursor, tips, followed)
        return self._blocks(cursor, tips, followed)

    def _at_the_head(self, cursor: Cursor, tips: Tips) -> bool:
        if self._written(tips.head.number, cursor) != tips.head.hash:
            return self._reorganise(cursor, tips)
        self._say_alive(cursor, tips)
        return False

    def _written(self, number: int, cursor: Cursor) -> str | None:
        """The hash under which the block was written."""
        if number == cursor.number:
            return cursor.hash
        with transaction() as session:
            return queries.hashes(session, self.chain_id, number, number).get(number)

    def _say_alive(self, cursor: Cursor, tips: Tips) -> None:
        final = min(tips.finalized, cursor.number) > cursor.finalized
        if final or (utcnow() - self._told).total_seconds() >= queries.ALIVE_SECONDS:
            writing.keep_alive(self.chain_id, cursor, tips)
            self._told = utcnow()

    # --- final blocks -------------------------------------------------------------------------------------

    def _ranges(self, cursor: Cursor, tips: Tips, followed: Followed) -> bool:
        """Up to the last final block; the next range is read while the database works on one."""
        for batch, read_on in self._read_ahead(cursor.number + 1, tips.finalized, followed):
            if batch.blocks[0].parent_hash != cursor.hash:
                return self._reorganise(cursor, tips)
            cursor = writing.advance(self.chain_id, cursor, batch, tips, live=False, meanwhile=read_on)
        return self._going()

    def _read_ahead(self, first: int, last: int, followed: Followed) -> Iterator[tuple[Batch, Meanwhile]]:
        """Final blocks in ranges, each with what starts the reading of the next one."""
        with ThreadPoolExecutor(1, "read-ahead") as pool:
            ahead: deque[Future[Batch]] = deque()

            def read_on() -> None:
                if first <= last:
                    ahead.append(pool.submit(self._read_range, first, last, followed))

            read_on()
            while ahead and self._going():
                batch = ahead.popleft().result()
                first = batch.last + 1
                yield batch, read_on

    def _read_range(self, first: int, limit: int, followed: Followed) -> Batch:
        """As many final blocks as the node gives at once: fewer after an error, more after a success."""
        while True:
            last = min(first + self._step - 1, limit)
            try:
                raws = self.node.logs(first, last, followed.addresses)
                break
            except DomainError:
                if last == first:
                    raise
                self._step = max((last - first + 1) // 2, 1)
        self._step = min(self._step * 2, LONGEST_STEP) if len(raws) < MOST_LOGS else max(self._step // 2, 1)
        return self._batch(first, last, raws, followed, [])

    def _batch(self, first: int, last: int, raws: list[Any], followed: Followed, headers: Iterable[Block]) -> Batch:
        """Logs with the headers of their blocks.

        Raises Unavailable where the two tell of different chains, as they do when one is read before a reorg and the
        other after it; a log that says so again the next time is no log of this chain.
        """
        entries, bad = read(raws, followed, range(first, last + 1))
        known = {header.number: header for header in headers}
        missing = sorted({first, last, *(entry.block_number for entry in entries)} - known.keys())
        known |= {header.number: header for header in self.node.headers(missing)}
        strays = {entry.key for entry in entries if known[entry.block_number].hash != entry.block_hash}
        if not strays <= self._doubted:
            self._doubted = strays
            raise Unavailable("The chain changed while it was read.")
        bad += [
            Bad(raw_of(entry), "of a block that is none of the chain's") for entry in entries if entry.key in strays
        ]
        entries = [entry for entry in entries if entry.key not in strays]
        return Batch(first, last, [known[number] for number in sorted(known)], entries, bad)

    # --- newer blocks -------------------------------------------------------------------------------------

    def _blocks(self, cursor: Cursor, tips: Tips, followed: Followed) -> bool:
        """Up to the head, each block by its hash and on top of the one before."""
        for number in range(cursor.number + 1, tips.head.number + 1):
            if not self._going():
                return False
            block = tips.head if number == tips.head.number else self.node.header(number)
            if block.parent_hash != cursor.hash:
                return self._reorganise(cursor, tips)
            batch = self._block(block, followed)
            cursor = writing.advance(self.chain_id, cursor, batch, tips, live=True)
        return True

    def _block(self, block: Block, followed: Followed) -> Batch:
        raws = self.node.logs_of(block, followed.addresses)
        return self._batch(block.number, block.number, raws, followed, [block])

    def _reorganise(self, cursor: Cursor, tips: Tips) -> bool:
        """Go back to the fork, or stop where it lies below what was final."""
        with transaction() as session:
            stored = queries.hashes(session, self.chain_id, cursor.finalized, cursor.number)
        fork = reorg.fork_of(self.node, stored, tips)
        if fork is None:
            reorg.halt(self.chain_id, f"{reorg.TOO_DEEP}{cursor.finalized}")
            return False
        if fork < cursor.number:
            reorg.undo(self.chain_id, cursor, fork, stored[fork], tips, self._known_platform())
        return True

    # --- contracts that came late -------------------------------------------------------------------------

    def _welcome(self, cursor: Cursor, newcomers: Newcomers) -> bool:
        """Read the past of contracts that were recorded after the cursor had passed their block."""
        self._supplement(cursor, newcomers.first, cursor.number, newcomers.followed)
        late.finish(self.chain_id, cursor, newcomers.followed)
        if self._known_platform().factory:
            self._check_origin(newcomers.followed)
        return True

    def _check_origin(self, followed: Followed) -> None:
        with transaction() as session:
            strangers = follow.unmade(session, self.chain_id, followed.addresses)
        for address in strangers:
            log_security_event(
                SecurityEventType.UNUSUAL_PATTERN,
                SecuritySeverity.HIGH,
                "A recorded contract that the factory did not make",
                data={"rule": "factory", "indicators": [address]},
            )

    def backfill(self, first: int, last: int) -> int:
        """As the module's `backfill`."""
        self.node.verify()
        cursor, platform = self.at(), self._known_platform()
        with transaction() as session:
            followed = follow.everything(session, self.chain_id, platform)
        return self._supplement(cursor, first, min(last, cursor.number), followed)

    def _supplement(self, cursor: Cursor, first: int, last: int, followed: Followed) -> int:
        """Add what is missing of blocks that the cursor has passed; returns how many logs that were."""
        platform = self._known_platform()
        return sum(
            late.supplement(self.chain_id, cursor, batch, platform)
            for batch in self._passed(cursor, first, last, followed)
        )

    def _passed(self, cursor: Cursor, first: int, last: int, followed: Followed) -> Iterator[Batch]:
        final = min(last, cursor.finalized)
        if first <= final:
            for batch, read_on in self._read_ahead(first, final, followed):
                read_on()
                yield batch
        with transaction() as session:
            stored = queries.hashes(session, self.chain_id, cursor.finalized, cursor.number)
        for number in range(max(first, final + 1), last + 1):
            block = self.node.header(number)
            if block.hash != stored[number]:
                raise Unavailable("The chain changed while it was read.")
            yield self._block(block, followed)

    def _known_platform(self) -> Platform:
        """Asked again until the platform's contracts are there; read outside of any transaction."""
        if self._platform is None or self._platform.factory is None:
            self._platform = Platform.known()
        return self._platform
