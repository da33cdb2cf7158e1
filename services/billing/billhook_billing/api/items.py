"""Open items: debits, what is still open of them, and which credit paid the rest (R12)."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_billing.models import Account, Allocation, Credit, LedgerTransaction, OpenItem
from billhook_common.api import AnyRow, Blueprint, DecimalString, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.lists import ListQuery, Sorting
from billhook_common.money import Money, decimal_text

blueprint = Blueprint("items", __name__, url_prefix="/items", description="Open items")

STATES = ("open", "overdue", "all")


class ItemCustomerSchema(Schema):
    """Who owes it."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class ItemSchema(Schema):
    """A debit; it is overdue when something is open after ``due_on``."""

    transaction_id = fields.UUID()
    version = fields.Integer()
    customer = fields.Nested(ItemCustomerSchema)
    kind = fields.String()
    posted_on = fields.Date()
    description = fields.String()
    total = MoneyField(metadata={"description": "0 once the debit is reversed."})
    open = MoneyField()
    due_on = fields.Date()
    overdue = fields.Boolean()
    document_id = fields.UUID(allow_none=True)
    document_number = fields.String(allow_none=True)


class AllocationSchema(Schema):
    """What one credit pays of an item now."""

    credit_id = fields.UUID(metadata={"description": "The credit's transaction."})
    kind = fields.String()
    given_on = fields.Date()
    description = fields.String()
    amount = MoneyField()


class OneItemSchema(ItemSchema):
    """An item with what pays it."""

    allocations = fields.List(fields.Nested(AllocationSchema))


class ItemTotalSchema(Schema):
    """The sums of one currency."""

    count = fields.Integer()
    total = DecimalString()
    open = DecimalString()


class ItemPageSchema(PageSchema):
    """A page of items; ``totals`` by currency when they were asked for."""

    items = fields.List(fields.Nested(ItemSchema))
    totals = fields.Dict(keys=fields.String(), values=fields.Nested(ItemTotalSchema))


_SORTING = Sorting(
    "due_on",
    due_on=(OpenItem.due_on, OpenItem.transaction_id),
    posted=(LedgerTransaction.seq,),
)
_SORT_SAID = "Order; a minus turns it round. Without it by due date, and with `state=all` the newest first."


class ItemFilterSchema(ListQuery):
    """Which items to list; ``due_from`` and ``due_until`` are days on which they fall due, half-open."""

    customer_id = fields.UUID()
    document_id = fields.UUID()
    state = fields.String(load_default="open", validate=validate.OneOf(STATES))
    due_from = fields.Date()
    due_until = fields.Date()
    sort = fields.String(validate=validate.OneOf(_SORTING.choices), metadata={"description": _SORT_SAID})
    totals = fields.Boolean(load_default=False)


_LISTED = (
    select(
        *OpenItem.__table__.columns,
        LedgerTransaction.kind,
        LedgerTransaction.posted_on,
        LedgerTransaction.description,
        Account.number,
        Account.name,
    )
    .join(LedgerTransaction, LedgerTransaction.id == OpenItem.transaction_id)
    .join(Account, Account.customer_id == OpenItem.customer_id)
)


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(ItemFilterSchema, location="query")
@blueprint.response(200, ItemPageSchema)
def list_items(wanted: dict[str, Any]) -> Response:
    """Open and overdue items and those of some due days by due date, else newest first. ``totals=true`` adds sums."""
    newest_first = wanted["state"] == "all" and not {"due_from", "due_until"} & wanted.keys()
    keys = _SORTING.keys(wanted.get("sort") or ("-posted" if newest_first else _SORTING.default))
    totals = _totals(wanted) if wanted["totals"] else None
    return page_of(ctx.session, _filtered(_LISTED, wanted), keys, _item, totals)


@blueprint.route("/<uuid:transaction_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, OneItemSchema)
def get_item(transaction_id: UUID) -> Response:
    """One item with the credits that pay it."""
    row = ctx.session.execute(_LISTED.where(OpenItem.transaction_id == transaction_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such item.")
    return json_response({**_item(row), "allocations": _allocations(row)})


def _filtered(statement: AnySelect, wanted: dict[str, Any]) -> AnySelect:
    for name in ("customer_id", "document_id"):
        if name in wanted:
            statement = statement.where(getattr(OpenItem, name) == wanted[name])
    if wanted["state"] != "all":
        statement = statement.where(OpenItem.open > 0)
    if wanted["state"] == "overdue":
        statement = statement.where(OpenItem.due_on < ctx.clock.today())
    if "due_from" in wanted:
        statement = statement.where(OpenItem.due_on >= wanted["due_from"])
    if "due_until" in wanted:
        statement = statement.where(OpenItem.due_on < wanted["due_until"])
    return statement


def _totals(wanted: dict[str, Any]) -> dict[str, Any]:
    statement = select(
        OpenItem.currency,
        func.count().label("number"),
        func.sum(OpenItem.total).label("total"),
        func.sum(OpenItem.open).label("open"),
    ).group_by(OpenItem.currency)
    return {
        row.currency: {
            "count": row.number,
            "total": decimal_text(int(row.total), row.currency),
            "open": decimal_text(int(row.open), row.currency),
        }
        for row in ctx.session.execute(_filtered(statement, wanted))
    }


def _allocations(item: AnyRow) -> list[dict[str, Any]]:
    amount = func.sum(Allocation.amount)
    rows = ctx.session.execute(
        select(
            Credit.transaction_id, Credit.given_on, LedgerTransaction.kind, LedgerTransaction.description,
            amount.label("amount"),
        )
        .join(Credit, Credit.transaction_id == Allocation.credit_id)
        .join(LedgerTransaction, LedgerTransaction.id == Credit.transaction_id)
        .where(Allocation.customer_id == item.customer_id, Allocation.item_id == item.transaction_id)
        .group_by(Credit.transaction_id, LedgerTransaction.id)
        .having(amount != 0)
        .order_by(Credit.given_on, Credit.transaction_id)
    ).all()  # fmt: skip
    return [
        {
            "credit_id": row.transaction_id,
            "kind": row.kind,
            "given_on": row.given_on,
            "description": row.description,
            "amount": Money.from_minor(int(row.amount), item.currency),
        }
        for row in rows
    ]


def _item(row: AnyRow) -> dict[str, Any]:
    return {
        "transaction_id": row.transaction_id,
        "version": row.version,
        "customer": {"id": row.customer_id, "number": row.number, "name": row.name},
        "kind": row.kind,
        "posted_on": row.posted_on,
        "description": row.description,
        "total": Money.from_minor(row.total, row.currency),
        "open": Money.from_minor(row.open, row.currency),
        "due_on": row.due_on,
        "overdue": row.open > 0 and row.due_on < ctx.clock.today(),
        "document_id": row.document_id,
        "document_number": row.document_number,
    }
