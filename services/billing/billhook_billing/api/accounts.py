"""Customers' accounts: balance, unallocated credit, what is open and overdue, how they are billed."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_billing.models import Account, Credit, OpenItem
from billhook_common.api import AnyRow, Blueprint, DecimalString, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.lists import ListQuery, Sorting
from billhook_common.money import Money, decimal_text

blueprint = Blueprint("accounts", __name__, url_prefix="/accounts", description="Customers' accounts")

MODES = ("invoice", "no_invoice")


class AccountCustomerSchema(Schema):
    """Whose account it is."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class AccountSchema(Schema):
    """An account in a list. A balance above 0 means that the customer has credit."""

    customer = fields.Nested(AccountCustomerSchema)
    lifecycle = fields.String()
    partner = fields.String()
    mode = fields.String(validate=validate.OneOf(MODES))
    balance = MoneyField()
    version = fields.Integer(metadata={"description": "Rises with each posting."})


class AccountSettingsSchema(Schema):
    """How the customer is billed (C2)."""

    mode = fields.String(validate=validate.OneOf(MODES))
    billing_day = fields.Integer()
    prepaid_months = fields.Integer(metadata={"description": "0: billed after the period."})
    due_days = fields.Integer()


class OneAccountSchema(AccountSchema):
    """An account with what makes up its balance: ``balance = unallocated - open`` (R15)."""

    currency = fields.String()
    unallocated = MoneyField(metadata={"description": "Credit that has paid nothing yet."})
    open = MoneyField()
    overdue = MoneyField()
    settings = fields.Nested(AccountSettingsSchema)


class AccountTotalSchema(Schema):
    """The sum of one currency."""

    count = fields.Integer()
    balance = DecimalString()


class AccountPageSchema(PageSchema):
    """A page of accounts; ``totals`` by currency when they were asked for."""

    items = fields.List(fields.Nested(AccountSchema))
    totals = fields.Dict(keys=fields.String(), values=fields.Nested(AccountTotalSchema))


_SORTING = Sorting("number", number=(Account.number,), balance=(Account.balance, Account.customer_id))
_SORT_SAID = "Order; a minus turns it round. Without it by number, and with `owing=true` the deepest first."


class AccountFilterSchema(ListQuery):
    """Which accounts to list."""

    owing = fields.Boolean(load_default=False)
    sort = fields.String(validate=validate.OneOf(_SORTING.choices), metadata={"description": _SORT_SAID})
    totals = fields.Boolean(load_default=False)


_LISTED = select(
    Account.customer_id, Account.number, Account.name, Account.lifecycle, Account.partner, Account.currency,
    Account.mode, Account.billing_day, Account.prepaid_months, Account.due_days, Account.balance, Account.version,
)  # fmt: skip


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(AccountFilterSchema, location="query")
@blueprint.response(200, AccountPageSchema)
def list_accounts(wanted: dict[str, Any]) -> Response:
    """By customer number; with ``owing=true`` those below 0, the deepest first. ``totals=true`` adds their sum."""
    statement = _LISTED
    if wanted["owing"]:
        statement = statement.where(Account.balance < 0)
    keys = _SORTING.keys(wanted.get("sort") or ("balance" if wanted["owing"] else _SORTING.default))
    totals = _totals(owing=wanted["owing"]) if wanted["totals"] else None
    return page_of(ctx.session, statement, keys, _item, totals)


@blueprint.route("/<uuid:customer_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, OneAccountSchema)
def get_account(customer_id: UUID) -> Response:
    """One account."""
    row = ctx.session.execute(_LISTED.where(Account.customer_id == customer_id)).one_or_none()
    if row is None:
        raise NotFound("There is no account of such a customer.")
    unallocated = ctx.session.scalar(
        select(func.coalesce(func.sum(Credit.unallocated), 0)).where(
            Credit.customer_id == customer_id, Credit.unallocated > 0
        )
    )
    overdue = func.sum(OpenItem.open).filter(OpenItem.due_on < ctx.clock.today())
    owed = ctx.session.execute(
        select(func.coalesce(func.sum(OpenItem.open), 0).label("open"), func.coalesce(overdue, 0).label("overdue"))
        .where(OpenItem.customer_id == customer_id, OpenItem.open > 0)
    ).one()  # fmt: skip
    answer = _item(row) | {
        "currency": row.currency,
        "unallocated": Money.from_minor(int(unallocated or 0), row.currency),
        "open": Money.from_minor(int(owed.open), row.currency),
        "overdue": Money.from_minor(int(owed.overdue), row.currency),
        "settings": {
            "mode": row.mode,
            "billing_day": row.billing_day,
            "prepaid_months": row.prepaid_months,
            "due_days": row.due_days,
        },
    }
    return json_response(answer)


def _totals(*, owing: bool) -> dict[str, Any]:
    statement = select(Account.currency, func.count().label("number"), func.sum(Account.balance).label("balance"))
    if owing:
        statement = statement.where(Account.balance < 0)
    rows = ctx.session.execute(statement.group_by(Account.currency))
    return {
        row.currency: {"count": row.number, "balance": decimal_text(int(row.balance), row.currency)} for row in rows
    }


def _item(row: AnyRow) -> dict[str, Any]:
    return {
        "customer": {"id": row.customer_id, "number": row.number, "name": row.name},
        "lifecycle": row.lifecycle,
        "partner": row.partner,
        "mode": row.mode,
        "balance": Money.from_minor(row.balance, row.currency),
        "version": row.version,
    }
