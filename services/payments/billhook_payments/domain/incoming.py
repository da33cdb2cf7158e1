"""The payments to be paired: what remains of a bank entry once it is clear that customers' money came in."""

import datetime as dt
from dataclasses import dataclass, field

from billhook_common.bank_formats import Entry, References
from billhook_common.money import Money


@dataclass(frozen=True, slots=True)
class Incoming:
    """Money from somebody: ``lines`` are the remittance lines as the bank cut them."""

    amount: Money
    booked_on: dt.date
    name: str = ""
    account: str = ""
    lines: tuple[str, ...] = ()
    references: References = field(default_factory=References)


def why_not_a_payment(entry: Entry, currency: str) -> str | None:
    """A constant naming why the entry on an account in ``currency`` is never paired by itself; None for a payment."""
    if entry.status != "booked":
        return "not_booked"
    if entry.amount == 0:
        return "zero"
    if entry.amount < 0:
        return "debit"
    if entry.returned is not None or entry.is_reversal:
        return "returned"
    if entry.currency != currency:
        return "currency"
    return None


def payments_in(entry: Entry) -> list[Incoming]:
    """The payments of a credit entry, several when its batch details sum to it."""
    return [
        Incoming(
            amount=Money(part.amount, part.currency),
            booked_on=entry.booking_date,
            name=part.counterparty.name,
            account=part.counterparty.account,
            lines=part.remittance or entry.remittance,
            references=part.references,
        )
        for part in entry.payments()
    ]
