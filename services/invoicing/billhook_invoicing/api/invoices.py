"""Invoices: list, read, print."""

import datetime as dt
import re
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import ColumnElement, select

from billhook_common.api import (
    AnyRow,
    Blueprint,
    DecimalString,
    MoneyField,
    PageSchema,
    PeriodSchema,
    ctx,
    decimal_text,
    json_response,
    page_of,
)
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_common.money import Money
from billhook_common.money import decimal_text as minor_text
from billhook_invoicing.actions.render import pdf_of
from billhook_invoicing.domain.state import is_overdue, state_of
from billhook_invoicing.models import Company, Document, DocumentLine, DocumentPdf, OpenItem
from billhook_invoicing.queries import (
    SORTING,
    STATES,
    Figures,
    Filter,
    company_of,
    figures,
    filter_of,
    lines_of,
    listed_invoices,
    own_invoices,
    sort_keys,
    taxes_of,
    total_of,
)

blueprint = Blueprint("invoices", __name__, url_prefix="/invoices", description="Issued invoices")

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class InvoiceCustomerSchema(Schema):
    """Whose invoice it is, under today's name."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class InvoiceSchema(Schema):
    """An invoice in a list; it is overdue when something is open after ``due_on``."""

    id = fields.UUID()
    number = fields.String()
    customer = fields.Nested(InvoiceCustomerSchema)
    issued_on = fields.Date()
    tax_point_on = fields.Date()
    due_on = fields.Date()
    period = fields.Nested(PeriodSchema)
    net_total = MoneyField()
    tax_total = MoneyField()
    gross_total = MoneyField()
    open_amount = MoneyField()
    state = fields.String(validate=validate.OneOf(("unpaid", "partially_paid", "paid")))
    overdue = fields.Boolean()
    payment_reference = fields.String()


class CountedSchema(Schema):
    """How many invoices, and their sums."""

    count = fields.Integer()
    gross = MoneyField()
    open = MoneyField()


class TotalsSchema(CountedSchema):
    """The sums of the filter, in all and by state, of the currency asked for or the home currency (I9)."""

    by_state = fields.Dict(keys=fields.String(), values=fields.Nested(CountedSchema))


class InvoicePageSchema(PageSchema):
    """A page of invoices; ``totals`` when they were asked for."""

    items = fields.List(fields.Nested(InvoiceSchema))
    totals = fields.Nested(TotalsSchema)


class InvoiceLineSchema(Schema):
    """A line and why it costs what it costs (R18): ``days`` of ``period_days`` by ``rule``, less ``discount``."""

    text = fields.String()
    subscription_id = fields.UUID()
    period = fields.Nested(PeriodSchema)
    days = fields.Integer()
    period_days = fields.Integer()
    rule = fields.String()
    quantity = DecimalString()
    unit_price = DecimalString()
    tax_included = fields.Boolean(metadata={"description": "Whether unit price and discount include tax."})
    discount = DecimalString()
    tax_rate = DecimalString()
    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()


class InvoiceTaxSchema(Schema):
    """The tax of one rate, in percent."""

    rate = DecimalString()
    net = DecimalString()
    tax = DecimalString()


class PartySchema(Schema):
    """Seller or buyer as the document names them."""

    name = fields.String()
    street = fields.String()
    zip = fields.String()
    city = fields.String()
    country = fields.String()
    company_number = fields.String()
    tax_id = fields.String()
    email = fields.String()
    phone = fields.String()
    website = fields.String()
    registration = fields.String()


class HappenedSchema(Schema):
    """Something that happened to an invoice; ``open`` is what was open then."""

    at = fields.AwareDateTime()
    what = fields.String(validate=validate.OneOf(("issued", "printed", "settled")))
    open = MoneyField(allow_none=True)


class OneInvoiceSchema(InvoiceSchema):
    """An invoice with all that is printed on it, frozen when it was issued (I19)."""

    charge_id = fields.UUID()
    transaction_id = fields.UUID()
    run_id = fields.UUID(allow_none=True)
    bill_date = fields.Date()
    tax_included = fields.Boolean()
    tax_rounding = fields.String()
    language = fields.String()
    seller = fields.Nested(PartySchema, allow_none=True)
    buyer = fields.Nested(PartySchema)
    lines = fields.List(fields.Nested(InvoiceLineSchema))
    taxes = fields.List(fields.Nested(InvoiceTaxSchema))
    history = fields.List(fields.Nested(HappenedSchema))


class MonthField(fields.Field[dt.date]):
    """A month such as ``2026-11``; its first day."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.date:
        if not isinstance(value, str) or not _MONTH.fullmatch(value) or not "1000" < value < "9999-12":
            raise ValidationError("Send a month such as 2026-11.")
        return dt.date(int(value[:4]), int(value[5:]), 1)


class InvoiceFilterSchema(ListQuery):
    """Which invoices to list; days are days of issue."""

    customer_id = fields.UUID()
    run_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    overdue = fields.Boolean()
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    month = MonthField()
    currency = fields.String(validate=validate.Length(equal=3))
    q = PlainText(200, metadata={"description": "The beginning of the number, its counter, or words of the name."})
    sort = SORTING.field()
    totals = fields.Boolean(load_default=False)


