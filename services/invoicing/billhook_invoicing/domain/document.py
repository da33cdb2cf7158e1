"""A document as it is issued and printed: frozen, complete, with sums that agree (I2, I19, R8, R22).

Everything a person sees on the paper is here, copied at the moment of issue; nothing is looked up later.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from billhook_common.errors import Invalid
from billhook_common.money import Money
from billhook_invoicing.domain.bank_account import BankAccount

Kind: TypeAlias = Literal["invoice", "proforma", "credit_note"]
TaxScheme: TypeAlias = Literal["taxed", "reverse_charge", "non_payer"]
"""How the document stands to VAT: with tax, owed by the buyer, or by a seller who is no payer (R23)."""


class SumsDisagree(Invalid):
    """Lines, tax breakdown and totals of a document do not add up; it is never printed."""

    title = "The sums of the document do not agree"


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer as named on the document; ``country`` is ISO 3166-1 alpha-2.

    ``registration`` is the seller's entry in a register, where law wants it on documents.
    """

    name: str
    street: str = ""
    zip: str = ""
    city: str = ""
    country: str = ""
    company_number: str = ""
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    registration: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``period_from`` … ``period_until`` is half-open (R2); ``unit_price`` is as the document's prices.

    ``tax_rate`` is in percent, None where the document shows no tax. ``detail`` explains the amount (R18), such
    as a discount or the days charged.
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    tax: Money
    tax_rate: Decimal | None = None
    unit: str = ""
    period_from: dt.date | None = None
    period_until: dt.date | None = None
    detail: str = ""

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class TaxRow:
    """The tax of one rate, in percent."""

    rate: Decimal
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An issued invoice, proforma or credit note.

    ``paid`` is what was settled when it was printed; ``account`` and ``payment_reference`` say how to pay the
    rest. ``tax_included`` means that unit prices and line amounts are shown gross. A credit note names the
    number that it ``corrects`` and has negative quantities (R24). Raises SumsDisagree.
    """

    kind: Kind
    number: str
    seller: Party
    buyer: Party
    issued_on: dt.date
    due_on: dt.date
    tax_point_on: dt.date | None
    lines: tuple[Line, ...]
    taxes: tuple[TaxRow, ...]
    net: Money
    tax: Money
    paid: Money
    language: str = "en"
    tax_included: bool = False
    tax_scheme: TaxScheme = "taxed"
    account: BankAccount | None = None
    payment_reference: str = ""
    corrects: str = ""
    note: str = ""
    accent: str = "#4453d6"
    """The operator's brand colour."""

    def __post_init__(self) -> None:
        zero = Money.zero(self.net.currency)
        sums = {
            "the net of the lines": (_sum((line.net for line in self.lines), zero), self.net),
            "the tax of the lines": (_sum((line.tax for line in self.lines), zero), self.tax),
            "the tax breakdown": (_sum((row.tax for row in self.taxes), zero), self.tax),
        }
        for what, (found, total) in sums.items():
            if found != total:
                raise SumsDisagree(f"{what} is {found}, the document says {total}")
        if self.tax_scheme != "taxed" and self.tax:
            raise SumsDisagree(f"a {self.tax_scheme} document has {self.tax} of tax")

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.net.currency

    @property
    def gross(self) -> Money:
        """What the document is over: net and tax."""
        return self.net + self.tax

    @property
    def amount_due(self) -> Money:
        """What is still to be paid."""
        return self.gross - self.paid


def _sum(amounts: Iterable[Money], zero: Money) -> Money:
    return sum(amounts, start=zero)
