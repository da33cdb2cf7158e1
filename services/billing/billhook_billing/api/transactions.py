"""Ledger transactions: list with totals, read with the reason of the amount, post by hand, take back."""

from typing import Any, get_args
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import and_, case, func, select

from billhook_billing.actions.correct import ManualKind, ManualTransaction, post_manual, reverse_transaction
from billhook_billing.domain.ledger import Account as Ledger
from billhook_billing.domain.ledger import Kind
from billhook_billing.models import Account, ChargedLine, Credit, LedgerEntry, LedgerTransaction, OpenItem
from billhook_common.api import AnyRow, Blueprint, DecimalString, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.contracts.billing import Side
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery, Sorting
from billhook_common.money import Money, decimal_text

blueprint = Blueprint("transactions", __name__, url_prefix="/transactions", description="Postings of the ledger")

KINDS = [kind.value for kind in Kind]
SIDES = get_args(Side)


_SORTING = Sorting(
    "-seq",
    seq=(LedgerTransaction.seq,),
    posted_on=(LedgerTransaction.posted_on, LedgerTransaction.seq),
)


class CustomerSchema(Schema):
    """Whose transaction it is."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class PostedPeriodSchema(Schema):
    """The half-open days that were charged (R2)."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()


class TransactionSchema(Schema):
    """A transaction. ``amount`` is above 0 and ``side`` says which way; ``change`` is signed: credit above 0."""

    id = fields.UUID()
    seq = fields.Integer(metadata={"description": "Rises with each posting; gaps mean nothing."})
    posted_on = fields.Date()
    effective_on = fields.Date()
    kind = fields.String(validate=validate.OneOf(KINDS))
    side = fields.String(validate=validate.OneOf(SIDES))
    amount = MoneyField()
    change = MoneyField(metadata={"description": "What it adds to the customer's balance."})
    balance_after = MoneyField(allow_none=True)
    customer = fields.Nested(CustomerSchema, allow_none=True)
    description = fields.String()
    period = fields.Nested(PostedPeriodSchema, allow_none=True)
    document_id = fields.UUID(allow_none=True)
    document_number = fields.String(allow_none=True)
    run_id = fields.UUID(allow_none=True)
    source = fields.String()
    source_key = fields.String(allow_none=True, metadata={"description": "The client's Idempotency-Key."})
    reverses = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    actor = fields.String()
    correlation_id = fields.String(allow_none=True, metadata={"description": "The request that it comes from."})


class PostedEntrySchema(Schema):
    """One leg of a transaction: credit above 0, debit below."""

    id = fields.Integer()
    account = fields.String(validate=validate.OneOf([account.value for account in Ledger]))
    customer_id = fields.UUID(allow_none=True)
    amount = MoneyField()
    tax_rate = DecimalString(allow_none=True)
    balance_after = MoneyField(allow_none=True)


class ChargedLineSchema(Schema):
    """Why an amount was charged (R18)."""

    subscription_id = fields.UUID()
    text = fields.String()
    period = fields.Nested(PostedPeriodSchema)
    days = fields.Integer()
    period_days = fields.Integer()
    rule = fields.String()
    quantity = DecimalString()
    unit_price = DecimalString()
    tax_rate = DecimalString()
    tax_included = fields.Boolean()
    discount = MoneyField()
    net = MoneyField()
    tax = MoneyField()


class OneTransactionSchema(TransactionSchema):
    """A transaction with its legs and, for a charge, its lines."""

    entries = fields.List(fields.Nested(PostedEntrySchema))
    lines = fields.List(fields.Nested(ChargedLineSchema))


class SideTotalSchema(Schema):
    """The total of one side."""

    count = fields.Integer()
    sum = DecimalString()


class SidesSchema(Schema):
    """The totals of one currency."""

    debit = fields.Nested(SideTotalSchema)
    credit = fields.Nested(SideTotalSchema)


class TransactionPageSchema(PageSchema):
    """A page of transactions; ``totals`` by currency when they were asked for."""

    items = fields.List(fields.Nested(TransactionSchema))
    totals = fields.Dict(keys=fields.String(), values=fields.Nested(SidesSchema))


