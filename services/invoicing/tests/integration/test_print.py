"""Printed invoices: the paper says what the API says, once and for ever."""

import datetime as dt
import io
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from billhook_common.contracts.billing import CustomerCharged
from billhook_common.money import Money
from billhook_common.testing import ServiceHarness
from billhook_invoicing.wording import wording

pytestmark = pytest.mark.integration

Desk = Any


def paper(harness: ServiceHarness, invoice: dict[str, Any]) -> str:
    """The text on all pages, every blank a single one."""
    answer = harness.client().get(f"/invoices/{invoice['id']}/pdf")
    assert answer.status_code == 200, answer.text
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages).replace("\u200b", ""))


def line_of(charge: CustomerCharged, **fields: Any) -> CustomerCharged:
    return msgspec.structs.replace(charge, lines=[msgspec.structs.replace(charge.lines[0], **fields)])


def test_the_paper_says_what_the_api_says(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    customer = desk.a_customer_is_known("Vale Dental Clinic", tax_id="CZ7654321", company_number="7654321")
    invoice = desk.invoice(desk.charged(("1", "24.90", "21"), ("2", "1.505", "12"), customer_id=customer))
    text = paper(harness, invoice)
    for expected in [
        invoice["number"], "Brightvale Networks", "Harbour Road 1", "04211234", "CZ04211234", "Vale Dental Clinic",
        "Mill Lane 14", "471 05 Mirov", "CZ7654321", "24 Nov 2026", "1 Nov 2026", "8 Dec 2026",
        "1 Nov 2026 – 30 Nov 2026", "Fiber 1", "Fiber 2", "1.505", "27.91", "5.59", "€33.50",
        "CZ65 0800 0000 1920 0014 5399", "GIBACZPX", invoice["payment_reference"],
        *(line["net"] for line in invoice["lines"]), *(row["tax"] for row in invoice["taxes"]),
    ]:  # fmt: skip
        assert expected in text, expected


def test_the_file_is_named_after_the_number_and_shown_in_the_browser(harness: ServiceHarness, desk: Desk) -> None:
    series = harness.client().get("/series").json["items"][0]
    harness.client().patch(f"/series/{series['id']}", {"pattern": "R {year}/{next|3}"}, seen=1)
    invoice = desk.invoice(desk.charged())
    answer = harness.client().get(f"/invoices/{invoice['id']}/pdf")
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="R-2026-001.pdf"'
    assert answer.data.startswith(b"%PDF-")


def test_a_printed_invoice_is_the_same_bytes_whatever_happens_later(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    charge = desk.charged()
    path = f"/invoices/{desk.invoice(charge)['id']}/pdf"
    with ThreadPoolExecutor(4) as pool:
        prints = {answer.data for answer in pool.map(lambda _: harness.client().get(path), range(8))}
    harness.deliver(desk.item(charge, "0"), desk.company(2, name="Somebody else"))
    harness.deliver(desk.customer(1, "Somebody else", 2, customer_id=charge.customer_id))
    harness.clock.advance(dt.timedelta(days=400))
    prints.add(harness.client().get(path).data)
    assert len(prints) == 1
    assert desk.read("SELECT count(*) FROM document_pdf") == [(1,)]
    assert [item["what"] for item in desk.invoice(charge)["history"]][:2] == ["issued", "printed"]


def test_an_invoice_is_printed_late_as_it_was_issued(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    charge = desk.charged()
    harness.deliver(desk.item(charge, "0"), desk.company(2, name="Somebody else"))
    harness.deliver(desk.customer(1, "Somebody else", 2, customer_id=charge.customer_id))
    text = paper(harness, desk.invoice(charge))
    assert "Somebody else" not in text
    assert ("Brightvale Networks" in text, "Anna Nováková" in text, "How to pay" in text) == (True, True, True)


def test_an_invoice_that_was_paid_before_asks_for_nothing(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    paid, partly = desk.charge(desk.a_customer_is_known()), desk.charge(desk.a_customer_is_known())
    harness.deliver(desk.item(paid, "0"), desk.item(partly, "10.00"), paid, partly)
    text = paper(harness, desk.invoice(paid))
    assert "Paid, nothing to pay" in text
    assert "How to pay" not in text
    text = paper(harness, desk.invoice(partly))
    assert ("−20.13" in text, "€10.00" in text) == (True, True)


def test_an_invoice_issued_before_the_company_is_known_is_not_lost(harness: ServiceHarness, desk: Desk) -> None:
    invoice = desk.invoice(desk.charged())
    assert "company name not set" in paper(harness, invoice)
    assert desk.read("SELECT count(*) FROM document_pdf") == [(0,)]
    harness.deliver(desk.company(2), desk.company(3, name="Later"))
    for _ in range(2):
        assert "Brightvale Networks" in paper(harness, invoice)
    assert desk.read("SELECT count(*) FROM document_pdf") == [(1,)]


def test_who_pays_no_vat_shows_none(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company(vat_payer=False, tax_id="", iban="CZ00", bic=""))
    text = paper(harness, desk.invoice(desk.charged(("1", "18", "0"))))
    assert "The supplier is not registered for VAT." in text
    assert ("VAT summary" in text, "How to pay" in text) == (False, False)
    # Who charges tax in spite of that has it on paper: the document is what was charged.
    assert "VAT summary" in paper(harness, desk.invoice(desk.charged(("1", "18", "21"))))


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "15 of 30 days, discount −1.00"),
        ("cs", "15 z 30 dnů, sleva −1,00"),
        ("de", "15 von 30 Tagen, Rabatt −1,00"),
    ],
)
def test_a_line_says_why_it_is_not_the_price(harness: ServiceHarness, desk: Desk, language: str, reason: str) -> None:
    charge = desk.charge(desk.a_customer_is_known(language=language), ("1", "9", "21"))
    charge = line_of(charge, unit_price=Decimal(20), days=15, discount=Decimal("1.00"), rule="cycle_days")
    harness.deliver(charge)
    invoice = desk.invoice(charge)
    assert reason in paper(harness, invoice)
    assert (invoice["lines"][0]["discount"], invoice["lines"][0]["days"]) == ("1.00", 15)


def test_prices_with_and_without_tax_on_one_invoice_are_shown_without(harness: ServiceHarness, desk: Desk) -> None:
    customer = desk.a_customer_is_known()
    net, gross = (
        desk.charge(customer, ("1", "10", "21")),
        desk.charge(customer, ("1", "24.20", "21"), tax_included=True),
    )
    both = msgspec.structs.replace(
        net, lines=net.lines + gross.lines, tax_included=True, net=Decimal(30), tax=Decimal("6.30"),
        gross=Decimal("36.30"), taxes=[msgspec.structs.replace(net.taxes[0], net=Decimal(30), tax=Decimal("6.30"))],
    )  # fmt: skip
    harness.deliver(both)
    invoice = desk.invoice(both)
    assert [(line["tax_included"], line["unit_price"]) for line in invoice["lines"]] == [
        (False, "10.00"),
        (True, "24.20"),
    ]
    text = paper(harness, invoice)
    assert "24.20" not in text
    assert ("Unit price" in text, "20.00" in text, "€36.30" in text) == (True, True, True)


LINES = st.lists(
    st.tuples(
        st.integers(1, 30).map(str), st.decimals("0", "999", places=3).map(str), st.sampled_from(["0", "9.975", "21"])
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, tax_included=st.booleans(), language=st.sampled_from(["en", "cs", "de"]))
def test_lines_and_tax_are_the_total_on_paper(
    harness: ServiceHarness, desk: Desk, lines: list[tuple[str, str, str]], tax_included: bool, language: str
) -> None:
    customer = desk.a_customer_is_known(language=language)
    invoice = desk.invoice(desk.charged(*lines, tax_included=tax_included, customer_id=customer))
    text, words = paper(harness, invoice), wording(language)

    def printed(amount: str) -> str:
        return re.sub(r"\s+", " ", words.amount(Money.of(amount, "EUR")))

    shown = "gross" if tax_included else "net"
    for amount in [
        *(line[shown] for line in invoice["lines"]),
        *(row[name] for row in invoice["taxes"] for name in ("net", "tax")),
        *(invoice[f"{name}_total"]["amount"] for name in ("net", "tax", "gross")),
    ]:
        assert printed(amount) in text, (amount, text)
