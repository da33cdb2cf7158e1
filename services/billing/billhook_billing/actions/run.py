"""The billing run: queued, previewed by the code that charges, confirmed by a person, charged chunk by chunk (C8, R11).

Each step is one transaction of its job. A step that dies leaves the cursor where it was, so the next one begins again
there and meets whatever was done.
"""

import datetime as dt
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_billing.actions.charge import ChargedMeanwhile, charge_customers
from billhook_billing.actions.due import Due, Payer, charges_due, next_payers
from billhook_billing.metrics import RUN_CHUNKS, RUN_CUSTOMERS, RUN_SECONDS
from billhook_billing.models import ChargeRun, ChargeRunPreview, ChargeRunProblem
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import ChargeRunCompleted
from billhook_common.db import copy_rows, is_transient, no_sequential_scans
from billhook_common.errors import BillhookError, Conflict, Invalid, NotFound
from billhook_common.events import publish
from billhook_common.faults import crash_point
from billhook_common.ids import uuid7
from billhook_common.logs import get_logger
from billhook_common.money import Money
from billhook_common.trace import current_trace, tracing

log = get_logger()

CHUNK_CUSTOMERS = 2_000
"""Customers of one transaction: larger ones hold locks longer and gain nothing."""
FURTHEST_DAYS_AHEAD = 366
"""A run date further off is a slip of the keyboard."""
UNEXPECTED = "An unexpected error; see the log."
"""What is told of an error whose own words are for the log: they may hold other people's data."""

UNFINISHED = ("queued", "preview_ready", "confirmed", "processing")

_PREVIEW = ("run_id", "customer_id", "lines", "net", "tax", "period_from", "period_until", "late")
_PROBLEM = ("run_id", "customer_id", "outcome", "reason", "detail")


class RunUnfinished(Conflict):
    """Two runs at once would preview the same periods."""

    title = "Another billing run is not finished"


class RunNotReady(Conflict):
    """The run is not in a state in which this can be done."""

    title = "The billing run is not at this stage"


class RunDateOutOfRange(Invalid):
    """A run date is within a year from today."""

    title = "The run date is too far from today"


def start_run(
    session: Session, clock: Clock, *, run_date: dt.date, currency: str, actor: str, catch_up_limit: int
) -> ChargeRun:
    """Queue a run, which keeps ``catch_up_limit`` to its end; its preview is made by the job.

    Raises RunUnfinished, RunDateOutOfRange.
    """
    if abs((run_date - clock.today()).days) > FURTHEST_DAYS_AHEAD:
        raise RunDateOutOfRange(f"At most {FURTHEST_DAYS_AHEAD} days from today.", pointer="/run_date")
    run = ChargeRun(
        id=uuid7(),
        run_date=run_date,
        state="queued",
        created_at=clock.now(),
        created_by=actor,
        currency=currency,
        catch_up_limit=catch_up_limit,
        correlation_id=current_trace().correlation_id or None,
    )
    session.add(run)
    try:
        session.flush()
    except IntegrityError as error:
        raise RunUnfinished("Confirm or cancel it first.") from error
    audit(session, clock, "charge_run_started", run.id, after={"run_date": run_date, "catch_up_limit": catch_up_limit})
    return run


def approve_late(session: Session, clock: Clock, run_id: UUID, customer_ids: Collection[UUID] | None) -> ChargeRun:
    """Charge these late customers too when the run is confirmed; ``None``: all of them (R21).

    They join the preview's totals. Raises NotFound, RunNotReady.
    """
    run = locked_run(session, run_id)
    if run.state != "preview_ready":
        raise RunNotReady(f"It is {run.state}; late customers are allowed in a finished preview.")
    late = update(ChargeRunPreview).where(
        ChargeRunPreview.run_id == run_id, ChargeRunPreview.late, ~ChargeRunPreview.approved
    )
    if customer_ids is not None:
        late = late.where(ChargeRunPreview.customer_id.in_(customer_ids))
    approved = session.execute(
        late.values(approved=True).returning(ChargeRunPreview.lines, ChargeRunPreview.net, ChargeRunPreview.tax)
    ).all()
    run.charges += len(approved)
    run.lines += sum(row.lines for row in approved)
    run.net += sum(row.net for row in approved)
    run.tax += sum(row.tax for row in approved)
    audit(session, clock, "charge_run_catch_up_approved", run.id, after={"customers": len(approved)})
    return run


