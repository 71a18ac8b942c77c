"""What people may send about themselves."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from portal.web.bodies import Body, Text

_EMAIL = re.compile(r"[^@\s\"<>(),:;\\\[\]]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII)


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value) or ".." in value:
        raise ValueError("Enter an e-mail address such as name@example.org.")
    return value.lower()


class SignIn(Body):
    email: Annotated[Text, Field(min_length=1, max_length=255), AfterValidator(_email)]
