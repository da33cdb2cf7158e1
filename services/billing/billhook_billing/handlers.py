"""Events from other services; after an import or a run they come in thousands, so they are taken in batches."""

from billhook_billing.actions.accounts import mirror_customers
from billhook_billing.actions.archive import end_services_of, hold_services_of
from billhook_billing.actions.documents import post_credit_notes, take_invoices
from billhook_billing.actions.receive import keep_unmatched, receive_payments, reverse_payment, send_refunds
from billhook_billing.decided import DUE_DAYS
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, CustomerSnapshot
from billhook_common.contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billhook_common.contracts.payments import EntryUnmatched, PaymentReceived, PaymentReversed, RefundSent
from billhook_common.events import Context, Event, Handlers
from billhook_common.settings import read_setting

handles = Handlers()


@handles(CustomerCreated, CustomerChanged, batch=True)
def keep_customers(ctx: Context, events: list[Event[CustomerSnapshot]]) -> None:
    """Customers are new, which opens their accounts, changed, or archived, which ends their services."""
    gone = {event.data.customer_id for event in events if event.data.lifecycle == "archived"}
    hold_services_of(ctx.session, gone)
    customers, due_days = [event.data for event in events], read_setting(ctx.session, ctx.config, DUE_DAYS)
    mirror_customers(ctx.session, customers, currency=ctx.config.currency, due_days=due_days)
    end_services_of(ctx.session, ctx.clock, gone)


@handles(PaymentReceived, batch=True)
def credit_payments(ctx: Context, events: list[Event[PaymentReceived]]) -> None:
    """Money came from customers."""
    receive_payments(ctx.session, ctx.clock, events)


@handles(PaymentReversed)
def take_payment_back(ctx: Context, event: Event[PaymentReversed]) -> None:
    """A payment was returned."""
    reverse_payment(ctx.session, ctx.clock, event)


@handles(RefundSent, batch=True)
def debit_refunds(ctx: Context, events: list[Event[RefundSent]]) -> None:
    """Money went back to customers."""
    send_refunds(ctx.session, ctx.clock, events)


@handles(EntryUnmatched, batch=True)
def keep_in_suspense(ctx: Context, events: list[Event[EntryUnmatched]]) -> None:
    """Money of nobody known is in the bank."""
    keep_unmatched(ctx.session, ctx.clock, events)


@handles(InvoiceIssued, batch=True)
def link_invoices(ctx: Context, events: list[Event[InvoiceIssued]]) -> None:
    """Invoices have their numbers."""
    take_invoices(ctx.session, ctx.clock, events)


@handles(CreditNoteIssued, batch=True)
def credit_notes(ctx: Context, events: list[Event[CreditNoteIssued]]) -> None:
    """Invoices are corrected downwards."""
    post_credit_notes(ctx.session, ctx.clock, events)