def confirm_run(session: Session, clock: Clock, run_id: UUID, *, actor: str) -> ChargeRun:
    """Let the run charge. Confirming again changes nothing. Raises NotFound, RunNotReady."""
    run = locked_run(session, run_id)
    if run.state in {"confirmed", "processing", "processed"}:
        return run
    if run.state != "preview_ready":
        raise RunNotReady(f"It is {run.state}; only a finished preview can be confirmed.")
    session.execute(text("DELETE FROM charge_run_problem WHERE run_id = :run_id"), {"run_id": run_id})
    run.state, run.cursor = "confirmed", None
    run.confirmed_at, run.confirmed_by = clock.now(), actor
    run.correlation_id = current_trace().correlation_id or None
    totals = {"charges": run.charges, "net": run.net, "tax": run.tax}
    audit(session, clock, "charge_run_confirmed", run.id, after=totals)
    return run


def cancel_run(session: Session, clock: Clock, run_id: UUID) -> ChargeRun:
    """Throw a preview away, or a confirmed run that has charged nobody. Raises NotFound, RunNotReady."""
    run = locked_run(session, run_id)
    if run.state not in UNFINISHED or run.charged:
        raise RunNotReady(f"It is {run.state}; what is charged is taken back by corrections.")
    run.state, run.finished_at = "cancelled", clock.now()
    audit(session, clock, "charge_run_cancelled", run.id)
    return run


def locked_run(session: Session, run_id: UUID) -> ChargeRun:
    """The run, held for this transaction. Raises NotFound."""
    run = session.get(ChargeRun, run_id, with_for_update=True)
    if run is None:
        raise NotFound("There is no such billing run.")
    return run


def advance(session: Session, clock: Clock, *, chunk_customers: int = CHUNK_CUSTOMERS) -> bool:
    """One step of the run that is under way; False when none is."""
    run = session.scalar(
        select(ChargeRun).where(ChargeRun.state.in_(("queued", "confirmed", "processing"))).with_for_update()
    )
    if run is None:
        return False
    no_sequential_scans(session)
    payers = next_payers(session, run.run_date, run.currency, run.cursor, chunk_customers)
    trace = current_trace()
    with tracing(replace(trace, correlation_id=run.correlation_id or trace.correlation_id)):
        stage, began = ("preview" if run.state == "queued" else "charge"), time.monotonic()
        if stage == "preview":
            _preview(session, run, payers)
        else:
            _charge(session, clock, run, payers)
        RUN_CHUNKS.labels(stage).inc()
        RUN_SECONDS.labels(stage).inc(time.monotonic() - began)
    crash_point("chunk")
    return True


def _preview(session: Session, run: ChargeRun, payers: Sequence[Payer]) -> None:
    if not payers:
        run.state = "preview_ready"
        return
    dues = charges_due(session, run.run_date, payers, hold=False, catch_up_limit=run.catch_up_limit)
    charges = [(due.payer, due.charge) for due in dues if due.charge is not None]
    copy_rows(
        session,
        "charge_run_preview",
        _PREVIEW,
        (
            (
                run.id, payer.customer_id, len(charge.lines), charge.net_minor, charge.tax_minor,
                min(line.from_ for line in charge.lines), max(line.until for line in charge.lines), bool(charge.late),
            )
            for payer, charge in charges
        ),
    )  # fmt: skip
    in_time = [charge for _, charge in charges if not charge.late]
    _note_problems(session, run, dues)
    run.customers += len(payers)
    run.charges += len(in_time)
    run.lines += sum(len(charge.lines) for charge in in_time)
    run.net += sum(charge.net_minor for charge in in_time)
    run.tax += sum(charge.tax_minor for charge in in_time)
    run.cursor = payers[-1].customer_id


def _charge(session: Session, clock: Clock, run: ChargeRun, payers: Sequence[Payer]) -> None:
    if not payers:
        _finish(session, clock, run)
        return
    dues = charges_due(session, run.run_date, payers, hold=True, catch_up_limit=run.catch_up_limit)
    _note_problems(session, run, dues)
    charged = _charge_together(session, clock, run, _as_previewed(session, run, dues))
    run.state = "processing"
    RUN_CUSTOMERS.labels("charged").inc(len(charged))
    run.charged += len(charged)
    run.charged_net += sum(due.charge.net_minor for due in charged if due.charge)
    run.charged_tax += sum(due.charge.tax_minor for due in charged if due.charge)
    run.cursor = payers[-1].customer_id


