"""How the demo's customers pay: most by their reference and in time, some late, in parts, twice, or in their own way.

Pure and deterministic: a customer's number and the month decide.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from billhook.demo.bank_file import BankEntry
from billhook.demo.month import iban_of

_DRAWS = 1_000
_CENT = Decimal("0.01")
_HABITUAL_DEBTORS = 2
"""Of a hundred customers so many stop paying one day."""

# Below which draw a customer does what; the rest pays neither this nor the next month.
_BY_REFERENCE, _BY_NUMBER, _BY_ACCOUNT, _HALF, _BY_A_FRIEND, _TWICE, _TOO_MUCH, _CASH, _LATE = (
    700, 780, 824, 842, 856, 862, 870, 880, 985,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice as its payer sees it; ``months_on`` are the months since the demo began."""

    id: str
    number: str
    customer_id: str
    customer_number: int
    name: str
    reference: str
    gross: Decimal
    issued_on: dt.date
    months_on: int

    @classmethod
    def of(cls, invoice: Mapping[str, Any], months_on: int) -> "Bill":
        """The bill in an invoice of the API."""
        return cls(
            id=invoice["id"],
            number=invoice["number"],
            customer_id=invoice["customer"]["id"],
            customer_number=int(invoice["customer"]["number"]),
            name=invoice["customer"]["name"],
            reference=invoice["payment_reference"],
            gross=Decimal(invoice["gross_total"]["amount"]),
            issued_on=dt.date.fromisoformat(invoice["issued_on"]),
            months_on=months_on,
        )

    @property
    def draw(self) -> int:
        """What fate has for it, 0 to 999."""
        return (self.customer_number * 7_919 + self.months_on * 4_241) * 31 % _DRAWS

    @property
    def is_given_up(self) -> bool:
        """Whether its customer has stopped paying by then."""
        number = self.customer_number
        return number * 61 % 100 < _HABITUAL_DEBTORS and self.months_on >= number % 9


def pays_cash(bill: Bill) -> bool:
    """Whether somebody comes to the desk with it."""
    return _TOO_MUCH <= bill.draw < _CASH and not bill.is_given_up


def paid_twice(bill: Bill) -> bool:
    """Whether it is paid twice, and the second time is to be sent back."""
    return _BY_A_FRIEND <= bill.draw < _TWICE and not bill.is_given_up


def paid_by_a_friend(bill: Bill) -> bool:
    """Whether the money comes from somebody whom nobody knows."""
    return _HALF <= bill.draw < _BY_A_FRIEND and not bill.is_given_up


def in_time(bill: Bill, latest: dt.date) -> Iterator[BankEntry]:
    """What the bank books for a bill in the month of its issue, at the ``latest`` then."""
    if bill.is_given_up:
        return
    day = min(bill.issued_on + dt.timedelta(days=2 + (bill.customer_number * 7 + bill.months_on * 3) % 13), latest)
    draw, gross, account = bill.draw, bill.gross, iban_of(bill.customer_number)
    if draw < _BY_REFERENCE:
        yield BankEntry(gross, day, bill.name, account, text=f"/VS/{bill.reference}/SS/11")
    elif draw < _BY_NUMBER:
        yield BankEntry(gross, day, bill.name.upper(), account, text=f"invoice {bill.number}")
    elif draw < _BY_ACCOUNT:
        yield BankEntry(gross, day, bill.name.upper(), account, text="internet, thank you")
    elif draw < _HALF:
        yield BankEntry(_half(gross), day, bill.name, account, text=f"VS {bill.reference} first half")
    elif draw < _BY_A_FRIEND:
        yield BankEntry(gross, day, f"{bill.name.split()[-1]} family", text=f"internet {bill.name}")
    elif draw < _TWICE:
        yield BankEntry(gross, day, bill.name, account, text=f"VS {bill.reference}")
        again = min(day + dt.timedelta(days=1), latest)
        yield BankEntry(gross, again, bill.name, account, text=f"VS {bill.reference} standing order")
    elif draw < _TOO_MUCH:
        yield BankEntry(gross + 20, day, bill.name, account, text=f"VS {bill.reference} and some more")


def late(bill: Bill, first: dt.date, latest: dt.date) -> Iterator[BankEntry]:
    """What comes for a bill in the month after it, which begins on ``first``."""
    if bill.is_given_up:
        return
    day = min(first + dt.timedelta(days=bill.customer_number % 19), latest)
    account = iban_of(bill.customer_number)
    if _BY_ACCOUNT <= bill.draw < _HALF:
        yield BankEntry(
            bill.gross - _half(bill.gross), day, bill.name, account, text=f"VS {bill.reference} second half"
        )
    elif _CASH <= bill.draw < _LATE:
        yield BankEntry(bill.gross, day, bill.name, account, text=f"/VS/{bill.reference}")


def _half(gross: Decimal) -> Decimal:
    return (gross / 2).quantize(_CENT, ROUND_HALF_UP)
