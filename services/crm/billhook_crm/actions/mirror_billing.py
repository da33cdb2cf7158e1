"""Mirrors of what billing says about customers: balances, payments, subscriptions, open items.

Each function takes a batch and writes it with one statement, whatever the order of arrival (G4): a run of billing
sends thousands. Customers need not be known here, so nothing ever waits.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.contracts.billing import AccountStated, ItemChanged, SubscriptionSnapshot, TransactionPosted
from billhook_common.events import newest
from billhook_common.money import Money

_BALANCES = text("""
    INSERT INTO customer_summary AS mine (customer_id, account_version, balance, currency)
    SELECT * FROM unnest(CAST(:customers AS uuid[]), CAST(:versions AS bigint[]), CAST(:balances AS bigint[]),
        CAST(:currencies AS text[]))
    ON CONFLICT (customer_id) DO UPDATE SET
        account_version = excluded.account_version, balance = excluded.balance, currency = excluded.currency
    WHERE mine.account_version < excluded.account_version
""")
_PAYMENTS = text("""
    UPDATE customer_summary SET last_payment_on = greatest(last_payment_on, paid.on)
    FROM unnest(CAST(:customers AS uuid[]), CAST(:days AS date[])) AS paid(customer_id, "on")
    WHERE customer_summary.customer_id = paid.customer_id
""")
_ITEMS = text("""
    INSERT INTO open_item AS mine (transaction_id, version, customer_id, open, currency, due_on)
    SELECT * FROM unnest(CAST(:transactions AS uuid[]), CAST(:versions AS bigint[]), CAST(:customers AS uuid[]),
        CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:days AS date[]))
    ON CONFLICT (transaction_id) DO UPDATE SET
        version = excluded.version, open = excluded.open, currency = excluded.currency, due_on = excluded.due_on
    WHERE mine.version < excluded.version
""")
_SUBSCRIPTIONS = text("""
    INSERT INTO subscription AS mine
        (id, version, customer_id, plan_name, state, monthly, currency, billing_day, ends_before)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:customers AS uuid[]),
        CAST(:plans AS text[]), CAST(:states AS text[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]),
        CAST(:billing_days AS bigint[]), CAST(:ends AS date[]))
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, plan_name = excluded.plan_name, state = excluded.state,
        monthly = excluded.monthly, currency = excluded.currency, billing_day = excluded.billing_day,
        ends_before = excluded.ends_before
    WHERE mine.version < excluded.version
""")


class Posted(Protocol):
    """Anything that billing posted to a customer's account: a charge or another transaction."""

    @property
    def customer_id(self) -> UUID:
        """Whose account."""

    @property
    def account_version(self) -> int:
        """Which posting of the account it is."""

    @property
    def balance_after(self) -> Money:
        """The balance with it."""


def keep_balances(session: Session, postings: Iterable[Posted]) -> None:
    """Keep the balance after the newest posting of each account."""
    last: dict[UUID, Posted] = {}
    for posting in postings:
        kept = last.get(posting.customer_id)
        if kept is None or kept.account_version < posting.account_version:
            last[posting.customer_id] = posting
    rows = [last[key] for key in sorted(last)]
    session.execute(
        _BALANCES,
        {
            "customers": [row.customer_id for row in rows],
            "versions": [row.account_version for row in rows],
            "balances": [row.balance_after.minor for row in rows],
            "currencies": [row.balance_after.currency for row in rows],
        },
    )


def keep_payments(session: Session, transactions: Iterable[TransactionPosted]) -> None:
    """Keep the day of each customer's last payment. Call ``keep_balances`` first, which makes the rows."""
    last: dict[UUID, dt.date] = {}
    for item in transactions:
        if item.kind == "payment" and item.side == "credit":
            last[item.customer_id] = max(last.get(item.customer_id, item.posted_on), item.posted_on)
    _keep_days(session, last)


def keep_accounts(session: Session, accounts: Sequence[AccountStated]) -> None:
    """Keep accounts as they stand, with the days of the last payments."""
    keep_balances(session, accounts)
    paid: dict[UUID, dt.date] = {}
    for account in accounts:
        if account.last_paid_on is not None:
            paid[account.customer_id] = max(paid.get(account.customer_id, account.last_paid_on), account.last_paid_on)
    _keep_days(session, paid)


def _keep_days(session: Session, last: Mapping[UUID, dt.date]) -> None:
    if last:
        session.execute(_PAYMENTS, {"customers": sorted(last), "days": [last[key] for key in sorted(last)]})


def keep_items(session: Session, items: Iterable[ItemChanged]) -> None:
    """Keep the newest version of each open item."""
    rows = newest([(item.transaction_id, item) for item in items])
    session.execute(
        _ITEMS,
        {
            "transactions": [row.transaction_id for row in rows],
            "versions": [row.version for row in rows],
            "customers": [row.customer_id for row in rows],
            "amounts": [row.open.minor for row in rows],
            "currencies": [row.open.currency for row in rows],
            "days": [row.due_on for row in rows],
        },
    )


def keep_subscriptions(session: Session, subscriptions: Iterable[SubscriptionSnapshot]) -> None:
    """Keep the newest version of each subscription."""
    rows = newest([(item.subscription_id, item) for item in subscriptions])
    session.execute(
        _SUBSCRIPTIONS,
        {
            "ids": [row.subscription_id for row in rows],
            "versions": [row.version for row in rows],
            "customers": [row.customer_id for row in rows],
            "plans": [row.plan_name for row in rows],
            "states": [row.state for row in rows],
            "amounts": [row.monthly.minor for row in rows],
            "currencies": [row.monthly.currency for row in rows],
            "billing_days": [row.billing_day for row in rows],
            "ends": [row.ends_before for row in rows],
        },
    )
