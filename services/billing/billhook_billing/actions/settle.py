"""Which credit pays which debt, recomputed for customers after a change; the difference is stored as rows (R12).

The caller has posted in the same transaction, or holds the accounts (``lock_accounts``).
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.rows import Change, Rows, write_rows
from billhook_billing.actions.tell import ItemState, item_changed, told
from billhook_billing.domain.settlement import Credit, Item, Named, changes, settle
from billhook_common.clock import Clock
from billhook_common.db import AnyRow

_ITEMS = text(
    "SELECT transaction_id, customer_id, version, currency, total, open, due_on, document_id, "
    "coalesce(document_number, CASE WHEN wants_document THEN '' END) AS number "
    "FROM open_item WHERE customer_id = ANY(:ids) AND total > 0"
)
_CREDITS = text(
    "SELECT customer_id, transaction_id, total, unallocated, given_on, is_credit_note "
    "FROM credit WHERE customer_id = ANY(:ids) AND total > 0"
)
_NAMED = text("SELECT credit_id, document_id, amount FROM named_allocation WHERE credit_id = ANY(:ids)")
_ALLOCATED = text(
    "SELECT customer_id, credit_id, item_id, CAST(sum(amount) AS bigint) FROM allocation "
    "WHERE customer_id = ANY(:ids) GROUP BY customer_id, credit_id, item_id HAVING sum(amount) <> 0"
)
_SET_OPEN = (
    "UPDATE open_item SET open = new.open, version = version + 1 "
    "FROM unnest(%s::uuid[], %s::bigint[]) AS new(id, open) WHERE open_item.transaction_id = new.id"
)
_SET_UNALLOCATED = (
    "UPDATE credit SET unallocated = new.unallocated "
    "FROM unnest(%s::uuid[], %s::bigint[]) AS new(id, unallocated) WHERE credit.transaction_id = new.id"
)
# Joined row by row: what PostgreSQL does not know of a fresh table would make it read all credits for each chunk.
_MOVED_BY_DEBITS = text("""
    SELECT DISTINCT fresh.customer_id FROM open_item AS fresh
    LEFT JOIN LATERAL (
        SELECT true AS found FROM credit
        WHERE credit.customer_id = fresh.customer_id AND credit.unallocated > 0 LIMIT 1) AS money ON true
    LEFT JOIN LATERAL (
        SELECT true AS found FROM open_item AS paid
        WHERE paid.customer_id = fresh.customer_id AND paid.open < paid.total
            AND (paid.due_on >= fresh.due_on OR paid.wants_document AND NOT fresh.wants_document)
        LIMIT 1) AS passed ON true
    WHERE fresh.transaction_id = ANY(:ids) AND fresh.total > 0
        AND (money.found OR passed.found)
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
    stored: dict[UUID, AnyRow] = field(default_factory=dict)
    unallocated: dict[UUID, int] = field(default_factory=dict)


def _read(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, _Books]:
    books = {customer_id: _Books() for customer_id in sorted(customer_ids)}
    ids = {"ids": list(books)}
    for row in session.execute(_ITEMS, ids):
        own = books[row.customer_id]
        own.items.append(Item(row.transaction_id, row.total, row.due_on, row.number))
        own.stored[row.transaction_id] = row
    for customer_id, credit_id, total, unallocated, given_on, is_credit_note in session.execute(_CREDITS, ids):
        own = books[customer_id]
        own.credits.append(Credit(credit_id, total, given_on, is_credit_note))
        own.unallocated[credit_id] = unallocated
    _read_names(session, books)
    for customer_id, credit_id, item_id, amount in session.execute(_ALLOCATED, ids):
        books[customer_id].allocated[credit_id, item_id] = amount
    return books


def _read_names(session: Session, books: dict[UUID, _Books]) -> None:
    """Names whose document is on an item of the same customer; the others wait, and the money is ordinary credit."""
    whose = {credit.credit_id: own for own in books.values() for credit in own.credits}
    if not whose:
        return
    documents = {row.document_id: item_id for own in books.values() for item_id, row in own.stored.items()}
    for credit_id, document_id, amount in session.execute(_NAMED, {"ids": list(whose)}):
        item_id = documents.get(document_id)
        if item_id in whose[credit_id].stored:
            whose[credit_id].named.append(Named(credit_id, item_id, amount))


_ALLOCATION = ("customer_id", "credit_id", "item_id", "amount", "created_at")


@dataclass(slots=True)
class _Difference:
    """What must be written for the stored settlements to become the computed ones."""

    allocations: list[tuple[object, ...]] = field(default_factory=list)
    items: list[ItemState] = field(default_factory=list)
    unallocated: dict[UUID, int] = field(default_factory=dict)

    def add(self, customer_id: UUID, books: _Books, now: dt.datetime) -> None:
        settlement = settle(books.items, books.credits, books.named)
        for credit_id, item_id, amount in changes(books.allocated, settlement):
            self.allocations.append((customer_id, credit_id, item_id, amount, now))
        for item_id, still_open in settlement.open_minor.items():
            stored = books.stored[item_id]
            if still_open != stored.open:
                self.items.append(_changed(stored, still_open))
        for credit_id, unallocated in settlement.unallocated_minor.items():
            if unallocated != books.unallocated[credit_id]:
                self.unallocated[credit_id] = unallocated

    def write(self, session: Session, clock: Clock) -> None:
        updates = []
        if self.unallocated:
            updates.append(Change(_SET_UNALLOCATED, (list(self.unallocated), list(self.unallocated.values()))))
        if self.items:
            ids, amounts = [item.transaction_id for item in self.items], [item.open for item in self.items]
            updates.append(Change(_SET_OPEN, (ids, amounts)))
        events = told(session, clock, [item_changed(item) for item in self.items])
        write_rows(session, [Rows("allocation", _ALLOCATION, self.allocations), events], updates)


def _changed(stored: AnyRow, still_open: int) -> ItemState:
    return ItemState(
        transaction_id=stored.transaction_id,
        customer_id=stored.customer_id,
        version=stored.version + 1,
        currency=stored.currency,
        total=stored.total,
        open=still_open,
        due_on=stored.due_on,
        document_id=stored.document_id,
    )
