"""Uploading by plain forms: what is shown, what is refused and how, and what stays of the form."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from portal.accounts.models import User
from portal.artists.models import Artist
from portal.audit.models import AuditLog
from portal.db import db
from portal.files.cids import cid_of
from portal.files.models import MediaFile
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterIpo
from portal.vstudio.models import VstudioSession
from portal.web.uploads import BODY_BYTES, IMAGE_BYTES
from tests import factories
from tests.conftest import Client
from tests.files import corpus

GOOD = corpus.written("JPEG", corpus.drawn(900, 900))
TRACK = {"title": "Low Tide", "masterType": "track"}


@pytest.fixture
def artist(session: Session, client: Client, sign_in: Callable[[Client, User], str]) -> Artist:
    made = factories.artist(session, "Ines Okoro-Vale")
    sign_in(client, made.user)
    return made


def post(client: Client, path: str, fields: dict[str, str], **files: bytes) -> TestResponse:
    sent: dict[str, Any] = dict(fields)
    sent |= {name: FileStorage(io.BytesIO(raw), "picture.jpg", name, "image/jpeg") for name, raw in files.items()}
    boundary, body = encode_multipart(sent)
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def files() -> list[Any]:
    """What is kept: id, place, cid, size."""
    columns = (MediaFile.id, MediaFile.place, MediaFile.cid, MediaFile.size)
    return list(db.session().execute(sa.select(*columns).order_by(MediaFile.created_at)))


def now(master_id: uuid.UUID, status: IpoStatus) -> None:
    """Put the offer into this state."""
    db.session().execute(sa.update(MasterIpo).where(MasterIpo.master_id == master_id).values(status=status))
    db.session().commit()


def test_a_cover_from_the_form_to_every_page(client: Client, artist: Artist) -> None:
    made = post(client, "/studio/masters/new", TRACK, cover=GOOD)
    assert made.status_code == 303
    (kept,) = files()
    master = db.session().scalars(sa.select(Master)).one()
    assert (master.cover_image_url, master.cover_image_ipfs_hash) == (f"/ipfs/{kept.cid}", kept.cid)
    for page in ("", "/ipo/track"):
        assert f'src="/ipfs/{kept.cid}"' in client.get(f"/studio/masters/{master.id}{page}").text
    master = factories.offered(db.session(), db.session().scalars(sa.select(Master)).one())
    master.status = MasterStatus.LIVE
    now(master.id, IpoStatus.LIVE)
    assert f'src="/ipfs/{kept.cid}"' in client.get(f"/masters/low-tide-{master.short_id}").text


def test_what_is_served_is_a_picture_and_nothing_else(client: Client, artist: Artist) -> None:
    """Promise 69: nosniff, a policy under which nothing runs, an address that never means anything else."""
    post(client, "/studio/masters/new", TRACK, cover=corpus.talkative())
    (kept,) = files()
    client.get("/logout")
    answer = client.get(f"/ipfs/{kept.cid}")
    assert (answer.status_code, answer.mimetype, cid_of(answer.data)) == (200, "image/webp", kept.cid)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["Content-Disposition"] == f'inline; filename="{kept.cid}.webp"'
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = client.get(f"/ipfs/{kept.cid}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for wrong in (kept.cid.upper(), kept.cid[:-1], cid_of(b"something else"), "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79"):
        assert client.get(f"/ipfs/{wrong}").status_code == 404


def test_a_refused_picture_leaves_the_rest_of_the_form(client: Client, artist: Artist) -> None:
    answer = post(client, "/studio/masters/new", TRACK | {"description": "Said once"}, cover=corpus.SCRIPT)
    assert (answer.status_code, files()) == (422, [])
    assert 'id="cover-error"' in answer.text
    assert "not a JPEG, PNG, WebP or AVIF picture" in answer.text
    assert all(typed in answer.text for typed in ("Low Tide", "Said once"))
    assert "<title>Error: " in answer.text
    both = post(client, "/studio/masters/new", TRACK | {"title": "", "isrc": "x"}, cover=b"")
    assert {'id="cover-error"', 'id="isrc-error"'} <= {f'id="{part}"' for part in ids(both)}
    fine = post(client, "/studio/masters/new", TRACK | {"title": ""}, cover=GOOD)
    assert "Choose this picture once more" in fine.text
    assert files() == []


def ids(answer: TestResponse) -> set[str]:
    return {part.split('"')[0] for part in answer.text.split('id="')[1:]}


def test_too_large_is_413(client: Client, artist: Artist) -> None:
    beside = post(client, "/studio/masters/new", TRACK, cover=b"\xff\xd8" + bytes(IMAGE_BYTES))
    assert (beside.status_code, "At most" in beside.text or "at most 10 MB" in beside.text) == (413, True)
    assert "Low Tide" in beside.text
    path = "/studio/masters/new"
    far = client.post(path, data=b"x" * (BODY_BYTES + 1), content_type="multipart/form-data; boundary=b")
    assert (far.status_code, "at most 10 MB" in far.text) == (413, True)
    elsewhere = post(client, "/vstudio", {}, cover=bytes(1_000_001))
    assert elsewhere.status_code == 413


def test_only_a_draft_changes_its_cover(client: Client, artist: Artist, session: Session) -> None:
    master = factories.master(session, artist).id
    path = f"/studio/masters/{master}/ipo/track"
    assert post(client, path, TRACK, cover=GOOD).status_code == 303
    first = files()[0].cid
    assert post(client, path, TRACK).status_code == 303
    assert [kept.cid for kept in files()] == [first]
    assert post(client, path, TRACK, cover=corpus.written("PNG", corpus.drawn(400, 400))).status_code == 303
    (second,) = [kept.cid for kept in files()]
    assert second != first
    assert client.get(f"/ipfs/{first}").status_code == 404
    now(master, IpoStatus.SCHEDULED)
    assert post(client, path, TRACK | {"no_cover": "1"}).status_code == 409
    assert [kept.cid for kept in files()] == [second]
    now(master, IpoStatus.DRAFT)
    assert post(client, path, TRACK | {"no_cover": "1"}).status_code == 303
    assert (files(), db.session().get_one(Master, master).cover_image_url) == ([], None)


def test_somebody_elses_master_is_as_nothing(client: Client, artist: Artist, session: Session) -> None:
    theirs = factories.master(session)
    assert post(client, f"/studio/masters/{theirs.id}/ipo/track", TRACK, cover=GOOD).status_code == 404
    assert files() == []


def test_an_avatar_of_ones_own(client: Client, artist: Artist) -> None:
    form = {"displayName": "Ines", "bio": "Sings."}
    assert post(client, "/me/profile", form, avatar=GOOD).status_code == 303
    (kept,) = files()
    assert f'src="/ipfs/{kept.cid}" alt="Your own picture"' in client.get("/me/profile").text
    assert post(client, "/me/profile", form).status_code == 303
    assert len(files()) == 1
    refused = post(client, "/me/profile", form | {"bio": "Sings low."}, avatar=corpus.moving())
    assert (refused.status_code, "Sings low." in refused.text, "moves" in refused.text) == (422, True, True)
    assert post(client, "/me/profile", form | {"picture": "3"}).status_code == 303
    assert files() == []
    assert post(client, "/me/profile", form, avatar=GOOD).status_code == 303
    assert post(client, "/me/profile", form | {"no_avatar": "1"}).status_code == 303
    user = db.session().get_one(User, artist.user_id)
    assert (files(), user.avatar_url) == ([], None)


def test_portrait_and_banner(client: Client, artist: Artist) -> None:
    wide = corpus.written("PNG", corpus.drawn(1500, 500))
    assert post(client, "/studio/pictures", {}, portrait=GOOD, banner=wide).status_code == 303
    portrait, banner = sorted(files(), key=lambda kept: kept.place, reverse=True)
    page = client.get("/artists/ines-okoro-vale").text
    assert f'class="banner" src="/ipfs/{banner.cid}"' in page
    assert f'src="/ipfs/{portrait.cid}"' in page
    assert client.get("/api/v2/artists/ines-okoro-vale").json["profileImageUrl"] == f"/ipfs/{portrait.cid}"
    assert post(client, "/studio/pictures", {"no_banner": "1"}).status_code == 303
    assert [kept.id for kept in files()] == [portrait.id]
    action = sa.select(sa.func.count()).where(AuditLog.action == "set_artist_pictures")
    assert db.session().scalar(action) == 2


def test_a_room_has_a_picture_while_it_is_not_over(client: Client, artist: Artist, session: Session) -> None:
    master = str(factories.master(session, artist).id)
    form = {"masterId": master, "title": "Half the Harbour", "type": "binary", "label": "Fade?", "isPublic": "on"}
    answer = post(client, "/studio/rooms/new", form | {"eligibilityRule": "authenticated"}, room=GOOD)
    assert answer.status_code == 303, answer.text
    (kept,) = files()
    here = answer.headers["Location"]
    assert f'src="/ipfs/{kept.cid}"' in client.get(here).text
    assert f'src="/ipfs/{kept.cid}"' in client.get(here.replace("/studio/rooms/", "/vstudio/")).text
    refused = post(client, here, {"action": "cover"}, room=corpus.SCRIPT)
    assert (refused.status_code, 'id="room-error"' in refused.text) == (422, True)
    assert post(client, here, {"action": "cover", "no_room": "1"}).status_code == 303
    assert (files(), db.session().scalar(sa.select(VstudioSession.cover_image_url))) == ([], None)
    post(client, here, {"action": "cancel"})
    assert post(client, here, {"action": "cover"}, room=GOOD).status_code == 409


def test_no_field_but_the_forms_own_is_taken(client: Client, artist: Artist) -> None:
    """Promise 42, for files: neither another file nor the column's name."""
    for sent, field in (({}, "banner"), ({"cover_image_url": "/x"}, "cover"), ({"coverImageUrl": "/x"}, "cover")):
        assert post(client, "/studio/masters/new", TRACK | sent, **{field: GOOD}).status_code == 422
    assert post(client, "/studio/pictures", {"palette": "brine"}, portrait=GOOD).status_code == 422
    assert files() == []


def test_who_uploads_too_often_waits(client: Client, artist: Artist, app: Flask) -> None:
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, bind="0.0.0.0:5000", pictures_per_person=2)
    try:
        found = [post(client, "/me/profile", {"displayName": "Ines"}).status_code for _ in range(3)]
        plain = client.post("/me/profile", data={"displayName": "Ines"}).status_code
    finally:
        app.config["SETTINGS"] = settings
    assert (found, plain) == ([303, 303, 429], 303)


def test_what_a_person_may_keep_in_all(client: Client, artist: Artist, app: Flask) -> None:
    settings = app.config["SETTINGS"]
    post(client, "/me/profile", {"displayName": "Ines"}, avatar=GOOD)
    (kept,) = files()
    app.config["SETTINGS"] = replace(settings, picture_bytes_per_person=kept.size + 100)
    try:
        refused = post(client, "/studio/pictures", {}, portrait=GOOD)
        same_place = post(client, "/me/profile", {"displayName": "Ines"}, avatar=GOOD)
    finally:
        app.config["SETTINGS"] = settings
    assert (refused.status_code, "Your pictures fill" in refused.text) == (422, True)
    assert (same_place.status_code, len(files())) == (303, 1)
