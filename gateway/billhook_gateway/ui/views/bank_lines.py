"""What a person decides about a line of a statement: accept, split, ignore, take back."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.answers import ApiProblem
from billhook_gateway.client import ServiceClient
from billhook_gateway.door import services
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.views.asking import customer_numbered, fields, is_uuid, on_to, page, ticked
from billhook_gateway.ui.views.bank import VIEWS

blueprint = Blueprint("bank_line_pages", __name__, url_prefix="/bank/<uuid:statement_id>/entries/<uuid:entry_id>")

PARTS = 4

Errors = dict[str, list[str]]


@blueprint.route("/accept", methods=["POST"])
@requires("payments:pair")
def accept_entry(statement_id: object, entry_id: object) -> Response:
    """Credit the line to the chosen customer, for the document that the candidate names."""
    customer_id, _, document_id = request.form.get("candidate", "").partition(":")
    if not customer_id:
        return on_to(_review(statement_id, entry_id), "Choose a customer first")
    body: dict[str, Any] = {"customer_id": customer_id, "remember_iban": ticked("remember_iban")}
    if document_id:
        body["documents"] = [{"document_id": document_id}]
    return _decide(statement_id, entry_id, "accept", body, lambda entry: f"Line {entry['position']} is paired")


@blueprint.route("/ignore", methods=["POST"])
@requires("payments:pair")
def ignore_entry(statement_id: object, entry_id: object) -> Response:
    """Leave the line out, with the reason."""
    body = {"reason": fields().get("reason", "")}
    return _decide(statement_id, entry_id, "ignore", body, lambda entry: f"Line {entry['position']} is ignored")


@blueprint.route("/undo", methods=["POST"])
@requires("payments:pair")
def undo_entry(statement_id: object, entry_id: object) -> Response:
    """Take the decision back, whatever it was; what was posted is reversed."""
    try:
        services().post("payments", f"/entries/{entry_id}/undo", {})
    except ApiProblem as problem:
        return on_to(_review(statement_id, entry_id), _plain(problem))
    return on_to(f"/bank/{statement_id}?line={entry_id}", "Taken back; what was posted is reversed")


@blueprint.route("/split", methods=["GET"])
@requires("payments:pair")
def split_form(statement_id: object, entry_id: object) -> str:
    """The form for one transfer of several customers."""
    return _split_page(services(), statement_id, entry_id, [], {})


@blueprint.route("/split", methods=["POST"])
@requires("payments:pair")
def split_entry(statement_id: object, entry_id: object) -> Response:
    """Post the line for several customers, who are named by their numbers."""
    client, typed = services(), fields()
    rows = [
        {"customer": typed.get(f"parts.{at}.customer", ""), "amount": typed.get(f"parts.{at}.amount", "")}
        for at in range(PARTS)
    ]
    places = [at for at, row in enumerate(rows) if row["customer"] or row["amount"]]
    entry = client.get("payments", f"/entries/{entry_id}")
    parts, errors = [], Errors()
    for at in places:
        customer_id = customer_numbered(rows[at]["customer"])
        if not customer_id:
            errors[f"parts.{at}.customer"] = ["There is no customer with this number."]
        amount = {"amount": rows[at]["amount"], "currency": entry["amount"]["currency"]}
        parts.append({"customer_id": customer_id, "amount": amount})
    if not errors:
        try:
            made = client.post("payments", f"/entries/{entry_id}/split", {"parts": parts})
        except ApiProblem as problem:
            if problem.status >= 500 or problem.status in {401, 403}:
                raise
            errors = _at_their_places(errors_by_field(problem.problem), places)
        else:
            said = f"Line {made['position']} is split among {len(parts)} customers"
            return on_to(f"/bank/{statement_id}?done={entry_id}", said)
    return Response(_split_page(client, statement_id, entry_id, rows, errors), status=422)


def _decide(
    statement_id: object,
    entry_id: object,
    step: str,
    body: Mapping[str, Any],
    said: Callable[[Mapping[str, Any]], str],
) -> Response:
    """Tell the service, and go on to the next line; a refusal stays at this one and says why."""
    try:
        entry = services().post("payments", f"/entries/{entry_id}/{step}", body)
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        return on_to(_review(statement_id, entry_id), _plain(problem))
    following = request.form.get("following", "")
    place = {"line": following if is_uuid(following) else "", "show": _show(), "done": str(entry_id)}
    return on_to(_url(statement_id, place), said(entry), undo=f"/bank/{statement_id}/entries/{entry_id}/undo")


def _review(statement_id: object, entry_id: object) -> str:
    return _url(statement_id, {"line": str(entry_id), "show": _show()})


def _url(statement_id: object, place: Mapping[str, str]) -> str:
    return f"/bank/{statement_id}?{urlencode({name: value for name, value in place.items() if value})}"


def _show() -> str:
    show = request.form.get("show", "")
    return show if show in VIEWS else ""


def _plain(problem: ApiProblem) -> str:
    """A refusal in one line."""
    messages = [message for found in errors_by_field(problem.problem).values() for message in found]
    return " ".join(messages)


def _at_their_places(errors: Errors, places: list[int]) -> Errors:
    """Errors of the parts under the rows of the form that they came from."""
    moved = Errors()
    for name, messages in errors.items():
        head, _, rest = name.partition(".")
        at, _, field = rest.partition(".")
        is_part = head == "parts" and at.isdigit() and int(at) < len(places)
        column = "customer" if field == "customer_id" else "amount"
        moved[f"parts.{places[int(at)]}.{column}" if is_part else name] = messages
    return moved


def _split_page(
    client: ServiceClient, statement_id: object, entry_id: object, values: list[dict[str, str]], errors: Errors
) -> str:
    return page(
        "bank/split.html",
        statement=client.get("payments", f"/statements/{statement_id}"),
        entry=client.get("payments", f"/entries/{entry_id}"),
        values=values,
        errors=errors,
    )
