"""Errors that people see: each becomes an RFC 9457 problem at the edge.

422 means that the body has the wrong shape, 409 that the books say no, 404 that it is not there *for you*.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one value; ``pointer`` is a JSON pointer into the body, such as ``/lines/0/quantity``."""

    pointer: str
    message: str


class BillhookError(Exception):
    """A refusal with a documented problem type. Subclasses are named after the rule that was broken."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request was refused"
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        detail: str = "",
        *,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """``members``: what the problem says beside its usual members, for programs."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = dict(members or {})
        self.errors = tuple(errors) or ((FieldError(pointer, detail or self.title),) if pointer else ())

    @classmethod
    def problem_type(cls) -> str:
        """The last part of the problem's ``type``: the class name in kebab case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()


class BadRequest(BillhookError):
    """The request cannot be read, or lacks something that every such request must bring."""

    status = 400
    title = "The request is incomplete"


class Unauthenticated(BillhookError):
    """Nobody is signed in, or the token is not valid."""

    status = 401
    title = "Sign in first"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class Forbidden(BillhookError):
    """The right is missing."""

    status = 403
    title = "You may not do this"


class NotFound(BillhookError):
    """It is not there, or not for this caller."""

    status = 404
    title = "Not found"


class Conflict(BillhookError):
    """The books, or another change, stand against it."""

    title = "This cannot be done now"


class NotKnownYet(Conflict):
    """The record named was made in another service and its event has not arrived; try again in a second."""

    title = "The record has not arrived here yet"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


class TooLarge(BillhookError):
    """The body, file or number of rows is above a documented limit."""

    status = 413
    title = "Too large"


class Invalid(BillhookError):
    """The body has the wrong shape or a value out of its range."""

    status = 422
    title = "Some values are not valid"


class Unavailable(BillhookError):
    """Something that this service needs does not answer; nothing was changed."""

    status = 503
    title = "Temporarily not available"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "2"}
