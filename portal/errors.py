"""What can go wrong, in the domain's words. No web framework here: `web` turns these into answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One field and what is wrong with it; `field` is the name the form and the JSON body use."""

    field: str
    message: str


class DomainError(Exception):
    """A refusal that a person can understand. `status` is the HTTP answer, `code` is stable for programs."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = "This request could not be read"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class BadRequest(DomainError):
    pass


class SignInNeeded(DomainError):
    status, code, title = 401, "sign_in_needed", "Please sign in first"


class Forbidden(DomainError):
    status, code, title = 403, "forbidden", "This is not yours to do"


class SecondFactorNeeded(Forbidden):
    """Set up a second factor first: staff pages, and any change of where money goes."""

    code, title = "second_factor_needed", "Set up a second factor first"


class StepUpNeeded(Forbidden):
    """Prove who you are once more: the last time was minutes ago."""

    code, title = "step_up_needed", "Please confirm that it is you"


class NotFound(DomainError):
    status, code, title = 404, "not_found", "There is nothing here"


class Conflict(DomainError):
    status, code, title = 409, "conflict", "This has changed since you opened it"


class Gone(DomainError):
    status, code, title = 410, "gone", "This is no longer here"


class Invalid(DomainError):
    """Some fields are wrong; nothing was written."""

    status, code, title = 422, "invalid", "Some fields need another look"

    def __init__(self, errors: list[FieldError] | FieldError, detail: str = "") -> None:
        super().__init__(detail)
        self.errors = [errors] if isinstance(errors, FieldError) else errors


class TooLarge(Invalid):
    """More was sent than this address takes."""

    status, code, title = 413, "too_large", "That is more than this address takes"

    def __init__(self, errors: list[FieldError] | FieldError | str) -> None:
        super().__init__([] if isinstance(errors, str) else errors, errors if isinstance(errors, str) else "")


class TooMany(DomainError):
    status, code, title = 429, "too_many", "Too many tries; please wait a little"

    def __init__(self, detail: str = "", retry_after: int = 60) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Something the portal depends on does not answer (chain, queue); retrying later helps."""

    status, code, title = 503, "unavailable", "A part of the portal does not answer right now"


class Waiting(Unavailable):
    """Nothing is wrong, and the work goes on by itself: a job that raises it is run again, however often."""

    retry_after: ClassVar[int] = 10


class Replayed(Exception):
    """The same idempotency key with the same body came again: this was the answer."""

    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__("answered before")
        self.status, self.body = status, body


class NestedTransaction(RuntimeError):
    """A command called another command: the inner one belongs to its caller's transaction."""
