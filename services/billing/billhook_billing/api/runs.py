"""Billing runs: preview, look, confirm, follow, cancel."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_billing.actions import run as runs
from billhook_billing.decided import CATCH_UP_PERIODS
from billhook_billing.models import Account, ChargeRun, ChargeRunPreview, ChargeRunProblem
from billhook_common.api import (
    AnyRow,
    Blueprint,
    DecimalString,
    MoneyField,
    PageSchema,
    PeriodSchema,
    ctx,
    json_response,
    page_of,
)
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.lists import ListQuery
from billhook_common.money import Money, decimal_text
from billhook_common.settings import read_setting

blueprint = Blueprint("runs", __name__, url_prefix="/runs", description="Billing runs")

STATES = ("queued", "preview_ready", "confirmed", "processing", "processed", "failed", "cancelled")


class RunTotalsSchema(Schema):
    """Sums in the run's currency."""

    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()


class RunCountsSchema(Schema):
    """How many: customers looked at, those with a charge in the preview, its lines; late, charged, skipped, failed."""

    customers = fields.Integer()
    charges = fields.Integer()
    lines = fields.Integer()
    late = fields.Integer()
    charged = fields.Integer()
    skipped = fields.Integer()
    failed = fields.Integer()


class RunSchema(Schema):
    """A run; ``totals`` is what its preview found, ``charged_totals`` what is posted so far."""

    id = fields.UUID(dump_only=True)
    run_date = fields.Date(required=True, metadata={"description": "Everything due by this day is charged."})
    state = fields.String(dump_only=True, validate=validate.OneOf(STATES))
    currency = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    created_by = fields.String(dump_only=True)
    confirmed_at = fields.AwareDateTime(dump_only=True, allow_none=True)
    confirmed_by = fields.String(dump_only=True, allow_none=True)
    finished_at = fields.AwareDateTime(dump_only=True, allow_none=True)
    counts = fields.Nested(RunCountsSchema, dump_only=True)
    totals = fields.Nested(RunTotalsSchema, dump_only=True)
    charged_totals = fields.Nested(RunTotalsSchema, dump_only=True)
    progress = DecimalString(dump_only=True, metadata={"description": "Share of the preview's charges, 0 to 1."})


class RunPageSchema(PageSchema):
    """A page of runs."""

    items = fields.List(fields.Nested(RunSchema))


class ApprovalSchema(Schema):
    """Late customers, of whom more than two periods are caught up, to be charged too; null: all of them (R21)."""

    customers = fields.List(fields.UUID(), required=True, allow_none=True, validate=validate.Length(min=1, max=10_000))


