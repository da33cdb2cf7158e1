"""Reads of the ledger that more than one place needs."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_billing.domain.ledger import Account, Entry, Kind, Posting
from billhook_billing.models import LedgerEntry, LedgerTransaction


@dataclass(frozen=True, slots=True)
class StoredTransaction:
    """A posting as it stands in the ledger."""

    id: UUID
    customer_id: UUID | None
    posted_on: dt.date
    description: str
    posting: Posting


def stored_transaction(session: Session, transaction_id: UUID) -> StoredTransaction | None:
    """The posting with its entries, in the order in which they were made; None when there is none."""
    head = session.execute(
        select(
            LedgerTransaction.kind,
            LedgerTransaction.currency,
            LedgerTransaction.customer_id,
            LedgerTransaction.posted_on,
            LedgerTransaction.description,
        ).where(LedgerTransaction.id == transaction_id)
    ).one_or_none()
    if head is None:
        return None
    rows = session.execute(
        select(LedgerEntry.account, LedgerEntry.amount, LedgerEntry.customer_id, LedgerEntry.tax_rate)
        .where(LedgerEntry.transaction_id == transaction_id)
        .order_by(LedgerEntry.id)
    )
    entries = tuple(Entry(Account(row.account), row.amount, row.customer_id, row.tax_rate) for row in rows)
    posting = Posting(Kind(head.kind), head.currency, entries)
    return StoredTransaction(transaction_id, head.customer_id, head.posted_on, head.description, posting)
