"""What staff send."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from portal.accounts.enums import Permission, UserRole
from portal.web.bodies import Body, Moment, Text, member


class Reason(Body):
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class GivenRole(Body):
    """`until` is the day on which it ends; without it the role stays."""

    role: Annotated[UserRole, member(UserRole)]
    until: Moment | None = None


class GivenPermission(Body):
    permission: Annotated[Permission, member(Permission)]
    until: Moment | None = None


class Notes(Body):
    notes: Annotated[Text, Field(min_length=1, max_length=4000)]


class Resolution(Body):
    resolution: Annotated[Text, Field(min_length=1, max_length=100)]
