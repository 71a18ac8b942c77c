"""The document says everything that the API offers, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.web import openapi
from tests import factories
from tests.against_document import check
from tests.conftest import Client

VERSIONS = (1, 2)


def routes(app: Flask, version: int) -> set[tuple[str, str]]:
    return {
        (openapi.path_of(rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(f"/api/v{version}/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_every_route_is_in_its_document(app: Flask, version: int) -> None:
    paths = openapi.document(version)["paths"]
    assert {(path, method) for path, item in paths.items() for method in item} == routes(app, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_served_and_every_reference_leads_somewhere(client: Client, version: int) -> None:
    answer = client.get(f"/api/v{version}/openapi.json")
    document = answer.json
    assert (answer.status_code, document["openapi"]) == (200, "3.1.0")
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for part in value for found in references(part)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for part in value.values() for found in references(part)]


@pytest.mark.parametrize("version", VERSIONS)
def test_objects_are_closed_and_operations_complete(app: Flask, version: int) -> None:
    """Promise 40: no object of either version may have other fields; `hold` checks each answer of each test."""
    document = openapi.document(version)
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("type") != "object" or schema["additionalProperties"] is False, name
    for path, item in document["paths"].items():
        for method, operation in item.items():
            names = {p["name"] for p in operation["parameters"]}
            assert ("Idempotency-Key" in names) == (method != "get"), path
            assert operation["responses"].keys() > {"default", "400"}, path
            assert operation["security"], path
            answer = next(r for status, r in operation["responses"].items() if status.startswith("2"))
            page = answer["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
            assert not page.startswith("Page_") or {"limit", "after"} <= names, path
    json.dumps(document)


def test_version_one_is_marked_as_legacy(client: Client, session: Session) -> None:
    master = factories.master(session)
    answer = client.get(f"/api/v1/masters/{master.id}")
    refused = client.get("/api/v1/me")
    for said in (answer, refused):
        assert said.headers["Deprecation"].startswith("@")
        assert said.headers["Sunset"].endswith("GMT")
        assert said.headers["Link"] == f'<{said.request.path.replace("v1", "v2")}>; rel="successor-version"'
    assert "Deprecation" not in client.get(f"/api/v2/masters/{master.id}").headers
    operations = [o for item in openapi.document(1)["paths"].values() for o in item.values()]
    assert all(operation["deprecated"] for operation in operations)


def test_the_docs_page_links_the_documents(client: Client) -> None:
    page = client.get("/docs/api").text
    assert all(f'href="/api/v{version}/openapi.json"' in page for version in VERSIONS)


def test_the_check_finds_what_is_wrong(app: Flask) -> None:
    """Promise 40: the check of every answer finds a field too many, too few, or of another type."""
    document = openapi.document(2)
    schema = {"$ref": "#/components/schemas/PublicIpo"}
    good = {"totalSupply": 10, "mintedSupply": 0, "status": "live"}
    assert list(check(good, schema, document)) == []
    for wrong in ({"totalSupply": "10"}, {"status": "open"}, {"retainedPlatformBps": 1000}, {"mintedSupply": None}):
        assert list(check(good | wrong, schema, document)), wrong
    assert list(check({"status": "live"}, schema, document))


def test_json_takes_no_typed_numbers(client: Client, session: Session, sign_in: Any) -> None:
    """'10' is a number in a form's field and a text in JSON."""
    artist = factories.artist(session)
    sign_in(client, artist.user)
    offer = {"totalSupply": "10", "mintPrice": "25000000", "allowSecondaryResale": "on"}
    answer = client.post("/api/v2/masters", json={"title": "Tide", "ipo": offer})
    assert answer.status_code == 422
    assert {e["field"] for e in answer.json["errors"]} == {"ipo.totalSupply", "ipo.allowSecondaryResale"}
