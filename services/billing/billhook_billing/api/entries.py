"""Ledger entries: the legs of all postings, by account."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_billing.domain.ledger import Account as Ledger
from billhook_billing.models import LedgerEntry, LedgerTransaction
from billhook_common.api import AnyRow, Blueprint, DecimalString, MoneyField, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.lists import ListQuery
from billhook_common.money import Money

blueprint = Blueprint("entries", __name__, url_prefix="/entries", description="Legs of postings")

ACCOUNTS = [account.value for account in Ledger]


class EntrySchema(Schema):
    """One leg: credit above 0, debit below; all legs of a transaction sum to zero."""

    id = fields.Integer()
    transaction_id = fields.UUID()
    account = fields.String(validate=validate.OneOf(ACCOUNTS))
    customer_id = fields.UUID(allow_none=True)
    amount = MoneyField()
    tax_rate = DecimalString(allow_none=True)
    balance_after = MoneyField(allow_none=True)
    kind = fields.String()
    posted_on = fields.Date()
    description = fields.String()
    source_key = fields.String(allow_none=True, metadata={"description": "The client's Idempotency-Key."})


class EntryPageSchema(PageSchema):
    """A page of entries."""

    items = fields.List(fields.Nested(EntrySchema))


class EntryFilterSchema(ListQuery):
    """Which entries to list."""

    account = fields.String(validate=validate.OneOf(ACCOUNTS))
    customer_id = fields.UUID()
    transaction_id = fields.UUID()
    source_key = fields.String(validate=validate.Length(1, 255))


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(EntryFilterSchema, location="query")
@blueprint.response(200, EntryPageSchema)
def list_entries(wanted: dict[str, Any]) -> Response:
    """Newest first."""
    statement = select(
        *LedgerEntry.__table__.columns,
        LedgerTransaction.kind,
        LedgerTransaction.posted_on,
        LedgerTransaction.description,
        LedgerTransaction.source_key,
    ).join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
    for name in ("account", "customer_id", "transaction_id"):
        if name in wanted:
            statement = statement.where(getattr(LedgerEntry, name) == wanted[name])
    if "source_key" in wanted:
        statement = statement.where(LedgerTransaction.source_key == wanted["source_key"])
    return page_of(ctx.session, statement, [(LedgerEntry.id, "desc")], _item)


def _item(row: AnyRow) -> dict[str, Any]:
    after = None if row.balance_after is None else Money.from_minor(row.balance_after, row.currency)
    return {
        "id": row.id,
        "transaction_id": row.transaction_id,
        "account": row.account,
        "customer_id": row.customer_id,
        "amount": Money.from_minor(row.amount, row.currency),
        "tax_rate": row.tax_rate,
        "balance_after": after,
        "kind": row.kind,
        "posted_on": row.posted_on,
        "description": row.description,
        "source_key": row.source_key,
    }
