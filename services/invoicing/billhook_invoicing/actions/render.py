"""Print a document: once, from what was frozen when it was issued; the bytes are kept (I19)."""

from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.logs import get_logger
from billhook_common.money import Money
from billhook_invoicing.domain.bank_account import BankAccount, WrongBic, WrongIban
from billhook_invoicing.domain.document import InvoiceDocument, Line, Party, TaxRow, TaxScheme
from billhook_invoicing.models import Company, Document, DocumentLine, DocumentPdf
from billhook_invoicing.pdf import render_invoice
from billhook_invoicing.queries import company_of, lines_of, taxes_of
from billhook_invoicing.wording import Wording, wording

NAMELESS = "(company name not set)"
"""The seller on a document that is printed before anybody has entered the company; such a print is not kept."""

_SHOWN = Decimal("0.000001")

log = get_logger()


def pdf_of(session: Session, clock: Clock, document: Document) -> bytes:
    """The document as PDF/A: rendered the first time, the same bytes ever after."""
    kept = select(DocumentPdf.content).where(DocumentPdf.document_id == document.id)
    content = session.scalar(kept)
    if content is not None:
        return content
    company = company_of(session, document)
    rendered = render_invoice(as_printed(document, lines_of(session, document), company))
    if company is None:
        return rendered
    row = upsert(DocumentPdf).values(document_id=document.id, content=rendered, made_at=clock.now())
    session.execute(row.on_conflict_do_nothing())
    # What somebody else kept meanwhile is the document.
    return session.scalars(kept).one()


def as_printed(document: Document, lines: list[DocumentLine], company: Company | None) -> InvoiceDocument:
    """Everything on the paper. Raises SumsDisagree."""
    currency, words = document.currency, wording(document.language)
    seller = Party(**company.seller) if company else Party(NAMELESS)
    scheme: TaxScheme = "non_payer" if company and not company.vat_payer and not document.tax else "taxed"
    rows = taxes_of(lines) if scheme == "taxed" else []
    tax_included = all(line.tax_included for line in lines)
    return InvoiceDocument(
        kind="invoice",
        number=document.number,
        seller=seller,
        buyer=Party(**document.buyer),
        issued_on=document.issued_on,
        due_on=document.due_on,
        tax_point_on=document.tax_point_on,
        lines=tuple(_line(line, document, words, tax_included=tax_included) for line in lines),
        taxes=tuple(
            TaxRow(row.rate, Money.from_minor(row.net, currency), Money.from_minor(row.tax, currency)) for row in rows
        ),
        net=Money.from_minor(document.net, currency),
        tax=Money.from_minor(document.tax, currency),
        paid=Money.from_minor(document.paid, currency),
        language=document.language,
        tax_included=tax_included,
        tax_scheme=scheme,
        account=_account(company) if company else None,
        payment_reference=document.payment_reference,
    )


def _line(line: DocumentLine, document: Document, words: Wording, *, tax_included: bool) -> Line:
    return Line(
        description=line.text,
        quantity=line.quantity,
        unit_price=_unit_price(line, tax_included=tax_included),
        net=Money.from_minor(line.net, document.currency),
        tax=Money.from_minor(line.tax, document.currency),
        tax_rate=line.tax_rate,
        period_from=line.period_from,
        period_until=line.period_until,
        detail=_detail(line, document.currency, words),
    )


def _detail(line: DocumentLine, currency: str, words: Wording) -> str:
    """Why the amount is not quantity times price, in the document's language (R18)."""
    reasons = []
    if line.days != line.period_days:
        reasons.append(words.words["days_of"].format(days=line.days, period_days=line.period_days))
    if line.discount:
        off = words.amount(-Money.from_minor(line.discount, currency))
        reasons.append(f"{words.words['discount']} {off}")
    return ", ".join(reasons)


def _unit_price(line: DocumentLine, *, tax_included: bool) -> Decimal:
    """The price as the document shows prices: on one that mixes both kinds, those with tax are shown without."""
    if tax_included or not line.tax_included:
        return line.unit_price
    return (line.unit_price * 100 / (100 + line.tax_rate)).quantize(_SHOWN, ROUND_HALF_UP)


def _account(company: Company) -> BankAccount | None:
    """Where to pay; a document never names an account that cannot be."""
    if not company.iban:
        return None
    try:
        return BankAccount(str(company.seller["name"]), company.iban, company.bic)
    except (WrongIban, WrongBic) as error:
        log.warning("company_account_wrong", version=company.version, error=type(error).__name__)
        return None
