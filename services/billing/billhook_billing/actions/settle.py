"""Which credit pays which debt, recomputed for customers after a change; the difference is stored as rows (R12).

The caller has posted in the same transaction, or holds the accounts (``lock_accounts``).
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.rows import Rows, write_rows
from billhook_billing.actions.tell import ItemState, item_changed, tell
from billhook_billing.domain.settlement import Credit, Item, Named, changes, settle
from billhook_common.clock import Clock

_ITEMS = text(
    "SELECT customer_id, transaction_id, total, open, due_on, "
    "coalesce(document_number, CASE WHEN wants_document THEN '' END) AS number "
    "FROM open_item WHERE customer_id = ANY(:ids) AND total > 0"
)
_CREDITS = text(
    "SELECT customer_id, transaction_id, total, unallocated, given_on, is_credit_note "
    "FROM credit WHERE customer_id = ANY(:ids) AND total > 0"
)
_NAMED = text(
    "SELECT credit.customer_id, named.credit_id, item.transaction_id, named.amount FROM named_allocation AS named "
    "JOIN credit ON credit.transaction_id = named.credit_id "
    "JOIN open_item AS item ON item.document_id = named.document_id AND item.customer_id = credit.customer_id "
    "WHERE credit.customer_id = ANY(:ids)"
)
_ALLOCATED = text(
    "SELECT customer_id, credit_id, item_id, CAST(sum(amount) AS bigint) FROM allocation "
    "WHERE customer_id = ANY(:ids) GROUP BY customer_id, credit_id, item_id HAVING sum(amount) <> 0"
)
_SET_OPEN = text(
    "UPDATE open_item SET open = new.open, version = version + 1 "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:amounts AS bigint[])) AS new(id, open) "
    "WHERE open_item.transaction_id = new.id "
    "RETURNING transaction_id, customer_id, version, currency, total, open_item.open, due_on, document_id"
)
_SET_UNALLOCATED = text(
    "UPDATE credit SET unallocated = new.unallocated "
    "FROM unnest(CAST(:ids AS uuid[]), CAST(:amounts AS bigint[])) AS new(id, unallocated) "
    "WHERE credit.transaction_id = new.id"
)
_MOVED_BY_DEBITS = text("""
    SELECT DISTINCT fresh.customer_id FROM open_item AS fresh
    WHERE fresh.transaction_id = ANY(:ids) AND fresh.total > 0 AND (
        EXISTS (SELECT FROM credit WHERE credit.customer_id = fresh.customer_id AND credit.unallocated > 0)
        OR EXISTS (
            SELECT FROM open_item AS paid
            WHERE paid.customer_id = fresh.customer_id AND paid.open < paid.total AND (
                paid.due_on >= fresh.due_on
                OR paid.wants_document AND NOT fresh.wants_document)))
""")


def settle_debits(session: Session, clock: Clock, transaction_ids: Collection[UUID]) -> None:
    """Settle the customers of fresh debits without a document number, such as a run's charges.

    One query leaves out those whose settlement cannot change: nothing is unallocated, and what is paid ranks before.
    """
    moved = session.scalars(_MOVED_BY_DEBITS, {"ids": list(transaction_ids)}).all()
    settle_customers(session, clock, moved)


def settle_customers(session: Session, clock: Clock, customer_ids: Collection[UUID]) -> None:
    """Recompute the customers' settlement, store what is different and tell which items changed.

    A handful of statements for any number of customers.
    """
    if not customer_ids:
        return
    difference = _Difference()
    for customer_id, books in _read(session, customer_ids).items():
        if books.credits or books.allocated:
            difference.add(customer_id, books, clock.now())
    difference.write(session, clock)


@dataclass(slots=True)
class _Books:
    """What a customer's settlement depends on, and the settlement that is stored."""

    items: list[Item] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    allocated: dict[tuple[UUID, UUID], int] = field(default_factory=dict)
    open: dict[UUID, int] = field(default_factory=dict)
    unallocated: dict[UUID, int] = field(default_factory=dict)


def _read(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, _Books]:
    books = {customer_id: _Books() for customer_id in sorted(customer_ids)}
    ids = {"ids": list(books)}
    for customer_id, item_id, total, still_open, due_on, number in session.execute(_ITEMS, ids):
        own = books[customer_id]
        own.items.append(Item(item_id, total, due_on, number))
        own.open[item_id] = still_open
    for customer_id, credit_id, total, unallocated, given_on, is_credit_note in session.execute(_CREDITS, ids):
        own = books[customer_id]
        own.credits.append(Credit(credit_id, total, given_on, is_credit_note))
        own.unallocated[credit_id] = unallocated
    for customer_id, credit_id, item_id, amount in session.execute(_NAMED, ids):
        books[customer_id].named.append(Named(credit_id, item_id, amount))
    for customer_id, credit_id, item_id, amount in session.execute(_ALLOCATED, ids):
        books[customer_id].allocated[credit_id, item_id] = amount
    return books


_ALLOCATION = ("customer_id", "credit_id", "item_id", "amount", "created_at")


@dataclass(slots=True)
class _Difference:
    """What must be written for the stored settlements to become the computed ones."""

    allocations: list[tuple[object, ...]] = field(default_factory=list)
    open: dict[UUID, int] = field(default_factory=dict)
    unallocated: dict[UUID, int] = field(default_factory=dict)

    def add(self, customer_id: UUID, books: _Books, now: dt.datetime) -> None:
        settlement = settle(books.items, books.credits, books.named)
        for credit_id, item_id, amount in changes(books.allocated, settlement):
            self.allocations.append((customer_id, credit_id, item_id, amount, now))
        for item_id, still_open in settlement.open_minor.items():
            if still_open != books.open[item_id]:
                self.open[item_id] = still_open
        for credit_id, unallocated in settlement.unallocated_minor.items():
            if unallocated != books.unallocated[credit_id]:
                self.unallocated[credit_id] = unallocated

    def write(self, session: Session, clock: Clock) -> None:
        write_rows(session, Rows("allocation", _ALLOCATION, self.allocations))
        if self.unallocated:
            ids, amounts = list(self.unallocated), list(self.unallocated.values())
            session.execute(_SET_UNALLOCATED, {"ids": ids, "amounts": amounts})
        if self.open:
            ids, amounts = list(self.open), list(self.open.values())
            changed = session.execute(_SET_OPEN, {"ids": ids, "amounts": amounts})
            tell(session, clock, [item_changed(ItemState(**row._mapping)) for row in changed])
