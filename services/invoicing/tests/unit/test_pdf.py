"""Printed documents: every figure is on the paper, texts stay texts, and many lines take many pages."""

import dataclasses
import datetime as dt
import io
import re
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typst
from pypdf import PdfReader

from billhook_common.money import Money
from billhook_common.tax import DocumentLine, document_totals
from billhook_invoicing import pdf
from billhook_invoicing.domain.bank_account import BankAccount
from billhook_invoicing.domain.document import InvoiceDocument, Line, Party, SumsDisagree, TaxRow
from billhook_invoicing.layout import layout
from billhook_invoicing.pdf import render_invoice
from billhook_invoicing.wording import _LANGUAGES, wording

pytestmark = pytest.mark.unit

NOVEMBER = {"period_from": dt.date(2026, 11, 1), "period_until": dt.date(2026, 12, 1)}
SELLER = Party(
    "Brightvale Networks s.r.o.",
    "Nádražní 12",
    "602 00",
    "Brno",
    "CZ",
    company_number="12345678",
    tax_id="CZ12345678",
    email="billing@brightvale.example",
    phone="+420 555 010 203",
    registration="Regional Court in Brno, C 98765",
)
BUYER = Party("Žižka & synové", "Łąkowa 5/2", "58-500", "Jelenia Góra", "PL", tax_id="PL1234567890")
ACCOUNT = BankAccount("Brightvale Networks s.r.o.", "CZ65 0800 0000 1920 0014 5399", "GIBACZPX", "Česká spořitelna")


def a_line(
    description: str = "Fiber 300", quantity: str = "1", price: str = "24.90", rate: str | None = "21", **more: Any
) -> dict[str, Any]:
    return {
        "description": description,
        "quantity": Decimal(quantity),
        "unit_price": Decimal(price),
        "tax_rate": rate and Decimal(rate),
        **more,
    }


def an_invoice(
    *lines: dict[str, Any], currency: str = "EUR", tax_included: bool = False, **more: Any
) -> InvoiceDocument:
    """An invoice with the sums that ``billhook_common.tax`` gives for its lines."""
    wanted = lines or (a_line(**NOVEMBER),)
    totals = document_totals(
        [
            DocumentLine(line["quantity"], line["unit_price"], (line["tax_rate"],) if line["tax_rate"] else ())
            for line in wanted
        ],
        currency=currency,
        tax_included=tax_included,
    )
    fields: dict[str, Any] = {
        "kind": "invoice",
        "number": "202601000123",
        "seller": SELLER,
        "buyer": BUYER,
        "issued_on": dt.date(2026, 11, 1),
        "due_on": dt.date(2026, 11, 15),
        "tax_point_on": dt.date(2026, 11, 2),
        "lines": tuple(Line(net=t.net, tax=t.tax, **line) for line, t in zip(wanted, totals.lines, strict=True)),
        "taxes": tuple(TaxRow(row.rate, row.net, row.tax) for row in totals.taxes),
        "net": totals.net,
        "tax": totals.tax,
        "paid": Money.zero(currency),
        "tax_included": tax_included,
        "account": ACCOUNT,
        "payment_reference": "1000012300",
    }
    return InvoiceDocument(**{**fields, **more})


def pages(document: InvoiceDocument) -> list[str]:
    """The text of each page, blanks and non-breaking blanks as single blanks."""
    reader = PdfReader(io.BytesIO(render_invoice(document)))
    return [re.sub(r"\s+", " ", page.extract_text().replace("\u200b", "")) for page in reader.pages]


def printed(document: InvoiceDocument) -> str:
    return " ".join(pages(document))


def test_names_dates_figures_and_how_to_pay_are_on_the_paper() -> None:
    text = printed(
        an_invoice(a_line(**NOVEMBER), a_line("Static IPv4", "2", "1.505", "21"), a_line("Kniha", "1", "10", "12"))
    )
    for expected in [
        "Invoice", "202601000123", "Brightvale Networks s.r.o.", "Nádražní 12", "602 00 Brno", "Czechia",
        "Žižka & synové", "Łąkowa 5/2", "58-500 Jelenia Góra", "Poland", "VAT no. PL1234567890",
        "1 Nov 2026", "2 Nov 2026", "15 Nov 2026", "1 Nov 2026 – 30 Nov 2026",
        "Fiber 300", "24.90", "Static IPv4", "1.505", "3.01", "21 %", "12 %",
        "27.91", "5.86", "33.77", "10.00", "1.20", "11.20", "37.91", "7.06", "€44.97",
        "CZ65 0800 0000 1920 0014 5399", "GIBACZPX", "1000012300", "Česká spořitelna", "1 / 1",
        "billing@brightvale.example", "Regional Court in Brno, C 98765",
    ]:  # fmt: skip
        assert expected in text, expected


