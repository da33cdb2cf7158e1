"""Events from other services; after an import they come in thousands, so they are taken in batches."""

from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, CustomerSnapshot
from billhook_common.events import Context, Event, Handlers
from billhook_inventory.actions.mirror import mirror_customers

handles = Handlers()


@handles(CustomerCreated, CustomerChanged, batch=True)
def keep_customers(ctx: Context, events: list[Event[CustomerSnapshot]]) -> None:
    """Customers are new or changed."""
    mirror_customers(ctx.session, [event.data for event in events])
