"""What a customer will be charged next."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from billhook_billing.actions import subscriptions
from billhook_billing.actions.due import terms_of
from billhook_billing.domain.upcoming import next_charge
from billhook_billing.models import Account, Subscription
from billhook_common.api import Blueprint, MoneyField, PeriodSchema, ctx, json_response
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.money import Money

blueprint = Blueprint("next_charge", __name__, url_prefix="/accounts", description="What will be charged next")

CHARGED_STATES = ("active", "stopped", "disabled")
"""As in a run: what is only planned is not charged."""


class NextLineSchema(Schema):
    """One part of it."""

    text = fields.String()
    period = fields.Nested(PeriodSchema)
    net = MoneyField()


class NextChargeSchema(Schema):
    """The charge of a run on the day ``on``, which is past when that run is late; all null when nothing will be due."""

    on = fields.Date(allow_none=True)
    net = MoneyField(allow_none=True)
    tax = MoneyField(allow_none=True)
    total = MoneyField(allow_none=True)
    lines = fields.List(fields.Nested(NextLineSchema))


@blueprint.route("/<uuid:customer_id>/next-charge", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, NextChargeSchema)
def get_next_charge(customer_id: UUID) -> Response:
    """What the next run that finds something due charges this customer, by the functions of the run."""
    account = ctx.session.get(Account, customer_id)
    if account is None:
        raise NotFound("There is no account of such a customer.")
    rows = ctx.session.execute(
        subscriptions.with_terms()
        .where(Subscription.customer_id == customer_id, Subscription.state.in_(CHARGED_STATES))
        .order_by(Subscription.id)
    )
    terms = [terms_of(row) for row in rows] if account.lifecycle == "active" else []
    found = next_charge(terms, ctx.clock.today())
    if found is None:
        return json_response({"on": None, "net": None, "tax": None, "total": None, "lines": []})
    on, charge = found

    def money(minor: int) -> Money:
        return Money.from_minor(minor, charge.currency)

    lines: list[dict[str, Any]] = [
        {
            "text": line.terms.description,
            "period": {"from": line.from_, "until": line.until},
            "net": money(line.net_minor),
        }
        for line in charge.lines
    ]
    totals = {"net": charge.net_minor, "tax": charge.tax_minor, "total": charge.gross_minor}
    return json_response({"on": on, "lines": lines} | {name: money(minor) for name, minor in totals.items()})