def test_the_file_is_pdf_a_with_its_title_and_language() -> None:
    data = render_invoice(an_invoice(language="cs"))
    reader = PdfReader(io.BytesIO(data))
    assert reader.metadata is not None
    assert (reader.metadata.title, reader.metadata.author) == ("Faktura – daňový doklad 202601000123", SELLER.name)
    xmp = reader.xmp_metadata
    assert xmp is not None
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in data
    assert reader.root_object["/Lang"] == "cs"


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render_invoice(an_invoice()) == render_invoice(an_invoice())


def test_sixty_lines_take_four_pages_with_the_head_of_the_table_on_each() -> None:
    found = pages(an_invoice(*[a_line(f"Line {number}", **NOVEMBER) for number in range(60)]))
    assert len(found) == 4
    for number, page in enumerate(found, 1):
        assert f"{number} / 4" in page
        assert "Description" in page
        assert ("Invoice 202601000123" in page) or number == 1
    assert all(f"Line {number} " in " ".join(found) for number in range(60))
    assert "How to pay" in found[-1]


def test_prices_with_tax_are_shown_with_tax() -> None:
    document = an_invoice(a_line(price="499"), a_line(price="49"), language="cs", currency="CZK", tax_included=True)
    text = printed(document)
    for expected in ["499,00", "49,00", "452,89", "95,11", "548,00 Kč", "Cena s DPH", "Ceny jsou uvedeny včetně DPH."]:
        assert expected in text, expected


def test_a_reverse_charge_says_who_owes_the_tax() -> None:
    text = printed(an_invoice(a_line(price="149", rate=None), tax_scheme="reverse_charge", language="de"))
    assert "Steuerschuldnerschaft des Leistungsempfängers" in text
    assert "149,00 €" in text
    assert "Umsatzsteuer" not in text


def test_a_seller_who_pays_no_vat_shows_no_tax_columns() -> None:
    text = printed(
        an_invoice(a_line(price="18", rate=None), tax_scheme="non_payer", seller=dataclasses.replace(SELLER, tax_id=""))
    )
    assert "The supplier is not registered for VAT." in text
    assert "VAT summary" not in text
    assert "%" not in text


def test_what_was_paid_is_taken_off_and_a_paid_document_asks_for_nothing() -> None:
    partly = printed(an_invoice(paid=Money.of("10", "EUR")))
    assert "−10.00" in partly
    assert "€20.13" in partly
    paid = printed(an_invoice(paid=Money.of("30.13", "EUR")))
    assert "Paid, nothing to pay" in paid
    assert "How to pay" not in paid


def test_a_credit_note_names_what_it_corrects_and_asks_for_nothing() -> None:
    line = a_line("Fiber 300, unused part", "-1", "12.45", detail="15 of 30 days × 24.90")
    text = printed(an_invoice(line, kind="credit_note", number="CN-1", corrects="202601000123"))
    for expected in ["Credit note", "CN-1", "Corrects invoice", "202601000123", "15 of 30 days × 24.90", "−€15.06"]:
        assert expected in text, expected
    assert "How to pay" not in text
    assert "15 Nov 2026" not in text


def test_a_proforma_says_that_it_is_no_tax_document() -> None:
    text = printed(an_invoice(a_line(quantity="12", unit="months"), kind="proforma"))
    assert "not a tax document" in text
    assert "12 months" in text
    assert "Date of supply" not in text


def test_there_is_no_code_to_scan_without_an_account_or_for_other_currencies() -> None:
    assert "Scan to pay" in printed(an_invoice())
    assert "Scan to pay" not in printed(an_invoice(currency="USD"))
    assert "How to pay" not in printed(an_invoice(account=None))


def test_the_code_to_scan_is_a_picture_of_black_modules_only() -> None:
    payment = layout(an_invoice())["payment"]
    assert isinstance(payment, dict)
    assert str(payment["code"]).startswith("<svg ")
    assert 'stroke="#000"' in str(payment["code"])


