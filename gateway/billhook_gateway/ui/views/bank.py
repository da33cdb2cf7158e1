"""Bank statements: upload, and the review of their lines."""

from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_common.errors import Invalid
from billhook_gateway.answers import ApiProblem
from billhook_gateway.door import services
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.views.asking import asked, fields, on_to, page, passed_on, ticked

blueprint = Blueprint("bank_pages", __name__)

HITS = 8
VIEWS = {"": "to_check", "matched": "matched", "all": ""}
"""What ``?show=`` means to the API's ``state``."""


@blueprint.route("/bank", methods=["GET"])
@requires("payments:import")
def list_statements() -> str:
    """All statements, newest first."""
    return page("bank/list.html", statements=services().get("payments", "/statements", **asked()))


@blueprint.route("/bank", methods=["POST"])
@requires("payments:import", upload=True)
def upload_statement() -> Response:
    """Import a file; the same file again shows what it was."""
    upload = request.files.get("file")
    client = services()
    if upload is None or not upload.filename:
        return _refused({"": ["Choose a file first."]})
    try:
        made = client.upload("payments", "/statements", {}, (upload.filename, upload.stream))  # type: ignore[arg-type]  # a binary stream
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        return _refused(errors_by_field(problem.problem))
    said = "The statement is imported" if made["created"] else "This file was imported before; nothing was added"
    statements = made["statements"]
    return on_to(f"/bank/{statements[0]['id']}" if len(statements) == 1 else "/bank", said)


@blueprint.route("/bank/<uuid:statement_id>", methods=["GET"])
@requires("payments:read")
def show_statement(statement_id: object) -> str:
    """The lines of one view, and the chosen one with its candidates."""
    client, show = services(), request.args.get("show", "")
    query = asked() | ({"state": VIEWS[show]} if VIEWS.get(show) else {})
    entries = client.get("payments", f"/statements/{statement_id}/entries", **query)
    chosen = request.args.get("line") or (entries["items"][0]["id"] if entries["items"] else "")
    q = request.args.get("q", "").strip()
    return page(
        "bank/statement.html",
        statement=client.get("payments", f"/statements/{statement_id}"),
        entries=entries,
        entry=client.get("payments", f"/entries/{_uuid(chosen)}") if chosen else None,
        found=client.get("crm", "/customers", q=q, limit=HITS) if q else None,
        undo=False,
    )


@blueprint.route("/bank/<uuid:statement_id>/file", methods=["GET"])
@requires("payments:read")
def original_file(statement_id: object) -> Response:
    """The file as the bank made it."""
    return passed_on(services().open("payments", f"/statements/{statement_id}/file"))


@blueprint.route("/bank/<uuid:statement_id>/post", methods=["POST"])
@requires("payments:pair")
def post_statement(statement_id: object) -> Response:
    """Post what was matched, where the account wants a review first."""
    services().post("payments", f"/statements/{statement_id}/post", key=f"post-{statement_id}")
    return on_to(f"/bank/{statement_id}", "The payments are posted")


@blueprint.route("/bank/<uuid:statement_id>/entries/<uuid:entry_id>/accept", methods=["POST"])
@requires("payments:pair")
def accept_entry(statement_id: object, entry_id: object) -> Response:
    """Credit the line to the chosen customer. A line is decided once, so the line itself is the key."""
    customer_id, _, document_id = request.form.get("candidate", "").partition(":")
    if not customer_id:
        raise Invalid("Choose a customer first.")
    body: dict[str, Any] = {"customer_id": customer_id, "remember_iban": ticked("remember_iban")}
    if document_id:
        body["documents"] = [{"document_id": document_id}]
    key = f"accept-{entry_id}-{customer_id}-{document_id}"
    services().post("payments", f"/entries/{entry_id}/accept", body, key=key)
    return _next(statement_id)


@blueprint.route("/bank/<uuid:statement_id>/entries/<uuid:entry_id>/ignore", methods=["POST"])
@requires("payments:pair")
def ignore_entry(statement_id: object, entry_id: object) -> Response:
    """Leave the line out, with the reason."""
    body = {"reason": fields().get("reason", "")}
    services().post(
        "payments",
        f"/entries/{entry_id}/ignore",
        body,
        key=f"ignore-{entry_id}-{request.form.get('csrf_token', '')[:8]}",
    )
    return _next(statement_id)


def _next(statement_id: object) -> Response:
    """Back to the review, whose first undecided line comes next."""
    path = f"/bank/{statement_id}"
    response = on_to(path)
    return response


def _refused(errors: dict[str, list[str]]) -> Response:
    statements = services().get("payments", "/statements")
    return Response(page("bank/list.html", statements=statements, errors=errors), status=422)


def _uuid(text: str) -> str:
    if not all(character in "0123456789abcdef-" for character in text):
        raise Invalid("That is no line of a statement.")
    return text
