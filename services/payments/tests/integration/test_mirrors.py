"""Mirrors of customers and documents are right in any order of arrival, also in thousands."""

import itertools
from typing import Any

import pytest
from sqlalchemy import func, select

from billhook_common.contracts.billing import ItemChanged
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_payments.models import Customer, Document

pytestmark = pytest.mark.integration


def an_item(invoice: Any, amount: str, version: int, **changes: Any) -> ItemChanged:
    return ItemChanged(**{
        "transaction_id": invoice.document_id, "version": version, "customer_id": invoice.customer_id,
        "document_id": invoice.document_id, "total": Money.of(invoice.gross, "EUR"), "open": Money.of(amount, "EUR"),
        "due_on": invoice.due_on, **changes,
    })  # fmt: skip


def shown_documents(world: Any, customer: Any) -> list[tuple[str, str]]:
    (found,) = world.client.get("/customers/search", q=customer.number).json["items"]
    return [(one["number"], one["open"]["amount"]) for one in found["documents"]]


def test_the_newest_open_amount_stays_in_any_order(world: Any) -> None:
    pattern = world.invoice(uuid7())
    known = {name: getattr(pattern, name) for name in pattern.__struct_fields__}
    for number, order in enumerate(itertools.permutations(range(4)), 900_000):
        customer = world.customer()
        invoice = type(pattern)(**{
            **known, "document_id": uuid7(), "number": f"INV-2026-{number}", "customer_id": customer.customer_id,
        })  # fmt: skip
        facts = [invoice, *(an_item(invoice, amount, v) for v, amount in ((1, "29.90"), (2, "20.00"), (3, "12.50")))]
        for place in order:
            world.harness.deliver(facts[place])
        world.harness.deliver(*[facts[place] for place in order])
        assert shown_documents(world, customer) == [(f"INV-2026-{number}", "12.50")], order


def test_a_document_is_born_with_all_of_it_open(world: Any) -> None:
    customer = world.customer()
    invoice = world.invoice(customer.customer_id, "31.00")
    assert shown_documents(world, customer) == [(invoice.number, "31.00")]
    assert world.client.get("/panels/documents").json == {"count": 1, "sum": {"amount": "31.00", "currency": "EUR"}}
    world.open_amount(invoice, "0.00")
    assert shown_documents(world, customer) == []
    assert world.client.get("/panels/documents").json == {"count": 1, "sum": {"amount": "0.00", "currency": "EUR"}}


def test_an_open_amount_without_its_invoice_is_not_shown_yet(world: Any) -> None:
    customer = world.customer()
    fact = an_item(world.invoice(uuid7()), "5.00", 1, document_id=uuid7(), customer_id=customer.customer_id)
    world.harness.deliver(fact, an_item(world.invoice(uuid7()), "5.00", 1, document_id=None))
    assert shown_documents(world, customer) == []
    assert world.harness.unfinished() == []


def test_the_newest_version_of_a_customer_stays_in_any_order(world: Any) -> None:
    first = world.customer()
    known = {name: getattr(first, name) for name in first.__struct_fields__}
    newer = CustomerChanged(**{**known, "version": 3, "name": "Anna Malá"})
    older = CustomerChanged(**{**known, "version": 2, "name": "Anna Stará"})
    world.harness.deliver(newer, older)
    assert [one["name"] for one in world.client.get("/customers/search", q=first.number).json["items"]] == ["Anna Malá"]


def test_thousands_of_events_are_a_few_statements(world: Any) -> None:
    first = world.customer()
    known = {name: getattr(first, name) for name in first.__struct_fields__}
    customers = [
        CustomerChanged(**{**known, "customer_id": uuid7(), "number": f"2{n:06d}", "name": f"Person {n}"})
        for n in range(2_000)
    ]
    invoice = world.invoice(first.customer_id)
    fields = {name: getattr(invoice, name) for name in invoice.__struct_fields__}
    invoices = [
        type(invoice)(**{**fields, "document_id": uuid7(), "number": f"INV-2027-{n:06d}"}) for n in range(2_000)
    ]
    world.harness.deliver(*customers, *invoices, *[an_item(one, "1.00", 2) for one in invoices])
    with world.harness.session() as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 2_001
        assert session.scalar(select(func.count()).select_from(Document).where(Document.open == 100)) == 2_000


def test_customers_are_found_by_what_people_know_of_them(world: Any) -> None:
    zizka = world.customer("Jan Žižka", payment_reference="5550001112")
    world.customer("Žofie Malá")
    invoice = world.invoice(zizka.customer_id)
    queries = ("zizka", "JAN ŽIŽ", zizka.number, zizka.login, "5550001112", invoice.number, "inv2026000001")
    for query in queries:
        found = world.client.get("/customers/search", q=query).json
        assert [one["name"] for one in found["items"]] == ["Jan Žižka"], query
        assert found["items"][0]["open"] == {"amount": "29.90", "currency": "EUR"}
    assert world.client.get("/customers/search", q="nobody").json["items"] == []
    for odd in ("%", "_", "'", "\\", "--", "()"):
        assert world.client.get("/customers/search", q=odd).json["items"] == []
    assert world.client.get("/customers/search").status_code == 422


def test_the_account_of_the_company_is_set_up_by_itself(empty_world: Any) -> None:
    def company(version: int, iban: str) -> CompanyChanged:
        return CompanyChanged(company_id=uuid7(), version=version, name="Synthetic Net", iban=iban)

    empty_world.harness.deliver(company(1, ""), company(2, "DE00 1234"), company(3, "DE89 3704 0044 0532 0130 00"))
    empty_world.harness.deliver(company(4, empty_world.iban))
    (account,) = empty_world.walk("/bank-accounts")
    assert (account["iban"], account["holder"], account["currency"]) == (empty_world.iban, "Synthetic Net", "EUR")
    assert empty_world.upload(empty_world.file(empty_world.line("1.00"))).status_code == 201
