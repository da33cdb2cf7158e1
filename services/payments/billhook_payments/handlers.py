"""Events from other services; after an import or a run they come in thousands, so they are taken in batches."""

from billhook_common.contracts.billing import ItemChanged
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, CustomerSnapshot
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.events import Context, Event, Handlers
from billhook_payments.actions.bank_accounts import keep_company_account
from billhook_payments.actions.mirror import keep_customers, keep_invoices, keep_open_amounts

handles = Handlers()


@handles(CustomerCreated, CustomerChanged, batch=True)
def mirror_customers(ctx: Context, events: list[Event[CustomerSnapshot]]) -> None:
    """Customers are new or changed."""
    keep_customers(ctx.session, [event.data for event in events])


@handles(InvoiceIssued, batch=True)
def mirror_invoices(ctx: Context, events: list[Event[InvoiceIssued]]) -> None:
    """Invoices can be paid."""
    keep_invoices(ctx.session, [event.data for event in events])


@handles(ItemChanged, batch=True)
def mirror_open_amounts(ctx: Context, events: list[Event[ItemChanged]]) -> None:
    """What is open of invoices changed."""
    keep_open_amounts(ctx.session, [event.data for event in events])


@handles(CompanyChanged)
def know_company_account(ctx: Context, event: Event[CompanyChanged]) -> None:
    """The operator's company data name the account that customers pay to."""
    keep_company_account(ctx.session, ctx.clock, event.data, currency=ctx.config.currency)
