"""Balanced postings of the ledger and the chart of accounts (R15, R27, R30, R32).

Every entry is signed from the customer's side: a credit is above 0, a debit below. So a customer's balance is the
plain sum of their entries, and every posting sums to zero. Amounts are minor units of the posting's currency.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from billhook_common.errors import Conflict, Invalid
from billhook_common.money import Money


class Account(StrEnum):
    """The chart of accounts. ``CUSTOMERS`` is kept per customer, the others are summed."""

    CUSTOMERS = "customers"
    REVENUE = "revenue"
    TAX = "tax"
    BANK = "bank"
    CASH = "cash"
    CARD = "card"
    SUSPENSE = "suspense"
    OPENING = "opening"
    CORRECTIONS = "corrections"
    WRITE_OFFS = "write_offs"


# What people read in the trial balance.
ACCOUNT_NAMES = {
    Account.CUSTOMERS: "Customers",
    Account.REVENUE: "Revenue",
    Account.TAX: "Tax payable",
    Account.BANK: "Bank",
    Account.CASH: "Cash desk",
    Account.CARD: "Card and online payments",
    Account.SUSPENSE: "Unmatched payments",
    Account.OPENING: "Opening balances",
    Account.CORRECTIONS: "Corrections",
    Account.WRITE_OFFS: "Write-offs",
}


class Kind(StrEnum):
    """What a posting is."""

    CHARGE = "charge"
    CREDIT = "credit"
    PAYMENT = "payment"
    UNMATCHED = "unmatched"
    REFUND = "refund"
    CORRECTION = "correction"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"
    OPENING = "opening"
    REVERSAL = "reversal"


class Unbalanced(Conflict):
    """The entries of a posting do not sum to zero."""

    title = "The posting does not balance"


class AmountNotPositive(Invalid):
    """Money that moves is more than nothing; its direction is said by the kind of posting."""

    title = "The amount must be more than 0"


class Entry(NamedTuple):
    """One leg: credit above 0, debit below. ``customer_id`` on CUSTOMERS only, ``tax_rate`` (percent) on TAX only."""

    account: Account
    amount_minor: int
    customer_id: UUID | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """A balanced set of entries. Raises Unbalanced."""

    kind: Kind
    currency: str
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        check_balanced(self.entries)

    def change_of(self, customer_id: UUID) -> int:
        """What it adds to a customer's balance."""
        return sum(entry.amount_minor for entry in self.entries if entry.customer_id == customer_id)


def check_balanced(entries: Iterable[Entry]) -> None:
    """Raises Unbalanced unless ``entries`` sum to zero; the database refuses it a second time."""
    total = sum([entry[1] for entry in entries])
    if total:
        raise Unbalanced(f"the entries sum to {total} minor units, not to 0")


def charge(customer_id: UUID, currency: str, *, nets: Sequence[int], taxes: Sequence[tuple[Decimal, int]]) -> Posting:
    """A charge or a document made by hand, in minor units: net per line, tax per rate, one total (R32).

    The customer's entry is first; it stays when the total is 0, so that a free period is in the books too.
    """
    return Posting(Kind.CHARGE, currency, _document(customer_id, nets, taxes, sign=1))


def credit_note(
    customer_id: UUID, currency: str, *, nets: Sequence[int], taxes: Sequence[tuple[Decimal, int]]
) -> Posting:
    """The mirror of a charge; nets and taxes are above 0 as the credit note shows them."""
    return Posting(Kind.CREDIT, currency, _document(customer_id, nets, taxes, sign=-1))


def _document(
    customer_id: UUID, nets: Sequence[int], taxes: Sequence[tuple[Decimal, int]], *, sign: int
) -> tuple[Entry, ...]:
    total = sum(nets) + sum([tax for _, tax in taxes])
    return (
        Entry(Account.CUSTOMERS, -sign * total, customer_id),
        *[Entry(Account.REVENUE, sign * net) for net in nets],
        *[Entry(Account.TAX, sign * tax, None, rate) for rate, tax in taxes if tax],
    )


def payment(customer_id: UUID, amount: Money, *, account: Account = Account.BANK) -> Posting:
    """Money from a customer, on BANK, CASH or CARD, or out of SUSPENSE when it was unmatched before (R30)."""
    return _moved(Kind.PAYMENT, amount, debit=(account, None), credit=(Account.CUSTOMERS, customer_id))


def unmatched(amount: Money, *, account: Account = Account.BANK) -> Posting:
    """Booked money of nobody known yet (R30)."""
    return _moved(Kind.UNMATCHED, amount, debit=(account, None), credit=(Account.SUSPENSE, None))


def refund(customer_id: UUID, amount: Money, *, account: Account = Account.BANK) -> Posting:
    """Money back to a customer."""
    return _moved(Kind.REFUND, amount, debit=(Account.CUSTOMERS, customer_id), credit=(account, None))


def write_off(customer_id: UUID, amount: Money) -> Posting:
    """A debt given up; tax is untouched (R37)."""
    return _moved(Kind.WRITE_OFF, amount, debit=(Account.WRITE_OFFS, None), credit=(Account.CUSTOMERS, customer_id))


def transfer(giver_id: UUID, receiver_id: UUID, *, amount: Money) -> Posting:
    """Credit of one customer becomes another's (R64, R65)."""
    giver, receiver = (Account.CUSTOMERS, giver_id), (Account.CUSTOMERS, receiver_id)
    return _moved(Kind.TRANSFER, amount, debit=giver, credit=receiver)


_Leg = tuple[Account, UUID | None]


def _moved(kind: Kind, amount: Money, *, debit: _Leg, credit: _Leg) -> Posting:
    minor = amount.minor
    if minor <= 0:
        raise AmountNotPositive(f"{amount} is not more than 0", pointer="/amount")
    (debit_account, debit_customer), (credit_account, credit_customer) = debit, credit
    entries = Entry(debit_account, -minor, debit_customer), Entry(credit_account, minor, credit_customer)
    return Posting(kind, amount.currency, entries)


def correction(customer_id: UUID, amount: Money) -> Posting:
    """Outside tax (R27): above 0 the customer gets credit, below 0 owes more."""
    return _adjusted(Kind.CORRECTION, customer_id, amount, against=Account.CORRECTIONS)


def opening(customer_id: UUID, amount: Money) -> Posting:
    """The balance a customer brings at migration: above 0 credit, below 0 debt (R69)."""
    return _adjusted(Kind.OPENING, customer_id, amount, against=Account.OPENING)


def _adjusted(kind: Kind, customer_id: UUID, amount: Money, *, against: Account) -> Posting:
    entries = Entry(Account.CUSTOMERS, amount.minor, customer_id), Entry(against, -amount.minor)
    return Posting(kind, amount.currency, entries)


def reversal(posting: Posting) -> Posting:
    """The same entries the other way round: the only way to take a posting back (R15)."""
    entries = tuple(entry._replace(amount_minor=-entry.amount_minor) for entry in posting.entries)
    return Posting(Kind.REVERSAL, posting.currency, entries)
