"""RQ behind three functions: a connection, `enqueue`, and the register of jobs. JSON only: pickle runs code.

Nothing calls `enqueue` but the relay of `outbox`: work that must happen is a row first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, TypeVar

from flask import current_app
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.serializers import JSONSerializer

JOBS: dict[str, Callable[..., None]] = {}
URGENT: set[str] = set()
F = TypeVar("F", bound=Callable[..., None])
QUEUE_NAME = "portal"
PERFORM = "portal.outbox.perform"
JOB_SECONDS = 600
PRELOADED = ("eth_account", "eth_abi.abi", "rlp.codec", "web3.providers.rpc")
"""Libraries of the chain, which are read where they are needed. Each job runs in a fork of the worker: what the worker
has read, no fork has to read again, which takes longer than most jobs."""


def job(name: str, *, urgent: bool = False) -> Callable[[F], F]:
    """Register a function as the job `name`. It takes ids, may run twice, and says `outbox.finish` when done.

    An urgent one is short and somebody waits for it: it goes before all others in the queue.
    """

    def register(function: F) -> F:
        JOBS[name] = function
        if urgent:
            URGENT.add(name)
        return function

    return register


def connection(**options: Any) -> Redis:
    """The bus. A lost connection is tried once more, then it is the caller's to answer for."""
    return Redis.from_url(
        current_app.config["SETTINGS"].redis_url,
        retry=Retry(ConstantBackoff(0.1), 1),
        socket_connect_timeout=2,
        **options,
    )


def enqueue(row_id: str, name: str, job: str) -> None:
    """Put one outbox row into the queue; `name` shows in RQ's lists."""
    _queue().enqueue_call(
        PERFORM,
        args=(row_id,),
        job_id=_job_id(name),
        timeout=JOB_SECONDS,
        result_ttl=60,
        failure_ttl=86400,
        at_front=job in URGENT,
    )


def waiting(names: Iterable[str]) -> list[str]:
    """Those of the names under which rows were enqueued that no worker has taken out of the queue yet."""
    there = set(_queue().get_job_ids())
    return [name for name in names if _job_id(name) in there]


def depth() -> tuple[int, int]:
    """(jobs that wait in the queue, workers that are there). Raises RedisError when the bus is away."""
    queue = _queue()
    return len(queue.get_job_ids()), len(Worker.all(queue=queue))


def _queue() -> Queue:
    return Queue(QUEUE_NAME, connection=connection(), serializer=JSONSerializer)


def _job_id(name: str) -> str:
    """Job ids hold no colon."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def worker() -> Worker:
    """A forking worker that notices a dead horse within seconds."""
    for name in PRELOADED:
        import_module(name)
    bus = connection()
    return Worker(
        [Queue(QUEUE_NAME, connection=bus, serializer=JSONSerializer)],
        connection=bus,
        serializer=JSONSerializer,
        worker_ttl=20,
        job_monitoring_interval=2,
        maintenance_interval=5,
    )
