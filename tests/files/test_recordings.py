"""A recording: what it becomes, how it is sent, prepared, played and kept; and what is refused, with the reason."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import soundfile
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from portal.artists.models import Artist
from portal.audit.models import AuditLog
from portal.db import db
from portal.files import ipfs, queries
from portal.files.cids import MOST_BYTES, cid_of_blocks, cut
from portal.files.models import Recording, Upload, UploadPart
from portal.files.places import Unusable
from portal.files.sound import prepared
from portal.masters.models import Master, MasterContract
from portal.nfts import metadata
from portal.outbox import OutboxJob
from tests import factories
from tests.conftest import Client
from tests.files.test_ipfs import Node, node  # noqa: F401  (a fixture)
from tests.files.test_uploads import artist  # noqa: F401  (a fixture)

VECTORS = {
    5: "bafkreibgvdglonyr2jmmemhmimq5r5usftifdmvyapadbngpatpaimezwy",
    262_144: "bafkreibdffnmnzlbq264m4kqmxcslchnncczdb567t7xahpgbhdyigvtr4",
    262_145: "bafybeielov4zxeb3kwwrtgpluv2mh72hsf7vjypbok654v7i2ox5ylnlje",
    600_000: "bafybeidtfx2drdcs3chkd22slopllb5xdcrzumm23v7mkkl7mkmcsmkhr4",
    3_000_000: "bafybeifzmeaoyygjfki35xecuvd5so7iotrzbdk4ruz6wsxoepl6py4sji",
}
"""What the reference importer of IPFS answers (raw leaves, chunks of 256 KiB) for (7 i + i // 256) mod 256."""


def tone(seconds: float = 2, rate: int = 8000, channels: int = 1, pitch: float = 440) -> Any:
    """A tone that swells from silence."""
    at = np.arange(int(seconds * rate)) / rate
    wave = 0.8 * (at / at[-1]) * np.sin(2 * np.pi * pitch * at)
    return np.stack([wave] * channels, axis=1).astype("float32")


def written(kind: str, samples: Any = None, rate: int = 8000, **options: Any) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, tone() if samples is None else samples, rate, format=kind, **options)
    return out.getvalue()


@cache
def long() -> bytes:
    """Noise that fills more than one block as MP3."""
    samples = np.random.default_rng(1).normal(0, 0.3, (44_100 * 18, 2)).astype("float32")
    return prepared(io.BytesIO(written("WAV", samples, 44_100))).content


# --- what it is called and what it becomes ---------------------------------------------------------------


@pytest.mark.parametrize("size", VECTORS)
def test_a_file_of_many_blocks_has_the_cid_that_ipfs_gives_it(size: int) -> None:
    content = bytes((7 * i + (i >> 8)) & 255 for i in range(size))
    assert cid_of_blocks(cut(content)) == VECTORS[size]


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_every_kind_becomes_mp3_with_its_waveform(kind: str) -> None:
    heard: list[int] = []
    made = prepared(io.BytesIO(written(kind)), heard.append)
    with soundfile.SoundFile(io.BytesIO(made.content)) as again:
        assert (again.format, again.samplerate, again.channels) == ("MP3", 8000, 1)
    assert abs(made.milliseconds - 2000) < 60
    assert (len(made.peaks), max(made.peaks), made.peaks[0] < 10, heard[-1]) == (160, 100, True, 100)
    swells = [sum(made.peaks[at : at + 32]) for at in range(0, 160, 32)]
    assert swells == sorted(swells)


@pytest.mark.parametrize(("rate", "kept"), [(96_000, 48_000), (176_400, 44_100)])
def test_a_higher_rate_keeps_what_can_be_heard_and_nothing_that_folds_back(rate: int, kept: int) -> None:
    low, high = tone(2, rate, pitch=1000), tone(2, rate, pitch=30_000)
    with soundfile.SoundFile(io.BytesIO(prepared(io.BytesIO(written("WAV", low, rate))).content)) as again:
        assert again.samplerate == kept
        assert np.abs(again.read()).max() > 0.6
    with soundfile.SoundFile(io.BytesIO(prepared(io.BytesIO(written("WAV", high, rate))).content)) as again:
        assert np.abs(again.read()).max() < 0.01


