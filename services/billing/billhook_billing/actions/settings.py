"""How a customer is billed; a change is for the periods not charged yet."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billhook_billing.actions.subscriptions import tell_subscriptions
from billhook_billing.models import Account, Subscription
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import SubscriptionChanged
from billhook_common.errors import NotKnownYet

NAMES = ("mode", "billing_day", "prepaid_months", "due_days")


def settings_of(account: Account) -> dict[str, Any]:
    """The settings by name."""
    return {name: getattr(account, name) for name in NAMES}


def change_settings(session: Session, clock: Clock, customer_id: UUID, changes: dict[str, Any]) -> Account:
    """Set what ``changes`` names. Raises NotKnownYet while the customer has not arrived."""
    # In the order of a billing run, which holds services before accounts.
    services = select(Subscription.id).where(Subscription.customer_id == customer_id).order_by(Subscription.id)
    session.execute(services.with_for_update())
    account = session.get(Account, customer_id, with_for_update=True)
    if account is None:
        raise NotKnownYet("The customer has not arrived here yet.")
    before = {name: getattr(account, name) for name in changes}
    for name, value in changes.items():
        setattr(account, name, value)
    audit(session, clock, "billing_settings_changed", customer_id, before=before, after=changes)
    if account.billing_day != before.get("billing_day", account.billing_day):
        own = update(Subscription).where(Subscription.customer_id == customer_id)
        ids = session.scalars(own.values(version=Subscription.version + 1).returning(Subscription.id)).all()
        tell_subscriptions(session, clock, ids, SubscriptionChanged)
    return account
