"""Promise 63: schemathesis holds the API against both of its documents, with what they allow and what they do not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test

from tests.access.people import World
from tests.fuzz import asking

FIRST, LAST = dt.datetime(1900, 1, 1), dt.datetime(2199, 12, 31)  # noqa: DTZ001  (bounds are without a zone)
schemathesis.openapi.format("date-time", st.datetimes(FIRST, LAST).map(lambda moment: f"{moment.isoformat()}Z"))
schemathesis.openapi.format("date", st.dates(FIRST.date(), LAST.date()).map(str))

ELSEWHERE = ("ignored_auth", "use_after_free", "ensure_resource_availability", "object_level_authorization")
"""Checks of who may, and of sequences: `tests.access` asks every address as ten kinds of people, against a table."""

NEEDS_A_CHAIN = {
    "POST /api/v2/dividends/claim-intents",
    "POST /api/v2/masters/{masterId}/ipo/mint-intents",
    "POST /api/v2/masters/{masterId}/royalty-intents",
    "POST /api/v2/me/credit-intents",
    "POST /api/v2/nfts/{nftId}/listing",
    "DELETE /api/v2/nfts/{nftId}/listing",
    "POST /api/v2/nfts/{nftId}/orders",
    "POST /api/v2/offers/{orderId}/accept",
    "DELETE /api/v2/offers/{orderId}",
    "POST /api/v2/revenue-events/{eventId}/retry",
}
"""Carried out in `tests.masters`, `tests.nfts` and `tests.revenue` only: without a chain they are 409 or 503."""


ALL = slice(None)


def config(examples: int, *, coverage: bool) -> SchemathesisConfig:
    """So many random examples an operation; with `coverage` also each edge of each schema once, one by one."""
    checks: dict[str, Any] = {name: {"enabled": False} for name in ELSEWHERE}
    checks["not_a_server_error"] = {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}  # 503: `hold` says for which
    accepted = ["2xx", "304", "401", "403", "404", "409", "422", "503"]
    checks["positive_data_acceptance"] = {"expected-statuses": accepted}
    phases = {name: {"enabled": False} for name in ("examples", "stateful")} | {"coverage": {"enabled": coverage}}
    made = {"max-examples": examples, "with-security-parameters": False, "database": "none", "mode": "all"}
    said = {"checks": checks, "phases": phases, "generation": made, "suppress-health-check": ["all"]}
    return SchemathesisConfig.from_dict(said)


@pytest.fixture
def asked(world: World) -> asking.Asking:
    return asking.build(world)


def hold(
    asked: asking.Asking, subtests: pytest.Subtests, version: int, chosen: SchemathesisConfig, part: slice = ALL
) -> None:
    """Run all operations of one version's document, each to its end; print what they answered, and the seed."""
    schema = schemathesis.openapi.from_wsgi(f"/api/v{version}/openapi.json", asked.world.app, config=chosen)
    print(f"seed {chosen.seed}")

    def example(case: Case) -> None:
        answer = asked.ask(case)
        case.validate_response(answer)
        assert answer.status_code < 500 or case.operation.label in NEEDS_A_CHAIN, answer.text
        assert not asking.unruly(case, answer), f"{case!r}: {answer.text}"

    for found in list(schema.get_all_operations())[part]:
        operation = found.ok()
        test = build_operation_test(
            config=schema.config, operation=operation, test_func=example, given_kwargs={}, feedback=FeedbackSources()
        )
        with subtests.test(operation.label):
            test()
        print(operation.label, dict(sorted(asked.seen[operation.label].items())))


@pytest.mark.walk
def test_a_few_examples(asked: asking.Asking, subtests: pytest.Subtests) -> None:
    """Promise 63, in short: each operation of each version."""
    for version in (1, 2):
        hold(asked, subtests, version, config(2, coverage=False))


@pytest.mark.slow
@pytest.mark.parametrize(("version", "part"), [(1, ALL), *((2, slice(start, None, 4)) for start in range(4))])
def test_many_examples(asked: asking.Asking, subtests: pytest.Subtests, version: int, part: slice) -> None:
    """Promise 63: 200 examples an operation and every edge of every schema; each operation is also carried out."""
    hold(asked, subtests, version, config(200, coverage=True), part)
    never = {label for label, seen in asked.seen.items() if not any(200 <= status < 300 for status in seen)}
    assert never == NEEDS_A_CHAIN & set(asked.seen)
