"""A row of a customer file as a subscription that is taken over from another system (E3, R21)."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from billhook_billing.domain.subscription_columns import CHARGED_STATES, charged_until
from billhook_common.tabular import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """What a row says; blank price, rate and billing day are those of plan and account.

    ``charged_until`` is the first day not charged yet; ``ends_before`` is there for what has ended. ``balance`` is
    what the customer brings along, from the customer's view: below 0 is owed.
    """

    login: str
    plan: str
    state: str
    starts_on: dt.date
    charged_until: dt.date
    ends_before: dt.date | None
    price: Decimal | None
    tax_rate: Decimal | None
    billing_day: int | None
    balance: Decimal | None


def row_of(record: Record, cut_over: dt.date) -> SubscriptionRow:
    """The subscription in a row that passed the checks of its cells.

    Without a status it is active. One that is ``disabled`` in the file ends with the day before ``cut_over`` at the
    latest and is not charged any more; when it really ended, no file says.
    """
    login, plan, starts_on = record.text("login"), record.text("plan"), record.date("starts_on")
    assert login and plan and starts_on, "the columns are required"
    said = record.text("state") or "active"
    ends_before = max(cut_over, starts_on + dt.timedelta(days=1)) if said == "disabled" else None
    return SubscriptionRow(
        login=login,
        plan=" ".join(plan.split()),
        state="active" if said in CHARGED_STATES else said,
        starts_on=starts_on,
        charged_until=max(charged_until(record, cut_over), ends_before or starts_on),
        ends_before=ends_before,
        price=record.decimal("price"),
        tax_rate=record.decimal("tax_rate"),
        billing_day=record.number("billing_day"),
        balance=record.decimal("balance"),
    )
