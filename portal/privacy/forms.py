"""What a person sends to have their account deleted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from portal.web.bodies import Body, Text


class Goodbye(Body):
    """The account's e-mail address, typed again."""

    email: Annotated[Text, Field(min_length=1, max_length=255)]
