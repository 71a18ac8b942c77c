"""Who knows the specification finds each of its examples by its name, and its endpoints with exactly their fields."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from flask import Flask

from portal.config import ROOT
from portal.web import openapi

FUNCTIONS = (
    "create_master_with_ipo",
    "record_revenue",
    "distribute_revenue",
    "verify_vote_eligibility",
    "cast_vote",
    "launch_ipo",
    "deploy_contract",
    "to_public_master",
    "shape_response",
    "log_security_event",
    "alert_security_team",
    "seed",
)
"""Actions, jobs and functions of sections 1.2, 1.3, 2.2, 4.3, 5.3, 6.1 and 7, in snake_case."""

SAYINGS = {
    "audit actions": ('"create_master_with_ipo"', '"record_revenue"'),
    "jobs": ('job("distribute_revenue"', 'job("deploy_contract"', 'job("alert_security_team"'),
    "live events": ('"vstudio.vote"', '"ipo.mint"', '"nft.transfer"'),
    "connections": ('"application_name": "audifi-backend"', "sslmode=verify-full"),
    "legacy words": ('"track"', '"nftData"'),
}

ARTIST = {"id", "name", "artistName", "slug", "isVerified"}
MASTER = {"id", "title", "description", "genre", "coverImageUrl", "artist"}
CARD = MASTER - {"description"}
SHARE = {"nftId", "tokenId", "listingStatus"}
ME = {"id", "email", "displayName", "avatarUrl", "bio", "status", "emailVerified", "twoFactorEnabled"}
ME |= {"lastLoginAt", "deletedAt", "createdAt", "updatedAt"}
EVENT = {"id", "sourceType", "sourceName", "externalReference", "amount", "currency", "periodStart", "periodEnd"}
EVENT |= {"status", "verifiedAt", "depositTxHash", "depositedAt", "notes", "createdAt"}
RESULTS = {"sessionId", "title", "status", "totalVotes", "participantCount", "decisions"}
IPO = {"totalSupply", "mintedSupply", "status"}
SUBSCRIPTION = {"id", "plan", "status", "currentPeriodStart", "currentPeriodEnd", "cancelAtPeriodEnd", "trialEnd"}
VOTE = {"voteId", "weight", "verifiedNftHolder", "verifiedCoinHolder", "totalVotes", "receipt"}


def words(version: int) -> tuple[str, str]:
    return ("track", "nftData") if version == 1 else ("master", "ipo")


def fields(version: int) -> dict[str, set[str]]:
    """Address and place in the answer -> its exact fields, as the specification's sections 2.1, 2.2 and 7 have them."""
    master, ipo = words(version)
    public = {"artistName", "slug", "bio", "profileImageUrl", "socialLinks", "isVerified"}
    return {
        "get /artists/{slug}": public,
        "get /masters/{masterId}": {master, ipo},
        f"get /masters/{{masterId}} {master}": MASTER,
        f"get /masters/{{masterId}} {master}.artist": ARTIST,
        f"get /masters/{{masterId}} {ipo}": IPO,
        "get /marketplace": {"data", "page"},
        "get /marketplace data": SHARE | {"listingPrice", "listingCurrency", "listedAt", master},
        f"get /marketplace data.{master}": CARD,
        f"get /marketplace data.{master}.artist": ARTIST,
        "get /me": ME,
        "get /me/portfolio": {"wallets", "nfts", "dividends"},
        "get /me/portfolio nfts": SHARE | {master},
        f"get /me/portfolio nfts.{master}": CARD,
        "get /me/portfolio dividends": {f"{master}Id", "currency", "totalEarned", "totalClaimed", "claimable"},
        "get /me/subscriptions": SUBSCRIPTION,
        "get /me/subscriptions plan": {"slug", "name", "priceUsd", "interval"},
        "get /masters/{masterId}/analytics": {"revenueEvents", "dividendEvents", "totals"},
        "get /masters/{masterId}/analytics revenueEvents": EVENT | {f"{master}Id"},
        "get /vstudio/{sessionId}/results": RESULTS | {master},
        "get /admin/users": {"data", "page"},
        "get /admin/users data": {"id", "email", "displayName", "status", "roles", "createdAt", "lastLoginAt"},
        "post /masters": {master, ipo},
        "post /masters/{masterId}/revenue-events": EVENT | {f"{master}Id"},
        "post /vstudio/decisions/{decisionId}/votes": VOTE,
    }


@cache
def source() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "portal").rglob("*.py")))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_found_by_its_name(name: str) -> None:
    assert re.search(rf"^ *def {name}\(", source(), re.MULTILINE)


@pytest.mark.parametrize("kind", SAYINGS)
def test_each_saying_is_found(kind: str) -> None:
    assert [saying for saying in SAYINGS[kind] if saying not in source()] == []


@pytest.mark.parametrize("version", [1, 2])
def test_endpoints_have_exactly_their_fields(app: Flask, version: int) -> None:
    """Promise 40: the field sets of the specification and of api.md, and no other field."""
    document = openapi.document(version)
    found = {place: names(document, version, place) for place in fields(version)}
    assert found == fields(version)


def names(document: dict[str, Any], version: int, place: str) -> set[str]:
    method, path, *inside = place.split(" ")
    responses = document["paths"][f"/api/v{version}{path}"][method]["responses"]
    answer = next(said for status, said in responses.items() if status.startswith("2"))
    schema = resolved(document, answer["content"]["application/json"]["schema"])
    for name in inside[0].split(".") if inside else []:
        schema = resolved(document, schema["properties"][name])
    assert schema["additionalProperties"] is False
    return set(schema["properties"])


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object behind references, lists and `or null`."""
    while schema.get("type") != "object":
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = schema["items"] if "items" in schema else schema["anyOf"][0]
    return schema
