"""What the database holds about files, whoever writes; full disks; and what becomes of them with their owner."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal.accounts.models import User
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import db, transaction, utcnow
from portal.files import store
from portal.files.cids import cid_of
from portal.files.models import MediaFile
from portal.files.places import Picture, Place
from portal.files.store import Sent, Slot
from portal.masters.models import Master, MasterContract
from portal.privacy import deleting, exporting
from portal.privacy.models import DataExport
from tests import factories
from tests.conftest import Client
from tests.files.test_uploads import GOOD, TRACK, files, post

WEBP = b"RIFF\0\0\0\0WEBP"
NEW = {"place": "avatar", "cid": cid_of(WEBP), "media_type": "image/webp", "size": 12, "width": 1, "height": 1}
WRONG: dict[str, dict[str, Any]] = {
    "another content's CID": {"cid": cid_of(b"other")},
    "not a picture of ours": {"content": b"<html>", "cid": cid_of(b"<html>"), "size": 6},
    "another size": {"size": 13},
    "another type": {"media_type": "text/html"},
    "no pixels": {"width": 0},
    "a cover of nothing": {"place": "cover"},
    "a place that is none": {"place": "wall"},
}


def row(owner: uuid.UUID, **other: Any) -> sa.Insert:
    return sa.insert(MediaFile.__table__).values(  # type: ignore[arg-type]
        id=uuid.uuid4(), owner_id=owner, **{"content": WEBP} | NEW | other
    )


def picture(mark: bytes = b"") -> Sent:
    return Sent(Picture(WEBP + mark, 1, 1), 10_000)


@pytest.mark.parametrize("wrong", WRONG)
def test_the_database_refuses_a_file_that_is_not_what_it_says(session: Session, wrong: str) -> None:
    owner = factories.person(session).id
    with pytest.raises((IntegrityError, LookupError, sa.exc.StatementError)):
        session.execute(row(owner, **WRONG[wrong]))


def test_a_place_holds_one_file_that_never_changes(session: Session) -> None:
    owner = factories.person(session).id
    session.execute(row(owner))
    with pytest.raises(IntegrityError, match="uq_media_files_own"), session.begin_nested():
        session.execute(row(owner))
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(sa.update(MediaFile).values(width=2))


def test_a_cover_stays_once_the_chain_leads_to_it(session: Session) -> None:
    master = factories.master(session)
    slot = Slot(master.artist.user_id, Place.COVER, master_id=master.id)
    store.fill(session, slot, picture())
    session.add(MasterContract(master_id=master.id, chain_id="31337", contract_address="0x" + "1" * 40))
    session.flush()
    with pytest.raises(IntegrityError, match="the chain leads to this cover"):
        store.fill(session, slot, Sent(None, 0))


def test_the_same_picture_of_two_people_is_two_files(session: Session, client: Client) -> None:
    """What one of them takes away the other still shows."""
    one, other = (Slot(factories.person(session).id, Place.AVATAR) for _ in range(2))
    url = store.fill(session, one, picture()).url
    assert store.fill(session, other, picture()).url == url
    store.fill(session, one, Sent(None, 0))
    session.commit()
    assert client.get(str(url)).data == WEBP


FULL = """
CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER zz_disk_is_full AFTER INSERT ON media_files FOR EACH ROW EXECUTE FUNCTION disk_is_full()
"""


def test_a_full_disk_is_503_and_leaves_nothing(
    live_app: Flask, client: Client, sign_in: Callable[[Client, User], str]
) -> None:
    """Promise 28: an upload is written to the database alone; where that is full, all of it is taken back."""
    sign_in(client, factories.artist(db.session()).user)
    owner = sa.create_engine(live_app.config["SETTINGS"].owner_database_url, poolclass=sa.NullPool)
    with owner.begin() as connection:
        connection.exec_driver_sql(FULL)
    answer = post(client, "/studio/masters/new", TRACK, cover=GOOD)
    assert (answer.status_code, "Nothing was changed" in answer.text) == (503, True)
    assert (files(), db.session().scalar(sa.select(sa.func.count(Master.id)))) == ([], 0)
    assert post(client, "/studio/masters/new", TRACK).status_code == 303


def test_an_upload_is_held_in_memory(app: Flask) -> None:
    """Promise 28: what is being received fills no disk, however large it is."""
    boundary, body = encode_multipart({"cover": FileStorage(io.BytesIO(bytes(900_000)), "a.png", "cover")})
    kind = f"multipart/form-data; boundary={boundary}"
    with app.test_request_context(method="POST", data=body, content_type=kind):
        assert isinstance(request.files["cover"].stream, io.BytesIO)


def test_a_copy_of_ones_data_has_the_pictures(app: Flask, session: Session) -> None:
    user = factories.person(session)
    cid = store.fill(session, Slot(user.id, Place.AVATAR), picture()).cid
    export_id = uuid.uuid4()
    session.add(DataExport(id=export_id, user_id=user.id))
    session.commit()
    exporting.gather(export_id)
    packed = db.session().scalars(sa.select(DataExport.content).where(DataExport.id == export_id)).one()
    with zipfile.ZipFile(io.BytesIO(packed or b"")) as archive:
        assert archive.read(f"pictures/avatar-{cid}.webp") == WEBP
        (told,) = json.loads(archive.read("data.json"))["pictures"]
    assert (told["place"], told["cid"], told["size"]) == ("avatar", cid, 12)


def test_with_their_owner_all_pictures_go_but_those_of_shares(app: Flask, session: Session) -> None:
    """Whoever holds a share of a deleted artist's master keeps its picture; a draft's goes."""
    sold, draft = (factories.master(session, by) for by in [factories.artist(session)] * 2)
    owner = sold.artist.user_id
    for master in (sold, draft):
        slot = Slot(owner, Place.COVER, master_id=master.id)
        master.cover_image_url, master.cover_image_ipfs_hash = store.fill(session, slot, picture(master.id.bytes))
    for place in (Place.AVATAR, Place.PORTRAIT, Place.BANNER):
        store.fill(session, Slot(owner, place), picture())
    session.add(MasterContract(master_id=sold.id, chain_id="31337", contract_address="0x" + "2" * 40))
    session.get_one(User, owner).deleted_at = utcnow() - dt.timedelta(days=31)
    kept, gone, ids = sold.cover_image_ipfs_hash, draft.cover_image_ipfs_hash, (sold.id, draft.id)
    session.commit()
    assert deleting.anonymise(owner)
    assert [file.cid for file in files()] == [kept]
    covers = dict(db.session().execute(sa.select(Master.id, Master.cover_image_ipfs_hash)).all())
    assert [covers[id] for id in ids] == [kept, None]
    assert gone != kept


def test_two_at_once_into_one_place(live_app: Flask, session: Session) -> None:
    """The later one takes the earlier one's place; neither fails, and one file is left."""
    owner = factories.person(session).id
    session.commit()
    start, failed = threading.Barrier(2), list[Exception]()

    def upload(mark: bytes) -> None:
        with live_app.app_context():
            try:
                start.wait(10)
                for _ in range(5):
                    with transaction() as own:
                        store.fill(own, Slot(owner, Place.AVATAR), picture(mark))
                        record(own, "update_profile", AuditActionCategory.AUTHENTICATION, target=("user", owner, ""))
                        time.sleep(0.02)
            except Exception as error:
                failed.append(error)

    threads = [threading.Thread(target=upload, args=(mark,)) for mark in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert session.scalar(sa.select(sa.func.count()).select_from(MediaFile).where(MediaFile.owner_id == owner)) == 1