class RunCustomerSchema(Schema):
    """A customer in a preview or among the problems."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class PreviewRowSchema(Schema):
    """What a customer would be charged."""

    customer = fields.Nested(RunCustomerSchema)
    lines = fields.Integer()
    net = MoneyField()
    tax = MoneyField()
    gross = MoneyField()
    period = fields.Nested(PeriodSchema)
    late = fields.Boolean(metadata={"description": "More periods are caught up than the run's limit (R21)."})
    approved = fields.Boolean(metadata={"description": "A person agreed to charge the late one."})


class PreviewPageSchema(PageSchema):
    """A page of a preview."""

    items = fields.List(fields.Nested(PreviewRowSchema))


class ProblemRowSchema(Schema):
    """A customer who was not charged, and why."""

    customer = fields.Nested(RunCustomerSchema)
    outcome = fields.String(validate=validate.OneOf(("skipped", "failed")))
    reason = fields.String()
    detail = fields.String()


class ProblemPageSchema(PageSchema):
    """A page of problems."""

    items = fields.List(fields.Nested(ProblemRowSchema))


def _counted(*conditions: Any) -> Any:
    return select(func.count()).where(ChargeRunProblem.run_id == ChargeRun.id, *conditions).correlate(ChargeRun)


_LISTED = select(
    ChargeRun,
    select(func.count())
    .where(ChargeRunPreview.run_id == ChargeRun.id, ChargeRunPreview.late)
    .correlate(ChargeRun)
    .scalar_subquery()
    .label("late"),
    _counted(ChargeRunProblem.outcome == "skipped").scalar_subquery().label("skipped"),
    _counted(ChargeRunProblem.outcome == "failed").scalar_subquery().label("failed"),
)


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, RunPageSchema)
def list_runs() -> Response:
    """Newest first."""
    return page_of(ctx.session, _LISTED, [(ChargeRun.id, "desc")], _item)


@blueprint.route("", methods=["POST"])
@requires("billing:run")
@blueprint.arguments(RunSchema)
@blueprint.response(201, RunSchema)
def start_run(body: dict[str, Any]) -> Response:
    """Begin a run; its preview is ready when ``state`` says so."""
    run = runs.start_run(
        ctx.session,
        ctx.clock,
        run_date=body["run_date"],
        currency=ctx.config.currency,
        actor=ctx.identity.name,
        catch_up_limit=read_setting(ctx.session, ctx.config, CATCH_UP_PERIODS),
    )
    return _one(run.id, 201)


@blueprint.route("/<uuid:run_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, RunSchema)
def get_run(run_id: UUID) -> Response:
    """One run with its counts, sums and progress."""
    return _one(run_id)


@blueprint.route("/<uuid:run_id>/preview", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, PreviewPageSchema)
def list_preview(run_id: UUID) -> Response:
    """What each customer would be charged, the largest first."""
    _known(run_id)
    gross = (ChargeRunPreview.net + ChargeRunPreview.tax).label("gross")
    statement = (
        select(ChargeRunPreview, gross, Account.number, Account.name, Account.currency)
        .join(Account, Account.customer_id == ChargeRunPreview.customer_id)
        .where(ChargeRunPreview.run_id == run_id)
    )
    keys = [(ChargeRunPreview.net + ChargeRunPreview.tax, "desc"), (ChargeRunPreview.customer_id, "asc")]
    return page_of(ctx.session, statement, keys, _preview_item)  # type: ignore[arg-type]  # a tuple's literal widens


@blueprint.route("/<uuid:run_id>/problems", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, ProblemPageSchema)
def list_problems(run_id: UUID) -> Response:
    """Whom the run does not charge, and why."""
    _known(run_id)
    statement = (
        select(ChargeRunProblem, Account.number, Account.name)
        .join(Account, Account.customer_id == ChargeRunProblem.customer_id)
        .where(ChargeRunProblem.run_id == run_id)
    )
    return page_of(ctx.session, statement, [(ChargeRunProblem.customer_id, "asc")], _problem_item)


@blueprint.route("/<uuid:run_id>/confirm", methods=["POST"])
@requires("billing:run", key=True)
@blueprint.response(200, RunSchema)
def confirm_run(run_id: UUID) -> Response:
    """Charge what the preview shows; confirming twice changes nothing."""
    runs.confirm_run(ctx.session, ctx.clock, run_id, actor=ctx.identity.name)
    return _one(run_id)


@blueprint.route("/<uuid:run_id>/approve", methods=["POST"])
@requires("billing:run")
@blueprint.arguments(ApprovalSchema)
@blueprint.response(200, RunSchema)
def approve_late(body: dict[str, Any], run_id: UUID) -> Response:
    """Let late customers be charged too; they join the totals."""
    runs.approve_late(ctx.session, ctx.clock, run_id, body["customers"])
    return _one(run_id)


@blueprint.route("/<uuid:run_id>/cancel", methods=["POST"])
@requires("billing:run")
@blueprint.response(200, RunSchema)
def cancel_run(run_id: UUID) -> Response:
    """Throw a preview away, or a confirmed run that has charged nobody."""
    runs.cancel_run(ctx.session, ctx.clock, run_id)
    return _one(run_id)


def _known(run_id: UUID) -> None:
    """Raises NotFound."""
    if ctx.session.get(ChargeRun, run_id) is None:
        raise NotFound("There is no such billing run.")


def _one(run_id: UUID, status: int = 200) -> Response:
    ctx.session.flush()
    row = ctx.session.execute(_LISTED.where(ChargeRun.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such billing run.")
    return json_response(_item(row), status)


def _item(row: AnyRow) -> dict[str, Any]:
    run: ChargeRun = row.ChargeRun
    return {
        "id": run.id,
        "run_date": run.run_date,
        "state": run.state,
        "currency": run.currency,
        "created_at": run.created_at,
        "created_by": run.created_by,
        "confirmed_at": run.confirmed_at,
        "confirmed_by": run.confirmed_by,
        "finished_at": run.finished_at,
        "counts": {
            "customers": run.customers,
            "charges": run.charges,
            "lines": run.lines,
            "late": row.late,
            "charged": run.charged,
            "skipped": row.skipped,
            "failed": row.failed,
        },
        "totals": _totals(run.net, run.tax, run.currency),
        "charged_totals": _totals(run.charged_net, run.charged_tax, run.currency),
        "progress": "1.00"
        if run.state == "processed"
        else f"{min(99, 100 * run.charged // max(1, run.charges)) / 100:.2f}",
    }


def _totals(net: int, tax: int, currency: str) -> dict[str, str]:
    return {
        "net": decimal_text(net, currency),
        "tax": decimal_text(tax, currency),
        "gross": decimal_text(net + tax, currency),
    }


def _preview_item(row: AnyRow) -> dict[str, Any]:
    preview: ChargeRunPreview = row.ChargeRunPreview
    return {
        "customer": {"id": preview.customer_id, "number": row.number, "name": row.name},
        "lines": preview.lines,
        "net": Money.from_minor(preview.net, row.currency),
        "tax": Money.from_minor(preview.tax, row.currency),
        "gross": Money.from_minor(preview.net + preview.tax, row.currency),
        "period": {"from": preview.period_from, "until": preview.period_until},
        "late": preview.late,
        "approved": preview.approved,
    }


def _problem_item(row: AnyRow) -> dict[str, Any]:
    problem: ChargeRunProblem = row.ChargeRunProblem
    return {
        "customer": {"id": problem.customer_id, "number": row.number, "name": row.name},
        "outcome": problem.outcome,
        "reason": problem.reason,
        "detail": problem.detail,
    }
