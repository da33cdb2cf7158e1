"""The operator's bank accounts: list, add, read, change."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_payments.actions.bank_accounts import NewBankAccount, add_bank_account, change_bank_account
from billhook_payments.models import BankAccount

blueprint = Blueprint(
    "bank_accounts", __name__, url_prefix="/bank-accounts", description="The operator's own bank accounts"
)


class BankAccountChangesSchema(Schema):
    """What can be changed; the number stays. ``review_first``: nothing is posted until a person says so."""

    name = PlainText(100, least=1)
    holder = PlainText(140)
    bic = PlainText(11)
    review_first = fields.Boolean()


class NewBankAccountSchema(Schema):
    """What sets up an account; one of IBAN and local number is needed, the currency is the home one by default."""

    name = PlainText(100, least=1, required=True)
    holder = PlainText(140, load_default="")
    iban = PlainText(60, load_default="", metadata={"description": "Blanks do not matter; check digits do."})
    local_number = PlainText(60, load_default="", metadata={"description": "As statements of the bank write it."})
    bic = PlainText(11, load_default="")
    currency = fields.String(validate=validate.Length(equal=3))
    review_first = fields.Boolean(load_default=False)


class BankAccountSchema(Schema):
    """A bank account."""

    id = fields.UUID()
    version = fields.Integer()
    name = fields.String()
    holder = fields.String()
    iban = fields.String(allow_none=True)
    local_number = fields.String(allow_none=True)
    bic = fields.String()
    currency = fields.String()
    review_first = fields.Boolean()
    created_at = fields.AwareDateTime()


class BankAccountPageSchema(PageSchema):
    """A page of bank accounts."""

    items = fields.List(fields.Nested(BankAccountSchema))


@blueprint.route("", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, BankAccountPageSchema)
def list_accounts() -> Response:
    """Oldest first."""
    return page_of(ctx.session, select(BankAccount), [(BankAccount.id, "asc")], _item_of_row)


@blueprint.route("", methods=["POST"])
@requires("payments:import")
@blueprint.arguments(NewBankAccountSchema)
@blueprint.response(201, BankAccountSchema)
def add_account(body: dict[str, Any]) -> Response:
    """Set up an account, so that its statements can be imported."""
    new = NewBankAccount(**{"currency": ctx.config.currency, **body})
    return versioned_response(_item(add_bank_account(ctx.session, ctx.clock, new)), 201)


@blueprint.route("/<uuid:account_id>", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, BankAccountSchema)
def get_account(account_id: UUID) -> Response:
    """One account."""
    account = ctx.session.get(BankAccount, account_id)
    if account is None:
        raise NotFound("There is no such bank account.")
    return versioned_response(_item(account))


@blueprint.route("/<uuid:account_id>", methods=["PATCH"])
@requires("payments:import")
@versioned(required=False)
@blueprint.arguments(BankAccountChangesSchema)
@blueprint.response(200, BankAccountSchema)
def change_account(body: dict[str, Any], account_id: UUID, seen: int | None) -> Response:
    """Change how it is called, or whether a person reviews before anything is posted."""
    return versioned_response(_item(change_bank_account(ctx.session, ctx.clock, account_id, body, seen=seen)))


def _item_of_row(row: AnyRow) -> dict[str, Any]:
    return _item(row.BankAccount)


def _item(account: BankAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in BankAccountSchema._declared_fields}
