"""The plug-in interface of bank statement formats.

A format is a small class in any installed package, named in the entry point group ``billhook.bank_formats``. It
reads bytes and yields statements; it touches no database, no network and no clock. Amounts are exact decimals seen
from the account holder: credit (money in) is positive. Dates are those that the bank wrote, never converted.
Source: docs of the payments service; a conformance kit runs the same properties on every format.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Literal, Protocol

GROUP = "billhook.bank_formats"
HEAD_BYTES = 8192  # what ``sniff`` may look at

ErrorCode = Literal[
    "empty_file",
    "too_large",
    "unrecognised_format",
    "ambiguous_format",
    "truncated",
    "malformed",
    "xml_doctype_forbidden",
    "too_deep",
    "bad_encoding",
    "bad_amount",
    "bad_date",
    "bad_value",
    "missing_field",
    "handler_failed",
]
EntryStatus = Literal["booked", "pending", "information"]
StatementKind = Literal["statement", "report", "notification"]


class HandlerError(Exception):
    """The file cannot be read as it stands; ``position`` tells a person where ("entry 3, line 812")."""

    def __init__(self, code: ErrorCode, position: str, message: str) -> None:
        super().__init__(f"{code} at {position}: {message}" if position else f"{code}: {message}")
        self.code: ErrorCode = code
        self.position = position
        self.message = message


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd that does not stop the import; ``code`` is a constant, ``message`` is for people."""

    code: str
    position: str
    message: str


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Who is on the other side; ``account`` is an IBAN or local number without blanks, ``address`` one line."""

    name: str = ""
    account: str = ""
    bic: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """The references of a payment as the bank gives them; an empty text means that there is none."""

    end_to_end: str = ""
    mandate: str = ""
    creditor_ref: str = ""
    customer_ref: str = ""
    bank_ref: str = ""
    variable_symbol: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment inside an entry; ``amount`` is signed like the entry's."""

    amount: Decimal
    currency: str
    counterparty: Counterparty
    references: References
    remittance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Return:
    """Why a payment came back; the entry's own references are those of the original."""

    code: str
    original_amount: Decimal | None = None
    charges: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement. ``remittance`` keeps the lines as written, for banks cut words at line ends."""

    amount: Decimal
    currency: str
    booking_date: dt.date
    value_date: dt.date | None
    status: EntryStatus
    counterparty: Counterparty
    references: References
    position: str
    remittance: tuple[str, ...] = ()
    type_code: str = ""
    is_reversal: bool = False
    returned: Return | None = None
    details: tuple[Detail, ...] = ()

    @property
    def text(self) -> str:
        """The remittance lines as one line."""
        return " ".join(self.remittance)

    def payments(self) -> tuple[Detail, ...]:
        """The payments in this entry: its details where they prove to be its parts, else the entry as one payment."""
        if len(self.details) > 1 and self.details_sum_up():
            return self.details
        return (Detail(self.amount, self.currency, self.counterparty, self.references, self.remittance),)

    def details_sum_up(self) -> bool:
        """Whether the details are its parts: of its currency and direction, and with its sum.

        What was booked is the entry; details in another currency or with another sum prove nothing.
        """
        alike = all(one.currency == self.currency and one.amount * self.amount > 0 for one in self.details)
        return alike and sum(one.amount for one in self.details) == self.amount


@dataclass(frozen=True, slots=True)
class Balance:
    """What was on the account; positive is the holder's money."""

    amount: Decimal
    on: dt.date


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """What the file itself says about its entries: sums without sign, number; None where it is silent."""

    credits: Decimal | None = None
    debits: Decimal | None = None
    entries: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the amounts are complete; ``gap`` is what is missing (or too much, if negative) to the closing balance.

    A gap of zero tells that only the number of entries differs from the file's own count.
    """

    kind: Literal["proved", "gap", "control_totals", "no_balances"]
    gap: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over one period; ``from_date`` and ``to_date`` are both included, as banks write them.

    Only a ``statement`` is final; a ``report`` (intraday) and a ``notification`` tell in advance. ``currency`` is
    empty where the file does not say it.
    """

    account: str
    currency: str
    entries: tuple[Entry, ...]
    kind: StatementKind = "statement"
    bank_code: str = ""
    reference: str = ""
    sequence: str = ""
    page: int = 1
    opening: Balance | None = None
    closing: Balance | None = None
    from_date: dt.date | None = None
    to_date: dt.date | None = None
    controls: ControlTotals | None = None
    warnings: tuple[Finding, ...] = ()

    @property
    def booked(self) -> tuple[Entry, ...]:
        """The entries that moved the balance."""
        return tuple(entry for entry in self.entries if entry.status == "booked")

    @property
    def credits(self) -> Decimal:
        """The sum of money in, booked."""
        return sum((entry.amount for entry in self.booked if entry.amount > 0), Decimal(0))

    @property
    def debits(self) -> Decimal:
        """The sum of money out, booked, without sign."""
        return -sum((entry.amount for entry in self.booked if entry.amount < 0), Decimal(0))

    @property
    def proof(self) -> Proof:
        """Opening + credits - debits = closing, else the file's own control totals, else nothing."""
        if self.opening is not None and self.closing is not None:
            gap = self.closing.amount - (self.opening.amount + self.credits - self.debits)
            return Proof("gap", gap) if gap else Proof("proved")
        if self.controls is None:
            return Proof("no_balances")
        if self.agrees_with_controls():
            return Proof("control_totals")
        credits, debits = self.controls.credits, self.controls.debits
        missing_in = Decimal(0) if credits is None else credits - self.credits
        missing_out = Decimal(0) if debits is None else debits - self.debits
        return Proof("gap", missing_in - missing_out)

    def agrees_with_controls(self) -> bool:
        """Whether the booked entries have the sums and the number that the file states (true if it states none)."""
        if self.controls is None:
            return True
        stated = (self.controls.credits, self.controls.debits, self.controls.entries)
        found = (self.credits, self.debits, len(self.booked))
        return all(says is None or says == is_so for says, is_so in zip(stated, found, strict=True))


class BankFormat(Protocol):
    """A reader of one family of formats. ``version`` changes when the same file would be read differently."""

    id: str
    label: str
    formats: tuple[str, ...]
    version: str

    def sniff(self, head: bytes, filename: str) -> int:
        """How sure it is, 0 to 100, that it reads this file; sees the first ``HEAD_BYTES``; never raises."""
        ...

    def parse(self, stream: BinaryIO, profile: Mapping[str, str]) -> Iterator[Statement]:
        """Every statement of a seekable ``stream``, read from its start; ``profile`` holds the account's choices.

        Raises only HandlerError. A file is good when it was read to its end: until then nothing may be kept.
        """
        ...
