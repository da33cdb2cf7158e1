"""Imports of subscriptions from customer files: upload, map, preview, confirm, result."""

from marshmallow import Schema, fields

from billhook_billing.actions.import_subscriptions import SUBSCRIPTIONS
from billhook_common.api import MoneyField
from billhook_common.imports import import_blueprint


class SubscriptionOptionsSchema(Schema):
    """How a file is taken over.

    ``cut_over`` (default: today) is the first day that we charge. Missing plans are made unless ``create_plans`` is
    false; balances are posted unless ``opening_balances`` is false. Prices are net unless ``tax_included``.
    """

    cut_over = fields.Date()
    create_plans = fields.Boolean()
    opening_balances = fields.Boolean()
    tax_included = fields.Boolean()


class SubscriptionTotalsSchema(Schema):
    """``plans`` would be made; ``balance`` is the sum of the opening balances."""

    plans = fields.List(fields.String())
    balance = MoneyField()


blueprint = import_blueprint(
    SUBSCRIPTIONS,
    right="billing:import",
    description="Subscriptions from CSV and Excel files",
    options=SubscriptionOptionsSchema,
    totals=SubscriptionTotalsSchema,
)
