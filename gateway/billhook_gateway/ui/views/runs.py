"""Billing runs: preview, confirm, follow."""

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, attempt, fields, form_key, new_key, on_to, page

blueprint = Blueprint("run_pages", __name__)

SHOWN_PROBLEMS = 100


@blueprint.route("/billing-runs", methods=["GET"])
@requires("billing:read")
def list_runs() -> str:
    """All runs, newest first."""
    return page("billing_runs/list.html", runs=services().get("billing", "/runs", **asked()))


@blueprint.route("/billing-runs/new", methods=["GET"])
@requires("billing:run")
def new_run() -> str:
    """The date of a new run."""
    return page("billing_runs/form.html", values={})


@blueprint.route("/billing-runs/new", methods=["POST"])
@requires("billing:run")
def start_run() -> Response:
    """Begin the preview."""
    return attempt(
        lambda: services().post("billing", "/runs", {"run_date": fields().get("run_date", "")}),
        lambda errors: page("billing_runs/form.html", values=fields(), errors=errors),
        lambda run: on_to(f"/billing-runs/{run['id']}"),
    )


@blueprint.route("/billing-runs/<uuid:run_id>", methods=["GET"])
@requires("billing:read")
def show_run(run_id: object) -> str:
    """One run: what it would charge or has charged, whom not and why."""
    client = services()
    problems = client.get("billing", f"/runs/{run_id}/problems", limit=SHOWN_PROBLEMS)
    outcomes = {
        outcome: {
            "items": [one for one in problems["items"] if one["outcome"] == outcome],
            "next": problems["next"],
        }
        for outcome in ("skipped", "failed")
    }
    return page(
        "billing_runs/page.html",
        run=client.get("billing", f"/runs/{run_id}"),
        idempotency_key=new_key(),
        charges=client.get("billing", f"/runs/{run_id}/preview", **asked()),
        **outcomes,
    )


@blueprint.route("/billing-runs/<uuid:run_id>/confirm", methods=["POST"])
@requires("billing:run")
def confirm_run(run_id: object) -> Response:
    """Charge what the preview shows. Twice charges once."""
    services().post("billing", f"/runs/{run_id}/confirm", key=form_key())
    return on_to(f"/billing-runs/{run_id}", "The run is charging")


@blueprint.route("/billing-runs/<uuid:run_id>/approve", methods=["POST"])
@requires("billing:run")
def approve_late(run_id: object) -> Response:
    """Let a customer who is far behind be charged too."""
    chosen = {"customers": [request.form.get("customer_id", "")]}
    services().post("billing", f"/runs/{run_id}/approve", chosen)
    return on_to(f"/billing-runs/{run_id}")


@blueprint.route("/billing-runs/<uuid:run_id>/cancel", methods=["POST"])
@requires("billing:run")
def cancel_run(run_id: object) -> Response:
    """Throw the preview away."""
    services().post("billing", f"/runs/{run_id}/cancel")
    return on_to("/billing-runs", "The preview is discarded; nothing was charged")