class TransactionFilterSchema(ListQuery):
    """Which transactions to list; ``from`` and ``until`` are posting days, half-open."""

    customer_id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(KINDS))
    source_key = fields.String(validate=validate.Length(1, 255))
    correlation_id = fields.String(validate=validate.Length(1, 64))
    run_id = fields.UUID()
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    sort = _SORTING.field()
    totals = fields.Boolean(load_default=False)


class NewTransactionSchema(Schema):
    """A correction outside tax, or an opening balance (R27)."""

    customer_id = fields.UUID(required=True)
    kind = fields.String(load_default="correction", validate=validate.OneOf(get_args(ManualKind)))
    side = fields.String(required=True, validate=validate.OneOf(SIDES))
    amount = MoneyField(required=True, metadata={"description": "Above 0; ``side`` says which way."})
    description = PlainText(500, least=1, required=True)
    on = fields.Date(load_default=None, allow_none=True, data_key="date")
    due_on = fields.Date(load_default=None, allow_none=True)


class ReversalSchema(Schema):
    """Why a transaction is taken back."""

    reason = PlainText(500, load_default="")


_T = LedgerTransaction
# Money of nobody known has its leg in suspense.
_LEG = case((_T.customer_id.is_(None), Ledger.SUSPENSE.value), else_=Ledger.CUSTOMERS.value)
_COLUMNS = (
    _T.id, _T.seq, _T.kind, _T.customer_id, _T.currency, _T.amount, _T.posted_on, _T.effective_on, _T.description,
    _T.period_from, _T.period_until, _T.run_id, _T.source, _T.source_key, _T.reverses_id, _T.created_at, _T.actor,
    _T.correlation_id,
    Account.number.label("customer_number"), Account.name.label("customer_name"),
    LedgerEntry.amount.label("leg"), LedgerEntry.balance_after,
    func.coalesce(OpenItem.document_id, Credit.document_id).label("document_id"),
    func.coalesce(OpenItem.document_number, Credit.document_number).label("document_number"),
)  # fmt: skip


def _listed() -> AnySelect:
    return (
        select(*_COLUMNS)
        .outerjoin(LedgerEntry, and_(LedgerEntry.transaction_id == _T.id, LedgerEntry.account == _LEG))
        .outerjoin(Account, Account.customer_id == _T.customer_id)
        .outerjoin(OpenItem, OpenItem.transaction_id == _T.id)
        .outerjoin(Credit, Credit.transaction_id == _T.id)
    )


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(TransactionFilterSchema, location="query")
@blueprint.response(200, TransactionPageSchema)
def list_transactions(wanted: dict[str, Any]) -> Response:
    """Newest first, or as ``sort`` says. ``totals=true`` adds count and sum of both sides over the filter (L4)."""
    totals = _totals(wanted) if wanted["totals"] else None
    days_only = "customer_id" not in wanted and ("from_" in wanted or "until" in wanted)
    # Newest first within days is the order of an index, in which other days need not be passed.
    sort = "-posted_on" if days_only and wanted["sort"] == _SORTING.default else wanted["sort"]
    keys = _SORTING.keys(sort)
    return page_of(ctx.session, _filtered(_listed(), wanted), keys, _item, totals)


@blueprint.route("", methods=["POST"])
@requires("billing:write", key=True)
@blueprint.arguments(NewTransactionSchema)
@blueprint.response(201, OneTransactionSchema)
def post_transaction(body: dict[str, Any]) -> Response:
    """Correct a balance outside tax, or bring an opening balance. What is on an invoice is corrected there."""
    return _one(post_manual(ctx.session, ctx.clock, ManualTransaction(**body)), 201)


