"""Versions in headers: a record comes with its ``ETag``; a change names in ``If-Match`` what it was made from."""

import datetime as dt
import functools
import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.errors import BadRequest, BillhookError
from billhook_common.paging import json_response
from billhook_common.tables import audit_entry

_TAG = re.compile(r'"([0-9]{1,18})"')

F = TypeVar("F", bound=Callable[..., Any])


class VersionMissing(BadRequest):
    """Without the version that was seen, somebody else's change would be overwritten unseen."""

    status = 428
    title = "Say which version you change"


class VersionGone(BillhookError):
    """Somebody else changed the record since it was read; the problem names the present ``version``.

    Where it is known: also ``changed_at`` and ``changed_by``, the subject of whoever did it.
    """

    status = 412
    title = "It was changed meanwhile"


def versioned(*, required: bool) -> Callable[[F], F]:
    """A command that changes one record: the version in If-Match becomes the view's argument ``seen``.

    It is None for ``*``, and where the header is left out and not ``required``. Goes below ``requires``.
    Raises VersionMissing, BadRequest.
    """

    def decorate(view: F) -> F:
        @functools.wraps(view)
        def with_seen(*args: Any, **kwargs: Any) -> Any:
            return view(*args, seen=_version_seen(required=required), **kwargs)

        with_seen.billhook_versioned = required  # type: ignore[attr-defined]  # read by is_versioned
        return with_seen  # type: ignore[return-value]  # the same but for one argument

    return decorate


def is_versioned(view: Callable[..., Any]) -> bool | None:
    """Whether If-Match is required by a view; None where it has no meaning."""
    return getattr(view, "billhook_versioned", None)


def versioned_response(record: dict[str, Any], status: int = 200) -> Response:
    """The record as JSON, with its ``version`` as the ETag too."""
    response = json_response(record, status)
    response.headers["ETag"] = f'"{record["version"]}"'
    return response


def check_version(
    session: Session,
    subject: UUID | None,
    *,
    seen: int | None,
    present: int,
    changed: tuple[dt.datetime | None, str] | None = None,
) -> None:
    """Raise VersionGone unless the version that was seen is the present one; None was not looked at.

    ``subject``: the record as the audit rows name it; ``changed``: when and by whom, where no
    audit row has to be asked. Call it with the record locked.
    """
    if seen is None or seen == present:
        return
    at, by = changed or _last_change(session, subject)
    members = {"version": present} | ({"changed_at": at, "changed_by": by} if at is not None else {})
    raise VersionGone(f"You changed version {seen}; the present one is {present}. Read it again.", members=members)


def _last_change(session: Session, subject: UUID | None) -> tuple[dt.datetime | None, str]:
    last = session.execute(
        select(audit_entry.c.at, audit_entry.c.actor)
        .where(audit_entry.c.subject == subject)
        .order_by(audit_entry.c.id.desc())
        .limit(1)
    ).one_or_none()
    return (last.at, last.actor) if last is not None else (None, "")


def _version_seen(*, required: bool) -> int | None:
    given = request.headers.get("If-Match")
    if given is None:
        if required:
            raise VersionMissing("Send If-Match with the ETag of the record that you read.")
        return None
    if given.strip() == "*":
        return None
    match = _TAG.fullmatch(given.strip())
    if match is None:
        raise BadRequest('If-Match is the ETag of one version, such as "3", or *. Weak ones (W/) name none.')
    return int(match.group(1))
