"""Errors as RFC 9457 problems, with JSON pointers to the values that were refused."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import Response, g, request
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from billhook_common.db import TRANSIENT, is_transient
from billhook_common.errors import BadRequest, BillhookError, FieldError, Invalid, Unavailable
from billhook_common.logs import get_logger
from billhook_common.trace import current_trace

log = get_logger()

_LOCATIONS = ("json", "json_or_form", "query", "files", "form", "headers", "path")


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str = "",
    errors: tuple[FieldError, ...] = (),
    *,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """A problem+json answer; ``members`` are its own, beside the usual ones."""
    body: dict[str, Any] = {"type": f"/problems/{kind}", "title": title, "status": status, **(members or {})}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = [{"pointer": error.pointer, "message": error.message} for error in errors]
    body["request_id"] = g.get("request_id") or current_trace().correlation_id
    return Response(msgspec.json.encode(body), status=status, content_type="application/problem+json")


def from_error(error: BillhookError) -> Response:
    """The problem of a refusal."""
    response = problem(
        error.status, error.problem_type(), error.title, error.detail, error.errors, members=error.members
    )
    response.headers.update(error.headers)
    return response


def from_http_exception(error: HTTPException) -> Response:
    """The problem of an error that Flask or the schema raised."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    errors = tuple(_flatten(data.get("messages", {})))
    if errors:
        return problem(status, "invalid", "Some values are not valid", "", errors)
    kind = (error.name or "error").lower().replace(" ", "-")
    response = problem(status, kind, error.name, error.description or "")
    if "Allow" in dict(error.get_headers(request.environ)):
        response.headers["Allow"] = dict(error.get_headers(request.environ))["Allow"]
    return response


def from_exception(error: Exception) -> Response:
    """The problem of anything else: database away (503), value that it refuses (422), defect (500, logged)."""
    if isinstance(error, TRANSIENT) or is_transient(error):
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        log.warning("database_unavailable", error=type(error).__name__, sqlstate=state)
        return from_error(Unavailable("The database does not answer in time; nothing was changed. Try again."))
    if isinstance(error, (DataError, UnicodeEncodeError)):
        # What no schema can rule out everywhere: NUL, half a surrogate pair, a number that no column holds.
        return from_error(Invalid("A value cannot be stored: a NUL or broken character, or a number out of range."))
    if isinstance(error, RecursionError):
        # JSON of a hundred thousand brackets; the trace would fill the log.
        log.warning("nested_too_deep", path=request.path, method=request.method)
        return from_error(BadRequest("The request is nested too deep."))
    log.error("request_failed", path=request.path, method=request.method, exc_info=error)
    return problem(
        500, "internal-error", "Something went wrong on our side", "Nothing was changed. Tell us the request id."
    )


def _flatten(messages: Any, pointer: str = "") -> Iterator[FieldError]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = "" if not pointer and name in _LOCATIONS else f"/{_escape(str(name))}"
            yield from _flatten(inner, f"{pointer}{step}" if step else pointer)
    elif isinstance(messages, list):
        for message in messages:
            if isinstance(message, (Mapping, list)):
                yield from _flatten(message, pointer)
            else:
                yield FieldError((pointer or "/").removesuffix("/_schema") or "/", str(message))
    elif messages:
        yield FieldError(pointer or "/", str(messages))


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
