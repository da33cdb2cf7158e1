"""Facts as other services tell them."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billhook_common.contracts.billing import ChargeLine, CustomerCharged, ItemChanged, TaxLine
from billhook_common.contracts.crm import Address, CustomerCreated
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.tax import DocumentLine, document_totals
from billhook_common.testing import ServiceHarness

NOVEMBER, DECEMBER = dt.date(2026, 11, 1), dt.date(2026, 12, 1)
Priced = tuple[str, str, str]
"""Quantity, unit price and tax rate of a line."""


def a_company(version: int = 1, **other: Any) -> CompanyChanged:
    return CompanyChanged(
        **{
            "company_id": UUID(int=1), "version": version, "name": "Brightvale Networks",
            "address": Address(street="Harbour Road 1", city="Westfold", zip="471 02", country="CZ"),
            "company_number": "04211234", "tax_id": "CZ04211234", "email": "billing@brightvale.example.org",
            "iban": "CZ6508000000192000145399", "bic": "GIBACZPX",
        } | other
    )  # fmt: skip


def a_customer(number: int = 1, name: str = "Anna Nováková", version: int = 1, **other: Any) -> CustomerCreated:
    return CustomerCreated(
        **{
            "customer_id": uuid7(), "version": version, "number": str(10_000_000 + number), "login": f"anna{number}",
            "name": name, "category": "person", "lifecycle": "active", "email": "anna@example.org",
            "address": Address(street="Mill Lane 14", city="Mirov", zip="471 05", country="CZ"),
            "payment_reference": str(10_000_000 + number), "created_on": dt.date(2026, 1, 5),
        } | other
    )  # fmt: skip


def a_charge(
    customer_id: UUID,
    *priced: Priced,
    tax_included: bool = False,
    currency: str = "EUR",
    **other: Any,
) -> CustomerCharged:
    """A charge with the sums that billing computes."""
    wanted = priced or (("1", "24.90", "21"),)
    totals = document_totals(
        [DocumentLine(Decimal(quantity), Decimal(price), (Decimal(rate),)) for quantity, price, rate in wanted],
        currency=currency,
        tax_included=tax_included,
    )
    lines = [
        ChargeLine(
            subscription_id=uuid7(), text=f"Fiber {at}", quantity=line.line.quantity, unit_price=line.line.unit_price,
            amount=(line.gross if tax_included else line.net).amount, net=line.net.amount, tax=line.tax.amount,
            tax_rate=line.line.tax_rates[0], period_from=NOVEMBER, period_until=DECEMBER, days=30, period_days=30,
            rule="full_period",
        )
        for at, line in enumerate(totals.lines, 1)
    ]  # fmt: skip
    return CustomerCharged(
        **{
            "charge_id": uuid7(), "transaction_id": uuid7(), "customer_id": customer_id, "run_id": UUID(int=9),
            "bill_date": NOVEMBER, "due_on": dt.date(2026, 11, 15), "period_from": NOVEMBER, "period_until": DECEMBER,
            "currency": currency, "tax_included": tax_included, "lines": lines,
            "taxes": [TaxLine(rate=row.rate, net=row.net.amount, tax=row.tax.amount) for row in totals.taxes],
            "net": totals.net.amount, "tax": totals.tax.amount, "gross": totals.gross.amount,
            "balance_after": -totals.gross, "account_version": 1, "wants_document": True,
        } | other
    )  # fmt: skip


def an_item(charge: CustomerCharged, still_open: str, version: int = 2) -> ItemChanged:
    """What billing says about the charge after a payment."""
    return ItemChanged(
        transaction_id=charge.transaction_id, version=version, customer_id=charge.customer_id,
        total=Money(charge.gross, charge.currency), open=Money.of(still_open, charge.currency), due_on=charge.due_on,
    )  # fmt: skip


class Desk:
    """One invoicing service: delivers facts, reads what became of them."""

    customer = staticmethod(a_customer)
    company = staticmethod(a_company)
    charge = staticmethod(a_charge)
    item = staticmethod(an_item)

    def __init__(self, harness: ServiceHarness) -> None:
        self.harness = harness
        self._customers = 0

    def a_customer_is_known(self, name: str = "Anna Nováková", **other: Any) -> UUID:
        self._customers += 1
        customer = a_customer(self._customers, name, **other)
        self.harness.deliver(customer)
        return customer.customer_id

    def charged(self, *priced: Priced, **other: Any) -> CustomerCharged:
        """A known customer is charged, and the charge arrives."""
        charge = a_charge(other.pop("customer_id", None) or self.a_customer_is_known(), *priced, **other)
        self.harness.deliver(charge)
        return charge

    def issued(self) -> list[InvoiceIssued]:
        return self.harness.published(InvoiceIssued)

    def numbers(self) -> list[str]:
        return [fact.number for fact in self.issued()]

    def invoice(self, charge: CustomerCharged) -> dict[str, Any]:
        """The charge's invoice as the API tells it."""
        (issued,) = [fact for fact in self.issued() if fact.charge_id == charge.charge_id]
        answer = self.harness.client().get(f"/invoices/{issued.document_id}")
        assert answer.status_code == 200, answer.text
        return answer.json  # type: ignore[no-any-return]

    def read(self, statement: str, **values: object) -> Sequence[tuple[object, ...]]:
        with self.harness.session() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    def walk(self, **query: Any) -> list[dict[str, Any]]:
        """All items of the list."""
        items: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = self.harness.client().get("/invoices", **query, **after)
            assert page.status_code == 200, page.text
            items += page.json["items"]
            if page.json["next"] is None:
                return items
            after = {"after": page.json["next"]}


@pytest.fixture
def desk(harness: ServiceHarness) -> Desk:
    """Builders and readers for one test."""
    return Desk(harness)
