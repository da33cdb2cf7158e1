"""A customer is archived: their services end, and the next billing run charges what is left (R5, R20)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.subscriptions import tell_subscriptions
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import SubscriptionEnded

_HOLD = text(
    "SELECT id FROM subscription WHERE customer_id = ANY(:ids) AND state NOT IN ('disabled', 'archived') "
    "ORDER BY customer_id, id FOR NO KEY UPDATE"
)
_OPEN = text("""
    SELECT subscription.id, greatest(charged_until, CAST(:today AS date), starts_on + 1) AS ends_before,
        charged_until IS NOT NULL OR state <> 'pending' AND starts_on < :today AS provided
    FROM subscription JOIN account USING (customer_id)
    WHERE customer_id = ANY(:ids) AND account.lifecycle = 'archived' AND state NOT IN ('disabled', 'archived')
        AND (ends_before IS NULL OR ends_before > greatest(charged_until, CAST(:today AS date), starts_on + 1))
    ORDER BY subscription.id
""")
_END = text("""
    UPDATE subscription SET version = version + 1, ends_before = ended.ends_before,
        state = CASE WHEN ended.ends_before <= :today THEN 'disabled' ELSE state END,
        charged_until = CASE WHEN ended.provided THEN charged_until ELSE ended.ends_before END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:ends AS date[]), CAST(:provided AS boolean[]))
        AS ended(id, ends_before, provided)
    WHERE subscription.id = ended.id
""")


def hold_services_of(session: Session, customer_ids: Collection[UUID]) -> None:
    """Hold what the customers have before their accounts are touched: the order of a billing run."""
    if customer_ids:
        session.execute(_HOLD, {"ids": sorted(customer_ids)})


def end_services_of(session: Session, clock: Clock, customer_ids: Collection[UUID]) -> None:
    """End the open services of those of ``customer_ids`` whose account says that they are archived.

    A service ends today, or on the first day that is not charged if that is later: so an archival never needs a
    credit, and what is not charged up to there comes with the next run. One that was never provided (pending, or not
    begun before today) ends on the day after its start at the earliest, without a charge.
    """
    if not customer_ids:
        return
    today = clock.today()
    ended = session.execute(_OPEN, {"ids": sorted(customer_ids), "today": today}).all()
    if not ended:
        return
    values = {
        "ids": [row.id for row in ended],
        "ends": [row.ends_before for row in ended],
        "provided": [row.provided for row in ended],
    }
    session.execute(_END, {**values, "today": today})
    for row in ended:
        after = {"ends_before": row.ends_before, "reason": "customer archived"}
        audit(session, clock, "subscription_ended", row.id, after=after)
    tell_subscriptions(session, clock, values["ids"], SubscriptionEnded)
