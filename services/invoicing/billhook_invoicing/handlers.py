"""Events from other services; after an import or a run they come in thousands, so they are taken in batches."""

from billhook_common.contracts.billing import CustomerCharged, ItemChanged
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, CustomerSnapshot
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.events import Context, Event, Handlers
from billhook_invoicing.actions.issue import issue_invoices
from billhook_invoicing.actions.mirror import keep_company, keep_items, mirror_customers

handles = Handlers()


@handles(CustomerCreated, CustomerChanged, batch=True)
def keep_customers(ctx: Context, events: list[Event[CustomerSnapshot]]) -> None:
    """Customers are new or changed."""
    mirror_customers(ctx.session, [event.data for event in events])


@handles(CompanyChanged)
def sell_as(ctx: Context, event: Event[CompanyChanged]) -> None:
    """The operator's own data are new."""
    keep_company(ctx.session, event.data)


@handles(ItemChanged, batch=True)
def keep_open_items(ctx: Context, events: list[Event[ItemChanged]]) -> None:
    """Something was paid, or opened again."""
    keep_items(ctx.session, ctx.clock, [event.data for event in events])


@handles(CustomerCharged, batch=True)
def invoice_charges(ctx: Context, events: list[Event[CustomerCharged]]) -> None:
    """Customers were charged."""
    issue_invoices(ctx.session, ctx.clock, [event.data for event in events])
