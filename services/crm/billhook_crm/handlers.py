"""Events from billing: the summary that lists of customers show."""

from billhook_common.contracts.billing import (
    AccountStated,
    CustomerCharged,
    ItemChanged,
    SubscriptionActivated,
    SubscriptionChanged,
    SubscriptionEnded,
    SubscriptionSnapshot,
    TransactionPosted,
)
from billhook_common.events import Context, Event, Handlers
from billhook_crm.actions.change import connect_customers
from billhook_crm.actions.mirror_billing import (
    keep_accounts,
    keep_balances,
    keep_items,
    keep_payments,
    keep_subscriptions,
)

handles = Handlers()


@handles(SubscriptionActivated, SubscriptionChanged, SubscriptionEnded, batch=True)
def keep_sold(ctx: Context, events: list[Event[SubscriptionSnapshot]]) -> None:
    """Services of customers begin, change or end."""
    subscriptions = [event.data for event in events]
    keep_subscriptions(ctx.session, subscriptions)
    connect_customers(ctx.session, ctx.clock, {item.customer_id for item in subscriptions if item.state == "active"})


@handles(CustomerCharged, batch=True)
def keep_charged(ctx: Context, events: list[Event[CustomerCharged]]) -> None:
    """A run charged customers."""
    keep_balances(ctx.session, [event.data for event in events])


@handles(TransactionPosted, batch=True)
def keep_posted(ctx: Context, events: list[Event[TransactionPosted]]) -> None:
    """Payments and other postings came."""
    transactions = [event.data for event in events]
    keep_balances(ctx.session, transactions)
    keep_payments(ctx.session, transactions)


@handles(ItemChanged, batch=True)
def keep_open(ctx: Context, events: list[Event[ItemChanged]]) -> None:
    """What customers still owe of a charge changed."""
    keep_items(ctx.session, [event.data for event in events])


@handles(AccountStated, batch=True)
def keep_stated(ctx: Context, events: list[Event[AccountStated]]) -> None:
    """Billing tells how accounts stand, for a mirror that is to be rebuilt."""
    keep_accounts(ctx.session, [event.data for event in events])
