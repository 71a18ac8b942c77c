"""What people may send about themselves."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from portal.accounts.profile import PICTURES
from portal.web.bodies import Body, Switch, Text, Whole

_EMAIL = re.compile(r"[^@\s\"<>(),:;\\\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII)


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value) or ".." in value:
        raise ValueError("Enter an e-mail address such as name@example.org.")
    return value.lower()


class SignIn(Body):
    email: Annotated[Text, Field(min_length=1, max_length=255), AfterValidator(_email)]


class Profile(Body):
    """`picture` is the number of one of the offered pictures; without it the one there is stays."""

    display_name: Annotated[Text, Field(min_length=1, max_length=100)]
    bio: Annotated[Text, Field(max_length=500)] | None = None
    picture: Annotated[Whole, Field(ge=0, lt=PICTURES)] | None = None
    mail_on_sign_in: Switch = False


class WalletLabel(Body):
    """A name for one's own eyes; empty takes it away."""

    label: Annotated[Text, Field(max_length=100)] | None = None
