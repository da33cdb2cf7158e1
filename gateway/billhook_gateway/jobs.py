"""What the gateway does on the clock."""

from billhook_common.events import Context
from billhook_common.jobs import job
from billhook_gateway.actions.sessions import forget_old_sessions
from billhook_gateway.actions.sign_in import forget_old_failures

ROWS_A_STEP = 5_000


@job(every_seconds=3_600)
def forget_what_is_over(ctx: Context) -> bool:
    """Delete sessions and counts of wrong passwords that no longer matter; True while there may be more."""
    sessions = forget_old_sessions(ctx.session, ctx.clock, ROWS_A_STEP)
    failures = forget_old_failures(ctx.session, ctx.clock, ROWS_A_STEP)
    return ROWS_A_STEP in (sessions, failures)