def _charge_together(session: Session, clock: Clock, run: ChargeRun, dues: Sequence[Due]) -> Sequence[Due]:
    """Charge all at once; if that fails, one by one, so that one bad customer stops nobody else."""
    due_now = [due for due in dues if due.charge is not None]
    try:
        with session.begin_nested():
            charge_customers(session, clock, run.id, run.run_date, due_now)
        return due_now
    except Exception as error:
        if _may_pass(error):
            raise
        # Whose fault it is shows when each is charged alone.
        log.warning("charge_chunk_failed", run_id=str(run.id), customers=len(due_now), error=type(error).__name__)
    return [due for due in due_now if _charge_alone(session, clock, run, due)]


def _charge_alone(session: Session, clock: Clock, run: ChargeRun, due: Due) -> bool:
    try:
        with session.begin_nested():
            charge_customers(session, clock, run.id, run.run_date, [due])
        return True
    except Exception as error:
        if _may_pass(error):
            raise
        log.warning("charge_failed", run_id=str(run.id), customer_id=str(due.payer.customer_id), exc_info=error)
        _add_problems(session, [(run.id, due.payer.customer_id, "failed", *_reason(error))])
        return False


def _may_pass(error: Exception) -> bool:
    """Whether the same step may go well the next time; a statement that took too long would take as long again."""
    return isinstance(error, ChargedMeanwhile) or is_transient(error)


def _as_previewed(session: Session, run: ChargeRun, dues: Sequence[Due]) -> Sequence[Due]:
    """Those whose charge is what a person saw in the preview; late ones only where the person agreed (R11, R21).

    The others are noted as skipped and come with the next run.
    """
    rows = session.execute(
        select(ChargeRunPreview.customer_id, ChargeRunPreview.net, ChargeRunPreview.tax, ChargeRunPreview.approved)
        .where(ChargeRunPreview.run_id == run.id)
        # The chunk is a stretch of customers by id; two thousand ids in a list would take longer than their look-up.
        .where(ChargeRunPreview.customer_id.between(dues[0].payer.customer_id, dues[-1].payer.customer_id))
    )
    shown = {row.customer_id: row for row in rows}
    charged, problems = [], []
    for due in dues:
        if due.charge is None:
            continue
        row = shown.get(due.payer.customer_id)
        if row is None or (row.net, row.tax) != (due.charge.net_minor, due.charge.tax_minor):
            problems.append((run.id, due.payer.customer_id, "skipped", *_CHANGED))
        elif due.charge.late and not row.approved:
            problems.append((run.id, due.payer.customer_id, "skipped", *_CATCH_UP))
        else:
            charged.append(due)
    _add_problems(session, problems)
    return charged


def _reason(error: Exception) -> tuple[str, str]:
    """The name of what went wrong, and what a person may read about it."""
    return type(error).__name__, str(error)[:500] if isinstance(error, BillhookError) else UNEXPECTED


_CATCH_UP = ("catch_up", "More periods would be caught up than a person allowed; confirm the customer to charge them.")
_CHANGED = (
    "changed_since_preview",
    "What the customer owes is not what the preview showed; the next run previews and charges it.",
)


def _note_problems(session: Session, run: ChargeRun, dues: Sequence[Due]) -> None:
    rows = [(run.id, due.payer.customer_id, "failed", *_reason(due.error)) for due in dues if due.error is not None]
    if run.state == "queued":
        rows += [
            (run.id, due.payer.customer_id, "skipped", *_CATCH_UP) for due in dues if due.charge and due.charge.late
        ]
    _add_problems(session, rows)


def _add_problems(session: Session, rows: Sequence[tuple[UUID, UUID, str, str, str]]) -> None:
    for _, _, outcome, *_ in rows:
        RUN_CUSTOMERS.labels(outcome).inc()
    if rows:
        session.execute(insert(ChargeRunProblem), [dict(zip(_PROBLEM, row, strict=True)) for row in rows])


def _finish(session: Session, clock: Clock, run: ChargeRun) -> None:
    run.state, run.finished_at = "processed", clock.now()
    problems = session.scalars(select(ChargeRunProblem.outcome).where(ChargeRunProblem.run_id == run.id)).all()
    fact = ChargeRunCompleted(
        run_id=run.id,
        run_date=run.run_date,
        charged=run.charged,
        skipped=problems.count("skipped"),
        failed=problems.count("failed"),
        gross=Money.from_minor(run.charged_net + run.charged_tax, run.currency),
    )
    publish(session, clock, fact, subject=run.id)
    log.info("charge_run_processed", run_id=str(run.id), charged=run.charged, problems=len(problems))
