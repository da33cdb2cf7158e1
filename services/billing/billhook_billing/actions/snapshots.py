"""What other services mirror of billing, told as it is now: plans, subscriptions, accounts, open items."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billhook_billing.actions.plans import plan_changed
from billhook_billing.actions.subscriptions import told, with_terms
from billhook_billing.actions.tell import ItemState, item_changed
from billhook_billing.models import Account, LedgerTransaction, OpenItem, Plan, Subscription
from billhook_common.clock import Clock
from billhook_common.contracts.billing import AccountStated, SubscriptionChanged
from billhook_common.events import Outgoing
from billhook_common.events.snapshots import Snapshot
from billhook_common.money import Money


def plans(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Plans, by id."""
    rows = select(Plan).order_by(Plan.id).limit(most)
    if after is not None:
        rows = rows.where(Plan.id > after)
    return [plan_changed(plan) for plan in session.scalars(rows)]


def subscriptions(session: Session, clock: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Plans on customers, by id."""
    rows = with_terms().order_by(Subscription.id).limit(most)
    if after is not None:
        rows = rows.where(Subscription.id > after)
    return [told(SubscriptionChanged, row, clock.today()) for row in session.execute(rows)]


def accounts(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Accounts that something was posted to, by customer."""
    paid_on = (
        select(func.max(LedgerTransaction.posted_on))
        .where(LedgerTransaction.customer_id == Account.customer_id, LedgerTransaction.kind == "payment")
        .scalar_subquery()
    )
    rows = (
        select(Account, paid_on.label("paid_on")).where(Account.version > 0).order_by(Account.customer_id).limit(most)
    )
    if after is not None:
        rows = rows.where(Account.customer_id > after)
    return [_account_stated(account, last_paid_on) for account, last_paid_on in session.execute(rows)]


def items(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Debits and what is open of them, by transaction."""
    rows = select(OpenItem).order_by(OpenItem.transaction_id).limit(most)
    if after is not None:
        rows = rows.where(OpenItem.transaction_id > after)
    return [
        item_changed(
            ItemState(
                transaction_id=item.transaction_id,
                customer_id=item.customer_id,
                version=item.version,
                currency=item.currency,
                total=item.total,
                open=item.open,
                due_on=item.due_on,
                document_id=item.document_id,
            )
        )
        for item in session.scalars(rows)
    ]


def _account_stated(account: Account, last_paid_on: dt.date | None) -> Outgoing:
    fact = AccountStated(
        customer_id=account.customer_id,
        account_version=account.version,
        balance_after=Money.from_minor(account.balance, account.currency),
        last_paid_on=last_paid_on,
    )
    return Outgoing(fact=fact, subject=account.customer_id, customer_id=account.customer_id, version=account.version)


SNAPSHOTS = (
    Snapshot("plans", plans),
    Snapshot("subscriptions", subscriptions),
    Snapshot("accounts", accounts),
    Snapshot("open items", items),
)