INJECTIONS = [
    '#panic("x")',
    "$x^2$ *bold* _it_ `raw`",
    "#[content] @label <label>",
    "] } ) #}",
    '#read("/etc/passwd")',
    '#include "invoice.typ"',
    "// comment /* open",
    "\\u{41} \\ -- --- ... ~",
    "= Heading",
    "https://example.com/<script>",
    "\"quotes\" 'single'",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_texts_of_a_document_are_never_code(text: str) -> None:
    document = an_invoice(
        a_line(text, detail=text),
        buyer=dataclasses.replace(BUYER, name=text, street=text),
        note=text,
        payment_reference=text,
    )
    found = printed(document)
    assert found.count(re.sub(r"\s+", " ", text)) >= 5


def test_the_template_can_read_nothing_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    for path in (str(outside), "../pdf.py", "/etc/passwd"):
        with pytest.raises(typst.TypstError):
            pdf.new_compiler().compile(input=f'#read("{path}")'.encode())


@pytest.mark.parametrize(
    "name",
    ["日本 株式会社", "Happy 😀 GmbH", "nul\x00 bell\x07", "\u202egnirts", "Ελληνικά Кириллица", "ﷺ"],
)
def test_letters_that_the_fonts_lack_do_not_stop_an_invoice(name: str) -> None:
    text = printed(an_invoice(buyer=dataclasses.replace(BUYER, name=name)))
    assert "58-500 Jelenia Góra" in text


def test_letters_of_european_languages_are_all_there() -> None:
    letters = (
        "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ áčďéěíňóřšťúůýž ĽĹŔľĺŕ "
        "ĄĆĘŁŃÓŚŹŻ ąćęłńóśźż ÄÖÜẞäöüß ŐŰőű ÀÂÆÇÈÊËÎÏÔŒÙÛŸ ñ¿¡ åæøðþ șțăâî ģķļņ ėųū €£ „“”’–"
    )
    text = printed(an_invoice(note=letters))
    assert all(letter in text for letter in letters)
    assert "\ufffd" not in text


def test_documents_are_rendered_from_many_threads() -> None:
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(render_invoice(an_invoice()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_very_long_words_and_numbers_still_make_a_document() -> None:
    document = an_invoice(
        a_line("W" * 300, "123456.789", "999999.123456", detail="x" * 500),
        buyer=dataclasses.replace(BUYER, name="Donaudampfschifffahrts" * 8),
        number="9" * 40,
        note="lorem ipsum " * 500,
    )
    assert "W" * 300 in printed(document).replace(" ", "")


def test_sums_that_disagree_are_never_printed() -> None:
    good = an_invoice()
    with pytest.raises(SumsDisagree):
        dataclasses.replace(good, net=good.net + Money.of("0.01", "EUR"))
    with pytest.raises(SumsDisagree):
        dataclasses.replace(good, tax=good.tax + Money.of("0.01", "EUR"))
    with pytest.raises(SumsDisagree):
        dataclasses.replace(good, taxes=())
    with pytest.raises(SumsDisagree):
        dataclasses.replace(good, tax_scheme="non_payer")


def test_every_language_has_every_word() -> None:
    english = set(wording("en").words)
    for language in _LANGUAGES.values():
        assert set(language.words) == english
        assert all(language.words.values())
    assert wording("de-AT").language == "de"
    assert wording("xx").language == "en"


@pytest.mark.parametrize(
    ("language", "amount", "currency", "expected"),
    [
        ("en", "1234.5", "EUR", "€1,234.50"),
        ("en", "-0.4", "EUR", "−€0.40"),
        ("en", "1234567", "CZK", "1,234,567.00\u00a0Kč"),
        ("en", "1500", "JPY", "1,500\u00a0JPY"),
        ("de", "1234.5", "EUR", "1.234,50\u00a0€"),
        ("cs", "-1234.5", "CZK", "−1\u00a0234,50\u00a0Kč"),
        ("cs", "0", "KWD", "0,000\u00a0KWD"),
    ],
)
def test_money_is_written_as_the_language_writes_it(language: str, amount: str, currency: str, expected: str) -> None:
    assert wording(language).money(Money.of(amount, currency)) == expected


def test_quantities_and_prices_keep_the_decimals_they_have() -> None:
    english = wording("en")
    assert [english.number(Decimal(value)) for value in ("1", "2.50", "0.123456", "1000", "1E+3")] == [
        "1",
        "2.5",
        "0.123456",
        "1,000",
        "1,000",
    ]
    assert english.number(Decimal("24.9"), 2) == "24.90"
    assert english.number(Decimal("0.123456"), 2) == "0.123456"
