"""Which credit pays which debt: one pure function of a customer's open items, credits and named allocations (R12).

It is recomputed after every change, so the order in which payments, charges and credit notes arrive cannot matter.
All amounts are minor units of one currency; settle a customer once per currency.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Item:
    """A debit to be paid. ``number`` is that of its document; ``None`` is a debit that no document shows."""

    item_id: UUID
    amount_minor: int
    due_on: date
    number: str | None = None

    @property
    def rank(self) -> tuple[bool, date, str, UUID]:
        """The default order: debits without a document, then documents by due date, then number."""
        return (self.number is not None, self.due_on, self.number or "", self.item_id)


@dataclass(frozen=True, slots=True)
class Credit:
    """Money or a credit note that pays items; ``amount_minor`` is without what is reserved for a payment request.

    A reversed payment is not a credit any more.
    """

    credit_id: UUID
    amount_minor: int
    given_on: date
    is_credit_note: bool = False

    @property
    def rank(self) -> tuple[date, UUID]:
        """Oldest first; so what is released by a later credit note is released from the newest payment."""
        return (self.given_on, self.credit_id)


@dataclass(frozen=True, slots=True)
class Named:
    """A credit says which item it is for: ``amount_minor`` of it, or as much as fits (``None``).

    It waits while its item or its credit is not known yet; until then the money is ordinary credit.
    """

    credit_id: UUID
    item_id: UUID
    amount_minor: int | None = None


class Allocation(NamedTuple):
    """``amount_minor`` of a credit pays an item."""

    credit_id: UUID
    item_id: UUID
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result: at most one allocation a pair, what stays open of each item and unallocated of each credit.

    Credits less items are unallocated less open: the customer's balance (R15).
    """

    allocations: tuple[Allocation, ...]
    open_minor: Mapping[UUID, int]
    unallocated_minor: Mapping[UUID, int]


def settle(items: Iterable[Item], credits: Iterable[Credit], named: Iterable[Named] = ()) -> Settlement:
    """Allocates credits to items: credit notes to the invoice they name, other named money, then the rest.

    The rest goes oldest credit first, to debits without a document, then to documents by due date, then number.
    """
    ordered_items = sorted(items, key=lambda item: item.rank)
    ordered_credits = sorted(credits, key=lambda credit: credit.rank)
    still_open = {item.item_id: item.amount_minor for item in ordered_items}
    unallocated = {credit.credit_id: credit.amount_minor for credit in ordered_credits}
    assert len(still_open) == len(ordered_items) and len(unallocated) == len(ordered_credits), "an id is given twice"
    assert all(amount >= 0 for amount in (*still_open.values(), *unallocated.values())), "an amount is negative"
    allocated: dict[tuple[UUID, UUID], int] = defaultdict(int)

    def allocate(credit_id: UUID, item_id: UUID, at_most: int) -> None:
        amount = min(at_most, unallocated[credit_id], still_open[item_id])
        if amount > 0:
            allocated[credit_id, item_id] += amount
            unallocated[credit_id] -= amount
            still_open[item_id] -= amount

    for name in _in_order(named, ordered_items, ordered_credits):
        at_most = still_open[name.item_id] if name.amount_minor is None else name.amount_minor
        allocate(name.credit_id, name.item_id, at_most)
    unpaid = iter([item for item in ordered_items if still_open[item.item_id]])
    item = next(unpaid, None)
    for credit in ordered_credits:
        while item and unallocated[credit.credit_id]:
            allocate(credit.credit_id, item.item_id, still_open[item.item_id])
            if not still_open[item.item_id]:
                item = next(unpaid, None)
    pairs = sorted(allocated.items())
    return Settlement(tuple(Allocation(*pair, amount) for pair, amount in pairs), still_open, unallocated)


def _in_order(named: Iterable[Named], items: list[Item], credits: list[Credit]) -> Iterator[Named]:
    """The names whose item and credit are here: those of credit notes first, then of the oldest credit."""
    item_place = {item.item_id: place for place, item in enumerate(items)}
    credit_place = {credit.credit_id: (not credit.is_credit_note, place) for place, credit in enumerate(credits)}
    known = [name for name in named if name.item_id in item_place and name.credit_id in credit_place]
    return iter(sorted(known, key=lambda name: (credit_place[name.credit_id], item_place[name.item_id])))


def changes(stored: Mapping[tuple[UUID, UUID], int], settlement: Settlement) -> tuple[Allocation, ...]:
    """What must be added to the ``stored`` amounts by (credit, item) to become the settlement; a release is negative.

    Nothing changes when the same settlement is stored again.
    """
    wanted = {(row.credit_id, row.item_id): row.amount_minor for row in settlement.allocations}
    return tuple(
        Allocation(*pair, wanted.get(pair, 0) - stored.get(pair, 0))
        for pair in sorted(wanted.keys() | stored.keys())
        if wanted.get(pair, 0) != stored.get(pair, 0)
    )
