"""Bank statements: upload, the queue of all that waits, and the review of one statement."""

from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_gateway.answers import ApiProblem
from billhook_gateway.client import ServiceClient
from billhook_gateway.door import services
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.views.asking import asked, is_uuid, on_to, page, passed_on
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("bank_pages", __name__)

HITS = 8
VIEWS = {"": "to_check", "matched": "matched", "ignored": "ignored", "all": ""}
"""What ``?show=`` means to the API's ``state``."""


@blueprint.route("/bank", methods=["GET"])
@requires("payments:import")
def list_statements() -> str:
    """All statements, newest first."""
    return _list_page({})


@blueprint.route("/bank", methods=["POST"])
@requires("payments:import", upload=True)
def upload_statement() -> Response:
    """Import a file; the same file again shows what it was."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return Response(_list_page({"": ["Choose a file first."]}), status=422)
    try:
        file = (upload.filename, upload.stream)
        made = services().upload("payments", "/statements", {}, file)  # type: ignore[arg-type]  # a binary stream
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        return Response(_list_page(errors_by_field(problem.problem)), status=422)
    said = "The statement is imported" if made["created"] else "This file was imported before; nothing was added"
    statements = made["statements"]
    return on_to(f"/bank/{statements[0]['id']}" if len(statements) == 1 else "/bank", said)


@blueprint.route("/bank/to-check", methods=["GET"])
@requires("payments:read")
def list_waiting() -> str:
    """What a person has to check, of all statements, oldest first."""
    found = note_outages(
        services().gather(
            entries=("payments", "/entries", asked() | {"state": "to_check"}),
            panel=("payments", "/panels/unmatched"),
        )
    )
    return page("bank/to_check.html", **found)


@blueprint.route("/bank/<uuid:statement_id>", methods=["GET"])
@requires("payments:read")
def show_statement(statement_id: object) -> str:
    """The lines of one view, and the chosen one with its candidates."""
    client, show = services(), request.args.get("show", "")
    query = asked() | ({"state": VIEWS[show]} if VIEWS.get(show) else {})
    entries = client.get("payments", f"/statements/{statement_id}/entries", **query)
    entry = _chosen(client, entries["items"])
    q = request.args.get("q", "").strip()
    return page(
        "bank/statement.html",
        statement=client.get("payments", f"/statements/{statement_id}"),
        entries=entries,
        entry=entry,
        following=_following(entries["items"], entry),
        found=client.get("payments", "/customers/search", q=q)["items"][:HITS] if q else [],
        undo=done if is_uuid(done := request.args.get("done", "")) else "",
    )


@blueprint.route("/bank/<uuid:statement_id>/file", methods=["GET"])
@requires("payments:import")
def original_file(statement_id: object) -> Response:
    """The file as the bank made it."""
    return passed_on(services().open("payments", f"/statements/{statement_id}/file"))


@blueprint.route("/bank/<uuid:statement_id>/post", methods=["POST"])
@requires("payments:pair")
def post_statement(statement_id: object) -> Response:
    """Post what was matched, where the account wants a review first."""
    services().post("payments", f"/statements/{statement_id}/post")
    return on_to(f"/bank/{statement_id}", "The payments are posted")


def _chosen(client: ServiceClient, shown: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The line that the URL names, else the first one; a name that is none is not there."""
    wanted = request.args.get("line", "")
    if wanted and not is_uuid(wanted):
        raise NotFound("There is no such line.")
    chosen = wanted or (shown[0]["id"] if shown else "")
    entry: dict[str, Any] | None = client.get("payments", f"/entries/{chosen}") if chosen else None
    if entry is not None:
        # On the statement a line has another place than in the file that brought it first.
        listed = next((line for line in shown if line["id"] == entry["id"]), entry)
        entry["position"] = listed["position"]
    return entry


def _following(shown: list[dict[str, Any]], entry: dict[str, Any] | None) -> str:
    """The line below the chosen one: where a decision leads on to."""
    ids = [line["id"] for line in shown]
    if entry is None or entry["id"] not in ids[:-1]:
        return ""
    return str(ids[ids.index(entry["id"]) + 1])


def _list_page(errors: dict[str, list[str]]) -> str:
    found = note_outages(
        services().gather(
            statements=("payments", "/statements", asked()),
            unmatched=("payments", "/panels/unmatched"),
        )
    )
    return page("bank/list.html", **found, errors=errors)
