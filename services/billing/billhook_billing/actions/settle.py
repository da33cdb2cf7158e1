"""Which credit pays which debt, recomputed for customers after a change; the difference is stored as rows (R12).

The caller has posted in the same transaction, or holds the accounts (``lock_accounts``).

What is stored is always what ``domain.settlement.settle`` makes of all facts. After new postings most of it cannot
change: ``settle_new`` asks what can, so that an old customer costs no more than a new one.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.post import Posted
from billhook_billing.actions.rows import Change, Rows, write_rows
from billhook_billing.actions.tell import ItemState, item_changed, told
from billhook_billing.domain.settlement import Credit, Item, Named, changes, settle
from billhook_common.clock import Clock
from billhook_common.db import AnyRow

_ITEMS = text("""
    SELECT transaction_id, customer_id, version, currency, total, open, due_on, document_id,
        coalesce(document_number, CASE WHEN wants_document THEN '' END) AS number,
        CASE WHEN :whole THEN total ELSE open END AS amount
    FROM open_item WHERE customer_id = ANY(:ids) AND (open > 0 OR :whole AND total > 0)
""")
_CREDITS = text("""
    SELECT customer_id, transaction_id, unallocated, given_on, is_credit_note,
        CASE WHEN :whole THEN total ELSE unallocated END AS amount
    FROM credit WHERE customer_id = ANY(:ids) AND (unallocated > 0 OR :whole AND total > 0)
""")
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
# New debits and credits that move something, and whether the whole settlement: a debit that passes paid ones in their
# order or that money waits for; a credit that is older than another one in use, or that names what is partly paid.
# Joined row by row: what PostgreSQL does not know of a fresh table would make it read all credits for each chunk.
_MOVED_BY_NEW = text("""
    SELECT customer_id, bool_or(whole) AS whole FROM (
        SELECT new.customer_id, coalesce(later.found, documents.found, named.found, false) AS whole,
            coalesce(later.found, documents.found, named.found, money.found) AS moved
        FROM open_item AS new
        LEFT JOIN LATERAL (
            SELECT true AS found FROM open_item AS paid
            WHERE paid.customer_id = new.customer_id AND paid.due_on >= new.due_on AND paid.open < paid.total
            LIMIT 1) AS later ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM open_item AS paid
            WHERE NOT new.wants_document AND paid.customer_id = new.customer_id AND paid.wants_document
                AND paid.open < paid.total
            LIMIT 1) AS documents ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM named_allocation WHERE document_id = new.document_id LIMIT 1) AS named ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM credit WHERE customer_id = new.customer_id AND unallocated > 0
            LIMIT 1) AS money ON true
        WHERE new.transaction_id = ANY(:ids) AND new.total > 0
        UNION ALL
        SELECT new.customer_id, coalesce(newer.found, paid.found, false),
            coalesce(newer.found, paid.found, owed.found)
        FROM credit AS new
        LEFT JOIN LATERAL (
            SELECT true AS found FROM credit AS used
            WHERE used.customer_id = new.customer_id AND used.unallocated < used.total
                AND (used.given_on, used.transaction_id) > (new.given_on, new.transaction_id)
            LIMIT 1) AS newer ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM named_allocation
            JOIN open_item AS item ON item.document_id = named_allocation.document_id
            WHERE credit_id = new.transaction_id AND item.customer_id = new.customer_id AND item.open < item.total
            LIMIT 1) AS paid ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM open_item WHERE customer_id = new.customer_id AND open > 0
            LIMIT 1) AS owed ON true
        WHERE new.transaction_id = ANY(:ids)
    ) AS new WHERE moved GROUP BY customer_id
""")


def settle_new(session: Session, clock: Clock, posted: Iterable[Posted]) -> None:
    """Settle after new debits and credits; exactly as ``settle_customers`` would.

    Whoever has nothing to pay, or nothing to pay with, is left out by one query. A debit that ranks after all that is
    paid, and a credit that is newer than all that pays, leave what is allocated as it is: for them only the open
    items and the unallocated credits are settled.
    """
    new = [item.id for item in posted if item.created]
    if not new:
        return
    moved = session.execute(_MOVED_BY_NEW, {"ids": new}).all()
    difference = _Difference(clock.now())
    for whole in (False, True):
        difference.settle(session, [row.customer_id for row in moved if row.whole is whole], whole=whole)
    difference.write(session, clock)


def settle_customers(session: Session, clock: Clock, customer_ids: Collection[UUID]) -> None:
    """Recompute the customers' whole settlement, store what is different and tell which items changed.

    A handful of statements for any number of customers.
    """
    difference = _Difference(clock.now())
    difference.settle(session, customer_ids, whole=True)
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


def _read(session: Session, customer_ids: Collection[UUID], *, whole: bool) -> dict[UUID, _Books]:
    """The customers' books: all of them, or only what is open and unallocated."""
    books = {customer_id: _Books() for customer_id in sorted(customer_ids)}
    ids = {"ids": list(books), "whole": whole}
    for row in session.execute(_ITEMS, ids):
        own = books[row.customer_id]
        own.items.append(Item(row.transaction_id, row.amount, row.due_on, row.number))
        own.stored[row.transaction_id] = row
    for customer_id, credit_id, unallocated, given_on, is_credit_note, amount in session.execute(_CREDITS, ids):
        own = books[customer_id]
        own.credits.append(Credit(credit_id, amount, given_on, is_credit_note))
        own.unallocated[credit_id] = unallocated
    _read_names(session, books)
    if whole:
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

    now: dt.datetime
    allocations: list[tuple[object, ...]] = field(default_factory=list)
    items: list[ItemState] = field(default_factory=list)
    unallocated: dict[UUID, int] = field(default_factory=dict)

    def settle(self, session: Session, customer_ids: Collection[UUID], *, whole: bool) -> None:
        """Compute these customers' settlements."""
        if customer_ids:
            for customer_id, books in _read(session, customer_ids, whole=whole).items():
                if books.credits or books.allocated:
                    self._add(customer_id, books)

    def _add(self, customer_id: UUID, books: _Books) -> None:
        settlement = settle(books.items, books.credits, books.named)
        for credit_id, item_id, amount in changes(books.allocated, settlement):
            self.allocations.append((customer_id, credit_id, item_id, amount, self.now))
        for item_id, still_open in settlement.open_minor.items():
            stored = books.stored[item_id]
            if still_open != stored.open:
                self.items.append(_changed(stored, still_open))
        for credit_id, unallocated in settlement.unallocated_minor.items():
            if unallocated != books.unallocated[credit_id]:
                self.unallocated[credit_id] = unallocated

    def write(self, session: Session, clock: Clock) -> None:
        """Store and tell it."""
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
