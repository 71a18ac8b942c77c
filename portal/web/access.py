"""Who may use a route or a socket event. Every one declares an `Access`; a test refuses those that do not.

An `Access` decides about the kind of person only. Whether an object is theirs is decided by the query that finds
it: somebody else's is `NotFound`, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask_login import current_user

from portal.errors import Forbidden, SecondFactorNeeded, SignInNeeded, StepUpNeeded


@dataclass(frozen=True)
class Access:
    """A named rule. `check` raises SignInNeeded or Forbidden."""

    name: str
    check: Callable[[], None]


def _open() -> None:
    pass


class Refusals:
    """Who hears of a person that was refused; a feature sets it, because this module knows none."""

    tell: Callable[[str], None] = staticmethod(lambda _needed: None)


def _forbidden(needed: str) -> Forbidden:
    Refusals.tell(needed)
    return Forbidden()


def _signed_in() -> None:
    if not current_user.is_authenticated:
        raise SignInNeeded


anyone = Access("anyone", _open)
signed_in = Access("signed in", _signed_in)


def _second_factor() -> None:
    """With a second factor on, no session exists without it; what is left to ask is whether it is on."""
    if current_user.factor_due:
        raise SecondFactorNeeded


def role(name: str) -> Access:
    """People who hold this role now (an expired role is no role)."""

    def check() -> None:
        _signed_in()
        if name not in current_user.roles:
            raise _forbidden(f"role {name}")
        if name == "admin":
            _second_factor()

    return Access(f"role {name}", check)


def permission(name: str) -> Access:
    """People who hold this permission now, by a role or by a grant, such as `finance:verify`, and a second factor."""

    def check() -> None:
        _signed_in()
        if name not in current_user.permissions:
            raise _forbidden(f"permission {name}")
        _second_factor()

    return Access(f"permission {name}", check)


def _works_here() -> None:
    _signed_in()
    if not current_user.permissions:
        raise _forbidden("any permission")
    _second_factor()


staff = Access("staff", _works_here)
"""Whoever holds any permission."""


def confirmed(access: Access) -> Access:
    """Who may do this anyway, and has proved who they are within the last minutes (`step_up_seconds`)."""

    def check() -> None:
        access.check()
        if not current_user.recent:
            raise StepUpNeeded

    return Access(f"{access.name}, just confirmed", check)


def confirmed_with(name: str, access: Access) -> Access:
    """`access` for everybody; whoever holds this permission, and so does more by the same act, has just confirmed."""
    more = confirmed(permission(name))

    def check() -> None:
        access.check()
        if name in current_user.permissions:
            more.check()

    return Access(f"{access.name}, with {name} just confirmed", check)


def _may_move_money() -> None:
    _signed_in()
    _second_factor()


money = confirmed(Access("signed in with a second factor", _may_move_money))
"""For every change of where somebody's money goes."""