def test_names_and_comments_of_the_file_are_gone() -> None:
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", 8000, 1, format="WAV") as target:
        target.title, target.comment = "51.4778N", "somebody"
        target.write(tone())
    assert b"51.4778N" in out.getvalue()
    made = prepared(io.BytesIO(out.getvalue())).content
    assert b"51.4778N" not in made
    assert b"somebody" not in made


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"<html>", "not a WAV"),
        (b"ID3" + bytes(4000), "not a WAV"),
        (written("FLAC")[:-9000], "breaks off|damaged"),
        (written("WAV", tone(0.5)), "shorter than a second"),
        (written("WAV", tone(1.5, 8000, 3)), "3 channels"),
        (written("WAV", tone(2, 10_000), 10_000), "10,000 samples"),
        (written("FLAC", np.zeros((1000 * 901, 1), "float32"), 1000), "longer than 15 minutes"),
        (written("WAV", np.full((16_000, 1), np.nan, "float32"), subtype="FLOAT"), "no numbers"),
        (written("AU"), "not a WAV"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        prepared(io.BytesIO(raw))


# --- sending it -------------------------------------------------------------------------------------------


@pytest.fixture
def master(session: Session, artist: Artist) -> Master:  # noqa: F811
    made = factories.master(session, artist, title="Low Tide")
    session.commit()
    return made


def send(
    client: Client, master_id: uuid.UUID, raw: bytes | None, name: str = "take 3.wav", **fields: str
) -> TestResponse:
    sent: dict[str, Any] = dict(fields)
    if raw is not None:
        sent["recording"] = FileStorage(io.BytesIO(raw), name, "recording", "audio/wav")
    boundary, body = encode_multipart(sent)
    kind = f"multipart/form-data; boundary={boundary}"
    return client.post(f"/studio/masters/{master_id}/recording", data=body, content_type=kind)


def fresh(master_id: uuid.UUID) -> Master:
    return db.session().get_one(Master, master_id, populate_existing=True)


def test_it_is_sent_prepared_and_played(client: Client, master: Master, run_jobs: Callable[[], int]) -> None:
    where, edition = f"/studio/masters/{master.id}/recording", master.version
    assert send(client, master.id, written("FLAC")).headers["Location"] == where
    assert "Being prepared" in client.get(where).text
    assert run_jobs() == 1
    kept = db.session().scalars(sa.select(Recording)).one()
    now = fresh(master.id)
    assert (now.audio_file_name, now.audio_ipfs_hash, now.duration) == ("take 3.wav", kept.cid, 2)
    assert now.version == edition  # a draft that is open in a form is not said to be changed
    page = client.get(where).text
    assert (f"/ipfs/{kept.cid}" in page, "take 3.wav" in page, "Being prepared" in page) == (True, True, False)
    assert f"/ipfs/{kept.cid}" in client.get(f"/studio/masters/{master.id}").text
    heard = client.get(f"/ipfs/{kept.cid}")
    assert (heard.status_code, heard.mimetype, len(heard.data)) == (200, "audio/mpeg", kept.size)
    acts = db.session().scalars(sa.select(AuditLog.action).where(AuditLog.target_id == str(master.id))).all()
    assert {"send_recording", "recording_prepared"} <= set(acts)
    assert db.session().scalar(sa.select(sa.func.count()).select_from(UploadPart)) == 0
    assert metadata.of_collection(fresh(master.id), "https://x.example")["animation_url"] == f"ipfs://{kept.cid}"


def test_a_file_that_is_none_says_why_and_the_one_before_plays_on(
    client: Client, master: Master, run_jobs: Callable[[], int]
) -> None:
    send(client, master.id, written("WAV"))
    run_jobs()
    before = fresh(master.id).audio_ipfs_hash
    send(client, master.id, b"<html>", "page.wav")
    run_jobs()
    page = client.get(f"/studio/masters/{master.id}/recording").text
    assert "page.wav: This is not a WAV" in page
    assert fresh(master.id).audio_ipfs_hash == before
    assert f"/ipfs/{before}" in page


def test_a_later_one_wins_and_a_job_that_runs_again_changes_nothing(
    client: Client, master: Master, run_jobs: Callable[[], int]
) -> None:
    send(client, master.id, written("WAV"), "first.wav")
    send(client, master.id, written("WAV", tone(3)), "second.wav")
    assert run_jobs() == 2
    assert (fresh(master.id).audio_file_name, fresh(master.id).duration) == ("second.wav", 3)
    db.session().execute(sa.update(OutboxJob).values(done_at=None))
    db.session().commit()
    assert run_jobs() == 2
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Recording)) == 1


@pytest.mark.parametrize(("raw", "reason"), [(None, "Choose the file"), (b"", "This file is empty")])
def test_a_form_without_sound_says_so(client: Client, master: Master, raw: bytes | None, reason: str) -> None:
    answer = send(client, master.id, raw)
    assert (answer.status_code, reason in answer.text) == (422, True)
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Upload)) == 0


