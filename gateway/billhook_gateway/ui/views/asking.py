"""The few steps that every view takes: read the query, ask, show a form again with what was wrong, go on."""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Response, redirect, render_template, request

from billhook_gateway.answers import ApiProblem
from billhook_gateway.backends import BackendResponse
from billhook_gateway.door import services
from billhook_gateway.ui.conflicts import VERSION_GONE, note_conflict, noted_conflict
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.views.frame import tell

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
PASSED_ON = ("Content-Type", "Content-Disposition", "Content-Length")


def asked(*names: str) -> dict[str, str]:
    """The named query values that are filled, and the list's cursor: what goes to the API as it is."""
    return {name: request.args[name] for name in (*names, "after") if request.args.get(name)}


def is_uuid(text: str) -> bool:
    """Whether the text could be a record's id."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def month_range(first: str, until: str) -> dict[str, str]:
    """``?month=2026-11`` as the half-open days that an API wants under the two names."""
    month = request.args.get("month", "")
    if not _MONTH.fullmatch(month):
        return {}
    year, _, number = month.partition("-")
    following = f"{int(year) + 1}-01" if int(number) == 12 else f"{year}-{int(number) + 1:02d}"
    return {first: f"{month}-01", until: f"{following}-01"}


def fields() -> dict[str, str]:
    """The form's fields without blanks round them and without what is not for the API."""
    return {
        name: value.strip()
        for name, value in request.form.items()
        if name not in {"csrf_token", "idempotency_key", "version"}
    }


def form_key() -> str:
    """The Idempotency-Key that the form brought, so that pressing twice has one effect."""
    return request.form.get("idempotency_key") or new_key()


def new_key() -> str:
    """A key for a form that is about to be shown."""
    return str(uuid.uuid4())


def page(template: str, **context: Any) -> str:
    """A page."""
    return render_template(template, errors=context.pop("errors", {}), conflict=noted_conflict(), **context)


def attempt(
    act: Callable[[], Any], again: Callable[[Mapping[str, list[str]]], str], done: Callable[[Any], Response]
) -> Response:
    """Do what a form asks for; if the service refuses, show the form again with what is wrong and what was typed.

    Where the record was changed meanwhile, the form says so and goes on from what is there now.
    """
    try:
        answer = act()
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        if problem.status == VERSION_GONE:
            note_conflict(problem.problem)
            return Response(again({}), status=VERSION_GONE)
        return Response(again(errors_by_field(problem.problem)), status=422)
    return done(answer)


def on_to(path: str, said: str = "", undo: str = "") -> Response:
    """Go on to another page, which says what was done."""
    response = cast(Response, redirect(path, 303))
    return tell(response, said, undo) if said else response


def customer_numbered(number: str) -> str:
    """The id of the customer with that number, else with that login; blank when there is none."""
    found = services().get("crm", "/customers", q=number, limit=500)["items"] if number else []
    for name in ("number", "login"):
        for one in found:
            if one[name].lower() == number.lower():
                return str(one["id"])
    return ""


def passed_on(answer: BackendResponse) -> Response:
    """A file as the service sent it."""
    response = Response(answer.read(), status=answer.status)
    for name in PASSED_ON:
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    return response


def filled(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what was left blank."""
    return {name: value for name, value in body.items() if value not in ("", None)}


def ticked(name: str) -> bool:
    """Whether a check box was ticked."""
    return request.form.get(name) == "true"
