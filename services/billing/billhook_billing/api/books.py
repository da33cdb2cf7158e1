"""The books as a whole: trial balance, and the proof that they are right (R15)."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_billing.actions.verify import verify_books
from billhook_billing.domain.ledger import ACCOUNT_NAMES
from billhook_billing.domain.ledger import Account as Ledger
from billhook_billing.models import LedgerEntry, LedgerTransaction
from billhook_common.api import Blueprint, DecimalString, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import decimal_text

blueprint = Blueprint("books", __name__, url_prefix="", description="The books as a whole")


class BalanceLineSchema(Schema):
    """One account in one currency; ``balance`` is credit less debit."""

    account = fields.String(validate=validate.OneOf([account.value for account in Ledger]))
    name = fields.String()
    currency = fields.String()
    debit = DecimalString()
    credit = DecimalString()
    balance = DecimalString()


class BalanceTotalSchema(Schema):
    """All accounts in one currency; ``balance`` is 0."""

    currency = fields.String()
    debit = DecimalString()
    credit = DecimalString()
    balance = DecimalString()


class TrialBalanceSchema(Schema):
    """Debit, credit and balance of every account."""

    as_of = fields.Date(allow_none=True)
    accounts = fields.List(fields.Nested(BalanceLineSchema))
    totals = fields.List(fields.Nested(BalanceTotalSchema))


class AsOfSchema(Schema):
    """The last posting day to count; empty: everything."""

    as_of = fields.Date(load_default=None)


class DifferenceSchema(Schema):
    """Something that does not agree, in minor units."""

    rule = fields.String()
    subject = fields.UUID()
    found = fields.Integer()
    expected = fields.Integer()


class AuditSchema(Schema):
    """The proof; no differences: the books are right."""

    checked_at = fields.AwareDateTime()
    differences = fields.List(fields.Nested(DifferenceSchema))


@blueprint.route("/trial-balance", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(AsOfSchema, location="query")
@blueprint.response(200, TrialBalanceSchema)
def trial_balance(wanted: dict[str, Any]) -> Response:
    """Every account's debits and credits, whose difference is 0 in each currency."""
    amount = LedgerEntry.amount
    statement = select(
        LedgerEntry.account,
        LedgerEntry.currency,
        func.coalesce(func.sum(-amount).filter(amount < 0), 0).label("debit"),
        func.coalesce(func.sum(amount).filter(amount > 0), 0).label("credit"),
    ).group_by(LedgerEntry.account, LedgerEntry.currency)
    if wanted["as_of"] is not None:
        statement = statement.join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        statement = statement.where(LedgerTransaction.posted_on <= wanted["as_of"])
    rows = {(row.account, row.currency): (int(row.debit), int(row.credit)) for row in ctx.session.execute(statement)}
    accounts, totals = [], []
    for currency in sorted({currency for _, currency in rows}):
        debits = credits = 0
        for account in Ledger:
            debit, credit = rows.get((account.value, currency), (0, 0))
            if debit or credit:
                name = {"account": account.value, "name": ACCOUNT_NAMES[account]}
                accounts.append(name | _amounts(currency, debit, credit))
                debits, credits = debits + debit, credits + credit
        totals.append(_amounts(currency, debits, credits))
    return json_response({"as_of": wanted["as_of"], "accounts": accounts, "totals": totals})


@blueprint.route("/audit", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, AuditSchema)
def audit() -> Response:
    """Prove the books now: sums of postings, balances, settlement. A job does the same once a day."""
    differences = [difference._asdict() for difference in verify_books(ctx.session)]
    return json_response({"checked_at": ctx.clock.now(), "differences": differences})


def _amounts(currency: str, debit: int, credit: int) -> dict[str, Any]:
    return {
        "currency": currency,
        "debit": decimal_text(debit, currency),
        "credit": decimal_text(credit, currency),
        "balance": decimal_text(credit - debit, currency),
    }