def test_it_is_taken_away(client: Client, master: Master, run_jobs: Callable[[], int]) -> None:
    send(client, master.id, written("WAV"))
    run_jobs()
    assert send(client, master.id, None, remove="on").status_code == 303
    assert (fresh(master.id).audio_ipfs_hash, fresh(master.id).duration) == (None, None)
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Recording)) == 0


def test_it_stays_once_the_chain_leads_to_it(client: Client, master: Master, run_jobs: Callable[[], int]) -> None:
    """And not only by the portal's own word: the database refuses too."""
    send(client, master.id, written("WAV"))
    run_jobs()
    contract = {"master_id": master.id, "chain_id": "31337", "contract_address": "0x" + "3" * 40}
    db.session().execute(sa.insert(MasterContract).values(id=uuid.uuid4(), **contract))
    db.session().commit()
    cid = fresh(master.id).audio_ipfs_hash
    for raw, fields in ((written("WAV", tone(3)), {}), (None, {"remove": "on"})):
        answer = send(client, master.id, raw, **fields)
        assert (answer.status_code, "it stays as it is" in answer.text) == (409, True)
    assert run_jobs() == 0
    for statement in (sa.delete(Recording), sa.update(Recording).values(milliseconds=1)):
        with pytest.raises(DBAPIError), db.session().begin_nested():
            db.session().execute(statement.execution_options(synchronize_session=False))
    assert fresh(master.id).audio_ipfs_hash == cid


def test_the_quota_holds(app: Flask, client: Client, master: Master, run_jobs: Callable[[], int]) -> None:
    send(client, master.id, written("WAV"))
    run_jobs()
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, recording_bytes_per_person=100)
    try:
        answer = send(client, master.id, written("WAV"))
    finally:
        app.config["SETTINGS"] = settings
    assert (answer.status_code, "Your recordings fill" in answer.text) == (422, True)


def test_somebody_elses_master_is_not_there(client: Client, session: Session, artist: Artist) -> None:  # noqa: F811
    other = factories.master(session, factories.artist(session, "Nils Falk"))
    session.commit()
    assert send(client, other.id, written("WAV")).status_code == 404
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Upload)) == 0


# --- playing it -------------------------------------------------------------------------------------------


@pytest.fixture
def kept(session: Session, master: Master) -> tuple[str, bytes]:
    """(CID, content) of a recording of several blocks."""
    from portal.files import recordings

    content = long()
    assert len(content) > MOST_BYTES
    cid = recordings.fill(session, master.artist.user_id, master.id, content, 18_000, [1] * 160)
    session.commit()
    return cid, content


@pytest.mark.parametrize("span", [(0, 9), (MOST_BYTES - 5, MOST_BYTES + 5), (MOST_BYTES, MOST_BYTES), (0, None)])
def test_a_player_gets_the_part_it_asks_for(
    client: Client, kept: tuple[str, bytes], span: tuple[int, int | None]
) -> None:
    cid, content = kept
    first, last = span
    answer = client.get(f"/ipfs/{cid}", headers={"Range": f"bytes={first}-{'' if last is None else last}"})
    end = len(content) - 1 if last is None else last
    assert (answer.status_code, answer.data) == (206, content[first : end + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end}/{len(content)}"


def test_the_last_bytes_a_part_behind_the_end_and_the_whole(client: Client, kept: tuple[str, bytes]) -> None:
    cid, content = kept
    assert client.get(f"/ipfs/{cid}", headers={"Range": "bytes=-7"}).data == content[-7:]
    behind = client.get(f"/ipfs/{cid}", headers={"Range": f"bytes={len(content)}-"})
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(content)}")
    whole = client.get(f"/ipfs/{cid}")
    assert (whole.data, whole.headers["Accept-Ranges"]) == (content, "bytes")
    assert client.get(f"/ipfs/{cid}", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    other = client.get(f"/ipfs/{cid}", headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, len(other.data)) == (200, len(content))


def test_a_recording_is_added_to_the_ipfs_node(node: Node, kept: tuple[str, bytes]) -> None:  # noqa: F811
    cid, content = kept
    node.answer = {"Hash": cid, "Name": cid}
    ipfs.put(node.url, cid, queries.content(db.session(), cid) or b"")
    assert node.asked == ["/api/v0/add?cid-version=1&raw-leaves=true&chunker=size-262144&pin=true"]
    assert content in node.kept[0]