@blueprint.route("", methods=["GET"])
@requires("invoicing:read", own=True)
@blueprint.arguments(InvoiceFilterSchema, location="query")
@blueprint.response(200, InvoicePageSchema)
def list_invoices(wanted: dict[str, Any]) -> Response:
    """Newest first, or in the order of ``sort``. ``totals=true`` adds the sums of the filter."""
    found = filter_of(ctx.session, wanted, ctx.clock.today(), ctx.identity.customer_id)
    totals = _totals(found, wanted.get("currency", ctx.config.currency)) if wanted["totals"] else None
    statement = listed_invoices().where(*found.conditions)
    return page_of(ctx.session, statement, sort_keys(wanted["sort"], found), _item, totals)


@blueprint.route("/<uuid:invoice_id>", methods=["GET"])
@requires("invoicing:read", own=True)
@blueprint.response(200, OneInvoiceSchema)
def get_invoice(invoice_id: UUID) -> Response:
    """One invoice with its lines, taxes, seller, buyer and history."""
    row = ctx.session.execute(
        listed_invoices().add_columns(OpenItem.version, OpenItem.changed_at).where(Document.id == invoice_id, *_own())
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such invoice.")
    document: Document = row.Document
    lines = lines_of(ctx.session, document)
    return json_response({**_item(row), **_frozen(document, lines), "history": _history(row)})


@blueprint.route("/<uuid:invoice_id>/pdf", methods=["GET"])
@requires("invoicing:read", own=True)
@blueprint.response(200, content_type="application/pdf")
def get_pdf(invoice_id: UUID) -> Response:
    """The invoice as PDF/A: the same bytes every time."""
    document = ctx.session.scalar(select(Document).where(Document.id == invoice_id, *_own()))
    if document is None:
        raise NotFound("There is no such invoice.")
    response = Response(pdf_of(ctx.session, ctx.clock, document), mimetype="application/pdf")
    name = _NOT_IN_FILE_NAMES.sub("-", document.number)
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def _own() -> list[ColumnElement[bool]]:
    return own_invoices(ctx.identity.customer_id)


def _totals(wanted: Filter, currency: str) -> dict[str, Any]:
    by_state = figures(ctx.session, wanted, currency)
    states = {name: _counted(found, currency) for name, found in by_state.items()}
    return {**_counted(total_of(by_state), currency), "by_state": states}


def _counted(found: Figures, currency: str) -> dict[str, Any]:
    return {
        "count": found.invoices,
        "gross": Money.from_minor(found.gross, currency),
        "open": Money.from_minor(found.open, currency),
    }


def _item(row: AnyRow) -> dict[str, Any]:
    document: Document = row.Document
    currency = document.currency
    return {
        "id": document.id,
        "number": document.number,
        "customer": {"id": document.customer_id, "number": row.number, "name": row.name},
        "issued_on": document.issued_on,
        "tax_point_on": document.tax_point_on,
        "due_on": document.due_on,
        "period": {"from": document.period_from, "until": document.period_until},
        "net_total": Money.from_minor(document.net, currency),
        "tax_total": Money.from_minor(document.tax, currency),
        "gross_total": Money.from_minor(document.gross, currency),
        "open_amount": Money.from_minor(row.open, currency),
        "state": state_of(row.total, row.open),
        "overdue": is_overdue(row.open, document.due_on, ctx.clock.today()),
        "payment_reference": document.payment_reference,
    }


def _frozen(document: Document, lines: list[DocumentLine]) -> dict[str, Any]:
    currency = document.currency
    company: Company | None = company_of(ctx.session, document)
    return {
        "charge_id": document.charge_id,
        "transaction_id": document.transaction_id,
        "run_id": document.run_id,
        "bill_date": document.bill_date,
        "tax_included": document.tax_included,
        "tax_rounding": document.tax_rounding,
        "language": document.language,
        "seller": company.seller if company else None,
        "buyer": document.buyer,
        "lines": [_line(line, currency) for line in lines],
        "taxes": [
            {
                "rate": decimal_text(row.rate, 0),
                "net": minor_text(row.net, currency),
                "tax": minor_text(row.tax, currency),
            }
            for row in taxes_of(lines)
        ],
    }


def _line(line: DocumentLine, currency: str) -> dict[str, Any]:
    return {
        "text": line.text,
        "subscription_id": line.subscription_id,
        "period": {"from": line.period_from, "until": line.period_until},
        "days": line.days,
        "period_days": line.period_days,
        "rule": line.rule,
        "quantity": decimal_text(line.quantity, 0),
        "unit_price": decimal_text(line.unit_price),
        "tax_included": line.tax_included,
        "discount": minor_text(line.discount, currency),
        "tax_rate": decimal_text(line.tax_rate, 0),
        "net": minor_text(line.net, currency),
        "tax": minor_text(line.tax, currency),
        "gross": minor_text(line.net + line.tax, currency),
    }


def _history(row: AnyRow) -> list[dict[str, Any]]:
    """What happened, oldest first: issued, printed, and the last time that something was paid or opened again."""
    document: Document = row.Document
    currency = document.currency
    unpaid_then = Money.from_minor(document.gross - document.paid, currency)
    happened = [{"at": document.created_at, "what": "issued", "open": unpaid_then}]
    made_at = ctx.session.scalar(select(DocumentPdf.made_at).where(DocumentPdf.document_id == document.id))
    if made_at is not None:
        happened.append({"at": made_at, "what": "printed", "open": None})
    if row.changed_at > document.created_at:
        happened.append({"at": row.changed_at, "what": "settled", "open": Money.from_minor(row.open, currency)})
    return sorted(happened, key=lambda item: item["at"])
