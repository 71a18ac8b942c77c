"""The grammar of EIP-4361: its published examples, what the grammar allows besides, and what it does not."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from portal.accounts import siwe

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
BODY = """\
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""
WANTS = " wants you to sign in with your Ethereum account:\n"
EXAMPLE = "example.com" + WANTS + BODY
ASKED = siwe.Asked("https://portal.example", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 31337, "0123456789abcdef")


@pytest.mark.parametrize(
    ("origin", "scheme", "domain"),
    [
        ("example.com", None, "example.com"),
        ("example.com:3388", None, "example.com:3388"),
        ("https://example.com", "https", "example.com"),
    ],
)
def test_the_published_examples(origin: str, scheme: str | None, domain: str) -> None:
    """Promise 61: the three examples of the EIP read as it says."""
    message = siwe.parse(origin + WANTS + BODY)
    assert (message.scheme, message.domain) == (scheme, domain)
    assert message.address == "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
    assert message.statement == "I accept the ExampleOrg Terms of Service: https://example.com/tos"
    assert (message.uri, message.chain_id, message.nonce) == ("https://example.com/login", 1, "32891756")
    assert message.issued_at == dt.datetime(2021, 9, 30, 16, 25, 24, tzinfo=dt.UTC)
    assert message.resources == (
        "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
        "https://example.com/my-web2-claim.json",
    )


STATEMENT = "\nI accept the ExampleOrg Terms of Service: https://example.com/tos\n"


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (STATEMENT, "\n"),
        (STATEMENT, "\n\n"),
        ("example.com wants", "user:pw@[2001:db8::1]:443 wants"),
        ("https://example.com/login", "did:key:z6MkHaXU2"),
        ("https://example.com/login", "https://example.com/login?a=%20b&c=/?#frag"),
        ("16:25:24Z", "16:25:24.123456789+02:00"),
        ("16:25:24Z", "16:25:24z"),
        ("\nResources:", "\nExpiration Time: 2021-09-30T17:25:24Z\nNot Before: 2021-09-30T16:25:24Z\nResources:"),
        ("\nResources:", "\nRequest ID: a@b\nResources:"),
        ("\nResources:", "\nRequest ID: \nResources:"),
        (EXAMPLE[EXAMPLE.index("\n- ipfs") :], ""),
        (EXAMPLE[EXAMPLE.index("\nResources") :], ""),
    ],
)  # fmt: skip
def test_what_the_grammar_allows(part: str, instead: str) -> None:
    assert part in EXAMPLE
    siwe.parse(EXAMPLE.replace(part, instead, 1))


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("example.com wants", " wants"),
        ("example.com wants", "exam ple.com wants"),
        ("example.com wants", "://example.com wants"),
        (" wants you", " Wants you"),
        ("account:\n", "account:\r\n"),
        ("0xC02", "0xc02"),
        ("0xC02", "0XC02"),
        ("756Cc2\n", "756Cc\n"),
        (STATEMENT, "\nTwo\nlines\n"),
        (STATEMENT, '\nA "quote"\n'),
        (STATEMENT, "\nUmlaut: ä\n"),
        ("URI: https://example.com/login\n", ""),
        ("https://example.com/login", "/login"),
        ("https://example.com/login", "https://exa mple.com"),
        (STATEMENT, ""),
        ("Version: 1\n", "Version: 2\n"),
        ("Version: 1\n", ""),
        ("Version: 1\nChain ID: 1\n", "Chain ID: 1\nVersion: 1\n"),
        ("Chain ID: 1\n", "Chain ID: 0x1\n"),
        ("Chain ID: 1\n", "Chain ID: ١\n"),
        ("Chain ID: 1\n", ""),
        ("Nonce: 32891756\n", "Nonce: 3289175\n"),
        ("Nonce: 32891756\n", "Nonce: 3289175-6\n"),
        ("Nonce: 32891756\n", ""),
        ("Issued At: 2021-09-30T16:25:24Z", "Issued At: 2021-09-30 16:25:24Z"),
        ("Issued At: 2021-09-30T16:25:24Z", "Issued At: 2021-09-30T16:25:24"),
        ("Issued At: 2021-09-30T16:25:24Z", "Issued At: 2021-13-30T16:25:24Z"),
        ("Issued At: 2021-09-30T16:25:24Z", "Issued At: yesterday"),
        ("\nIssued At: 2021-09-30T16:25:24Z", ""),
        ("\nResources:", "\nNot Before: 2021-09-30T16:25:24Z\nExpiration Time: 2021-09-30T16:25:24Z\nResources:"),
        ("\nResources:", "\nRequest ID: a b\nResources:"),
        ("- ipfs", "* ipfs"),
        ("- ipfs://", "- "),
        ("claim.json", "claim.json\n"),
        ("claim.json", "claim.json\n\n"),
    ],
)
def test_what_it_does_not(part: str, instead: str) -> None:
    """Promise 61: anything else is refused, however close it is."""
    assert part in EXAMPLE
    with pytest.raises(siwe.NotSiwe):
        siwe.parse(EXAMPLE.replace(part, instead, 1))


def test_a_long_text_is_refused_quickly() -> None:
    with pytest.raises(siwe.NotSiwe):
        siwe.parse("a" * 1_000_000 + EXAMPLE)


def test_what_is_written_is_read() -> None:
    message = siwe.parse(siwe.write(ASKED, NOW))
    siwe.check(message, ASKED, NOW)
    assert message.expiration_time == NOW + siwe.LIFETIME


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "evil.example"},
        {"scheme": "http"},
        {"uri": "https://portal.example/elsewhere"},
        {"chain_id": 1},
        {"nonce": "another0nonce"},
        {"address": "0x52908400098527886E0F7030069857D2E4169EE7"},
        {"issued_at": NOW + dt.timedelta(minutes=2)},
        {"issued_at": NOW - dt.timedelta(minutes=12)},
        {"expiration_time": None},
        {"expiration_time": NOW + dt.timedelta(hours=1)},
        {"expiration_time": NOW},
        {"not_before": NOW + dt.timedelta(minutes=2)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_another_message_than_the_one_asked_for(wrong: dict[str, object]) -> None:
    """Promise 61: domain, address of the page, chain, nonce, wallet and times are all held against what was asked."""
    message = siwe.parse(siwe.write(ASKED, NOW))
    with pytest.raises(siwe.NotSiwe):
        siwe.check(replace(message, **wrong), ASKED, NOW)  # type: ignore[arg-type]
