"""What billing does on the clock."""

from billhook_billing.actions.import_subscriptions import SUBSCRIPTIONS
from billhook_billing.actions.run import advance
from billhook_billing.actions.subscriptions import disable_ended
from billhook_billing.actions.verify import audit_books
from billhook_common.events import Context
from billhook_common.faults import crash_point
from billhook_common.imports import store_next_import
from billhook_common.jobs import job


@job(every_seconds=1)
def advance_runs(ctx: Context) -> bool:
    """One chunk of the billing run that is under way."""
    # What died after a chunk's commit dies here, before the next one.
    crash_point("between_chunks")
    return advance(ctx.session, ctx.clock)


@job(every_seconds=0.5)
def import_subscriptions(ctx: Context) -> bool:
    """The next chunk of confirmed imports."""
    return store_next_import(ctx.session, ctx.clock, SUBSCRIPTIONS)


@job(every_seconds=60)
def end_services(ctx: Context) -> bool:
    """Services whose last day is over."""
    return disable_ended(ctx.session, ctx.clock)


JOBS = (advance_runs, import_subscriptions, end_services, audit_books)
