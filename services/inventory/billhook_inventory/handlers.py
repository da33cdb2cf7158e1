"""Events from other services."""

from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, CustomerSnapshot
from billhook_common.events import Context, Event, Handlers
from billhook_inventory.actions.mirror import mirror_customer

handles = Handlers()


@handles(CustomerCreated, CustomerChanged)
def keep_customer(ctx: Context, event: Event[CustomerSnapshot]) -> None:
    """A customer is new or changed."""
    mirror_customer(ctx.session, event.data)
