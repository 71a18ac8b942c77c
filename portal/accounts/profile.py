"""What a person says about themselves, and which mails they want."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.accounts.models import User
from portal.accounts.sign_in_models import Preferences
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import transaction
from portal.files import store
from portal.files.places import Place
from portal.files.store import UNCHANGED, Change, Sent, Slot

PICTURES = 8


def pictures(user_id: uuid.UUID) -> list[str]:
    """Addresses of the pictures a person chooses from, each drawn from its own id; people begin with the first."""
    ids = [user_id, *(uuid.uuid5(user_id, str(number)) for number in range(1, PICTURES))]
    return [f"/avatars/{drawn}.svg" for drawn in ids]


def mails_on_sign_in(session: Session, user_id: uuid.UUID) -> bool:
    wanted = session.scalar(sa.select(Preferences.mail_on_sign_in).where(Preferences.user_id == user_id))
    return wanted is not False


def update(
    user_id: uuid.UUID,
    name: str,
    bio: str | None,
    picture: int | None,
    mail_on_sign_in: bool,
    upload: Change = UNCHANGED,
) -> None:
    """Change the profile; `picture` is the number of one of `pictures`, None keeps the one there is.

    A picture of one's own (`upload`) goes before a number.
    """
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        before: dict[str, Any] = {"displayName": user.display_name, "bio": user.bio, "avatarUrl": user.avatar_url}
        before["mailOnSignIn"] = mails_on_sign_in(session, user_id)
        user.display_name, user.bio = name, bio
        if picture is not None and upload is UNCHANGED:
            upload = Sent(None, 0)
        if upload is not UNCHANGED:
            own = store.fill(session, Slot(user_id, Place.AVATAR), upload).url
            user.avatar_url = own or (None if picture is None else pictures(user_id)[picture])
        after = {"displayName": name, "bio": bio, "avatarUrl": user.avatar_url, "mailOnSignIn": mail_on_sign_in}
        values = {"user_id": user_id, "mail_on_sign_in": mail_on_sign_in}
        session.execute(
            insert(Preferences).values(values).on_conflict_do_update(index_elements=["user_id"], set_=values)
        )
        record(
            session,
            "update_profile",
            AuditActionCategory.AUTHENTICATION,
            target=("user", user_id, user.email),
            before=before,
            after=after,
        )
