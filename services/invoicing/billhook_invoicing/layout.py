"""A document as the template wants it: words and amounts written out, nothing left to compute.

The template gets this as JSON. No text of a document ever becomes part of the template's source.
"""

import io
import re
from typing import TypeAlias

import segno

from billhook_invoicing.domain.bank_account import BankAccount
from billhook_invoicing.domain.document import InvoiceDocument, Line, Party
from billhook_invoicing.domain.payment_code import payment_code
from billhook_invoicing.wording import Wording, wording

Json: TypeAlias = "str | int | list[Json] | dict[str, Json] | None"

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LONG_WORD = re.compile(r"\S{24}(?=\S)")
_NBSP = "\u00a0"


def layout(document: InvoiceDocument) -> dict[str, Json]:
    """Everything the template prints, in the document's language."""
    words = wording(document.language)
    abroad = document.seller.country != document.buyer.country
    return {
        "language": words.language,
        "words": dict(words.words),
        "accent": document.accent,
        "title": _title(document, words),
        "number": _clean(document.number),
        "issued_on": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
        "seller": _party(document.seller, words, with_country=abroad),
        "buyer": _party(document.buyer, words, with_country=abroad),
        "contact": [_clean(text) for text in _contact(document.seller) if text],
        "registration": _clean(document.seller.registration),
        "facts": _facts(document, words),
        "headline": _headline(document, words),
        "columns": _columns(document, words),
        "lines": [_line(document, line, words) for line in document.lines],
        "taxes": _taxes(document, words),
        "totals": _totals(document, words),
        "payment": _payment(document, document.account, words) if document.account else None,
        "notices": [_breakable(notice) for notice in _notices(document, words)],
        "note": _breakable(document.note),
    }


def _clean(text: str) -> str:
    """``text`` without control characters and marks that turn the direction of writing."""
    return _CONTROL.sub(" ", text).strip()


def _breakable(text: str) -> str:
    """The same for names and prose, where a word longer than its column may break; never for what is copied."""
    return _LONG_WORD.sub("\\g<0>\u200b", _clean(text))


def _title(document: InvoiceDocument, words: Wording) -> str:
    taxed_invoice = document.kind == "invoice" and document.tax_scheme == "taxed"
    return words.words["invoice_taxed" if taxed_invoice else document.kind]


def _party(party: Party, words: Wording, *, with_country: bool) -> Json:
    country = words.country(party.country) if with_country else ""
    address = [party.street, f"{party.zip} {party.city}", country]
    ids = [("company_number", party.company_number), ("tax_id", party.tax_id)]
    return {
        "name": _breakable(party.name),
        "address": [_breakable(line) for line in address if line.strip()],
        "ids": [[words.words[key], _clean(value)] for key, value in ids if value],
    }


def _contact(seller: Party) -> tuple[str, ...]:
    return seller.website, seller.email, seller.phone


def _facts(document: InvoiceDocument, words: Wording) -> Json:
    """Labels and dates of the strip below the addresses."""
    facts: list[Json] = [[words.words["issued"], words.date(document.issued_on)]]
    if document.tax_point_on and document.kind != "proforma":
        facts.append([words.words["tax_point"], words.date(document.tax_point_on)])
    if document.kind == "credit_note":
        facts.append([words.words["corrects"], _clean(document.corrects)])
    else:
        facts.append([words.words["due"], words.date(document.due_on)])
    return facts


def _headline(document: InvoiceDocument, words: Wording) -> Json:
    """The one figure that matters: what to pay, that nothing is to be paid, or what was credited."""
    if document.kind == "credit_note":
        return [words.words["to_credit"], words.money(abs(document.gross))]
    due = document.amount_due
    return [words.words["amount_due" if due.amount > 0 else "nothing_due"], words.money(due)]


def _columns(document: InvoiceDocument, words: Wording) -> Json:
    """Heads of the columns of figures; the first column is the description."""
    if document.tax_scheme == "non_payer":
        keys = ["quantity", "unit_price", "amount"]
    elif document.tax_included:
        keys = ["quantity", "unit_price_gross", "rate", "amount_gross"]
    else:
        keys = ["quantity", "unit_price", "rate", "net"]
    return [words.words[key] for key in keys]


def _line(document: InvoiceDocument, line: Line, words: Wording) -> Json:
    places = -int(document.net.amount.as_tuple().exponent)
    unit = f"{_NBSP}{_clean(line.unit)}" if line.unit else ""
    figures = [f"{words.number(line.quantity)}{unit}", words.number(line.unit_price, places)]
    if document.tax_scheme != "non_payer":
        figures.append("–" if line.tax_rate is None else f"{words.number(line.tax_rate)}{_NBSP}%")
    figures.append(words.amount(line.gross if document.tax_included else line.net))
    period = words.period(line.period_from, line.period_until) if line.period_from and line.period_until else ""
    below: list[Json] = [text for text in (period, _breakable(line.detail)) if text]
    return {"description": _breakable(line.description), "below": below, "figures": list(figures)}


def _taxes(document: InvoiceDocument, words: Wording) -> Json:
    if document.tax_scheme != "taxed":
        return []
    return [
        [
            f"{words.number(row.rate)}{_NBSP}%",
            words.amount(row.net),
            words.amount(row.tax),
            words.amount(row.net + row.tax),
        ]
        for row in document.taxes
    ]


def _totals(document: InvoiceDocument, words: Wording) -> Json:
    """Rows of the totals: label, amount, and how it is set (``plain`` or ``strong``)."""
    rows: list[Json] = []
    if document.tax_scheme == "taxed":
        rows.append([words.words["net_total"], words.amount(document.net), "plain"])
        rows.append([words.words["tax_total"], words.amount(document.tax), "plain"])
    rows.append([words.words["total"], words.money(document.gross), "strong"])
    if document.paid:
        rows.append([words.words["paid"], words.amount(-document.paid), "plain"])
        rows.append([words.words["amount_due"], words.money(document.amount_due), "strong"])
    return rows


def _payment(document: InvoiceDocument, account: BankAccount, words: Wording) -> Json:
    """How to pay what is due, with the code to scan where there is one; nothing when nothing is due."""
    due = document.amount_due
    if document.kind == "credit_note" or due.amount <= 0:
        return None
    iban = " ".join(account.iban[at : at + 4] for at in range(0, len(account.iban), 4))
    rows = [("iban", iban), ("bic", account.bic), ("reference", document.payment_reference)]
    rows += [("account_holder", account.holder), ("bank", account.bank)]
    code = payment_code(account, due.amount, due.currency, document.payment_reference or document.number)
    return {
        "rows": [[words.words[key], _clean(value)] for key, value in rows if value],
        "amount": [words.words["amount_due"], words.money(due)],
        "due": [words.words["due"], words.date(document.due_on)],
        "code": _drawn(code) if code else None,
    }


def _drawn(code: str) -> str:
    """The code as an SVG picture: error correction M as EPC069-12 wants, the quiet zone left to the template."""
    picture = io.BytesIO()
    segno.make_qr(code, error="m", boost_error=False, encoding="utf-8").save(
        picture, kind="svg", border=0, xmldecl=False
    )
    return picture.getvalue().decode()


def _notices(document: InvoiceDocument, words: Wording) -> list[str]:
    keys = []
    if document.kind == "proforma":
        keys.append("proforma_notice")
    if document.tax_scheme in ("reverse_charge", "non_payer"):
        keys.append(document.tax_scheme)
    elif document.tax_included:
        keys.append("prices_included")
    return [words.words[key] for key in keys]
