"""What crm does on the clock."""

from billhook_common.events import Context
from billhook_common.imports import store_next_import
from billhook_common.jobs import job
from billhook_crm.actions.import_customers import CUSTOMERS


@job(every_seconds=0.5)
def import_customers(ctx: Context) -> bool:
    """Store the next chunk of confirmed imports."""
    return store_next_import(ctx.session, ctx.clock, CUSTOMERS)
