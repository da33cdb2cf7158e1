"""Importing customers with their services: one file, told to two services, in four steps."""

import io
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.answers import ApiProblem
from billhook_gateway.door import caller, services
from billhook_gateway.ui.forms import errors_by_field
from billhook_gateway.ui.import_rows import checked_file, merged_failures
from billhook_gateway.ui.views.asking import attempt, fields, on_to, page, passed_on, ticked
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("customer_import_pages", __name__)

Import = dict[str, Any]


@blueprint.route("/customers/import", methods=["GET"])
@requires("crm:import")
def begin() -> str:
    """Step 1: the file."""
    return _upload_page({})


@blueprint.route("/customers/import", methods=["POST"])
@requires("crm:import", upload=True)
def upload() -> Response:
    """Hand the file to CRM, and to billing where it may have services."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return Response(_upload_page({"": ["Choose a file first."]}), status=422)
    name, content = file.filename, file.stream.read()

    def act() -> Import:
        job: Import = services().upload("crm", "/imports", {}, (name, io.BytesIO(content)))
        if _may_bill():
            services().upload("billing", "/imports", {"companion": job["id"]}, (name, io.BytesIO(content)))
        return job

    return attempt(act, _upload_page, lambda job: on_to(f"/customers/import/{job['id']}?step=columns"))


@blueprint.route("/customers/import/<uuid:import_id>", methods=["GET"])
@requires("crm:import")
def show(import_id: object) -> str:
    """Whatever step the import is at."""
    client = services()
    job, billing = client.get("crm", f"/imports/{import_id}"), _billing_import(import_id)
    if job["state"] != "uploaded":
        return page("customers/import/result.html", step=4, job=job, services=billing)
    if request.args.get("step") == "columns":
        return page("customers/import/columns.html", step=2, job=job, services=billing, cut_over=_cut_over(billing))
    return _preview_page(job, billing, {})


@blueprint.route("/customers/import/<uuid:import_id>/columns", methods=["POST"])
@requires("crm:import")
def map_columns(import_id: object) -> Response:
    """Say which header is which column, for both services."""
    typed, client = fields(), services()
    billing = _billing_import(import_id)

    def act() -> None:
        order = {"date_order": typed["date_order"]} if typed.get("date_order") else {}
        client.put("crm", f"/imports/{import_id}/mapping", {"mapping": _mapping(typed, "crm.")} | order)
        if billing is not None:
            body = {"mapping": _mapping(typed, "billing."), "cut_over": typed.get("cut_over", "")} | order
            client.put("billing", f"/imports/{billing['id']}/mapping", body)

    def again(errors: Mapping[str, list[str]]) -> str:
        job = client.get("crm", f"/imports/{import_id}")
        return page(
            "customers/import/columns.html",
            step=2, job=job, services=billing, cut_over=typed.get("cut_over", ""), errors=errors,
        )  # fmt: skip

    return attempt(act, again, lambda _: on_to(f"/customers/import/{import_id}"))


@blueprint.route("/customers/import/<uuid:import_id>/confirm", methods=["POST"])
@requires("crm:import")
def confirm(import_id: object) -> Response:
    """Import the customers, then the services, whose customers arrive a moment later."""
    client, billing = services(), _billing_import(import_id)
    body = {"skip_errors": ticked("skip_errors")}

    def act() -> None:
        client.post("crm", f"/imports/{import_id}/confirm", body)
        if billing is not None:
            after = body | {"after_customers": True}
            client.post("billing", f"/imports/{billing['id']}/confirm", after)

    def again(errors: Mapping[str, list[str]]) -> str:
        return _preview_page(client.get("crm", f"/imports/{import_id}"), billing, errors)

    return attempt(act, again, lambda _: on_to(f"/customers/import/{import_id}"))


@blueprint.route("/customers/import/<uuid:import_id>/failures.csv", methods=["GET"])
@requires("crm:import")
def failures(import_id: object) -> Response:
    """The rows that were left out, by either service, to be mended and imported again."""
    client, billing = services(), _billing_import(import_id)
    answer = client.open("crm", f"/imports/{import_id}/failures.csv")
    if billing is None or answer.status != 200:
        return passed_on(answer)
    other = client.open("billing", f"/imports/{billing['id']}/failures.csv")
    content, more = answer.read(), other.read()
    response = passed_on(answer)
    if other.status == 200:
        response.set_data(merged_failures(content, more))
    return response


def _upload_page(errors: Mapping[str, list[str]]) -> str:
    jobs = note_outages(services().gather(jobs=("crm", "/imports")))["jobs"]
    return page("customers/import/upload.html", step=1, job=None, services=None, jobs=jobs, errors=errors)


def _preview_page(job: Import, billing: Import | None, errors: Mapping[str, list[str]]) -> str:
    client = services()
    preview = client.get("crm", f"/imports/{job['id']}/preview")
    found = None
    if billing is not None:
        try:
            found = client.get("billing", f"/imports/{billing['id']}/preview")
        except ApiProblem as problem:
            if problem.status >= 500:
                raise
            errors = {**errors, **errors_by_field(problem.problem)}
    return page(
        "customers/import/preview.html",
        step=3, job=job, services=billing, preview=preview, services_preview=found,
        check=checked_file(preview, found), errors=errors,
    )  # fmt: skip


def _may_bill() -> bool:
    identity = caller().identity
    return identity is not None and identity.allows("billing:import")


def _billing_import(import_id: object) -> Import | None:
    """The import of the same file at billing."""
    if not _may_bill():
        return None
    found = services().get("billing", "/imports", companion=str(import_id), limit=1)["items"]
    return services().get("billing", f"/imports/{found[0]['id']}") if found else None


def _cut_over(billing: Import | None) -> str:
    return str(billing.get("cut_over", "")) if billing else ""


def _mapping(typed: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): header for name, header in typed.items() if name.startswith(prefix) and header}