@blueprint.route("/<uuid:transaction_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, OneTransactionSchema)
def get_transaction(transaction_id: UUID) -> Response:
    """One transaction with its entries and, for a charge, the lines that explain its amount (R18)."""
    return _one(transaction_id)


@blueprint.route("/<uuid:transaction_id>/reverse", methods=["POST"])
@requires("billing:write", key=True)
@blueprint.arguments(ReversalSchema)
@blueprint.response(201, OneTransactionSchema)
def reverse(body: dict[str, Any], transaction_id: UUID) -> Response:
    """Take back a transaction that no document shows, once; what an invoice shows takes a credit note."""
    return _one(reverse_transaction(ctx.session, ctx.clock, transaction_id, reason=body["reason"]), 201)


def _filtered(statement: AnySelect, wanted: dict[str, Any]) -> AnySelect:
    for name in ("customer_id", "kind", "source_key", "correlation_id", "run_id"):
        if name in wanted:
            statement = statement.where(getattr(_T, name) == wanted[name])
    if "from_" in wanted:
        statement = statement.where(_T.posted_on >= wanted["from_"])
    if "until" in wanted:
        statement = statement.where(_T.posted_on < wanted["until"])
    return statement


def _totals(wanted: dict[str, Any]) -> dict[str, Any]:
    side = case((_T.amount > 0, "credit"), else_="debit")
    statement = select(
        _T.currency, side.label("side"), func.count().label("number"), func.sum(func.abs(_T.amount)).label("total")
    )
    # What waits in suspense has moved no customer's balance.
    statement = _filtered(statement.where(_T.customer_id.is_not(None)), wanted)
    totals: dict[str, Any] = {}
    for row in ctx.session.execute(statement.group_by(_T.currency, side).order_by(_T.currency)):
        nothing = {name: {"count": 0, "sum": decimal_text(0, row.currency)} for name in SIDES}
        sides = totals.setdefault(row.currency, nothing)
        sides[row.side] = {"count": row.number, "sum": decimal_text(int(row.total), row.currency)}
    return totals


def _one(transaction_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_listed().where(_T.id == transaction_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such transaction.")
    entries = ctx.session.scalars(
        select(LedgerEntry).where(LedgerEntry.transaction_id == transaction_id).order_by(LedgerEntry.id)
    )
    lines = ctx.session.scalars(
        select(ChargedLine).where(ChargedLine.transaction_id == transaction_id).order_by(ChargedLine.line)
    )
    answer = _item(row)
    answer["entries"] = [_entry(entry) for entry in entries]
    answer["lines"] = [_line(line, row.currency) for line in lines]
    return json_response(answer, status)


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money.from_minor(minor, currency)


def _period(row: AnyRow | ChargedLine) -> dict[str, Any] | None:
    return None if row.period_from is None else {"from": row.period_from, "until": row.period_until}


def _item(row: AnyRow) -> dict[str, Any]:
    currency, leg = row.currency, row.leg
    customer = {"id": row.customer_id, "number": row.customer_number, "name": row.customer_name}
    return {
        "id": row.id,
        "seq": row.seq,
        "posted_on": row.posted_on,
        "effective_on": row.effective_on,
        "kind": row.kind,
        "side": "credit" if leg > 0 else "debit",
        "amount": Money.from_minor(abs(leg), currency),
        "change": Money.from_minor(row.amount, currency),
        "balance_after": _money(row.balance_after, currency),
        "customer": customer if row.customer_id else None,
        "description": row.description,
        "period": _period(row),
        "document_id": row.document_id,
        "document_number": row.document_number,
        "run_id": row.run_id,
        "source": row.source,
        "source_key": row.source_key,
        "reverses": row.reverses_id,
        "created_at": row.created_at,
        "actor": row.actor,
        "correlation_id": row.correlation_id,
    }


def _entry(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "account": entry.account,
        "customer_id": entry.customer_id,
        "amount": Money.from_minor(entry.amount, entry.currency),
        "tax_rate": entry.tax_rate,
        "balance_after": _money(entry.balance_after, entry.currency),
    }


def _line(line: ChargedLine, currency: str) -> dict[str, Any]:
    return {
        "subscription_id": line.subscription_id,
        "text": line.text,
        "period": _period(line),
        "days": line.days,
        "period_days": line.period_days,
        "rule": line.rule,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "tax_rate": line.tax_rate,
        "tax_included": line.tax_included,
        "discount": Money.from_minor(line.discount, currency),
        "net": Money.from_minor(line.net, currency),
        "tax": Money.from_minor(line.tax, currency),
    }
