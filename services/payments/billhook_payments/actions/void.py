"""Take payments back: they stay on record, and their money is taken off the customers' balances."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.payments import PaymentReversed
from billhook_common.events import publish
from billhook_common.ids import derive_id
from billhook_common.money import Money
from billhook_payments.models import Payment


def void_payments(
    session: Session, clock: Clock, payments: Sequence[Payment], *, reason: str, reason_code: str, by: str
) -> None:
    """Void confirmed payments and have billing reverse them; ``reason_code`` is a constant, ``reason`` a person's."""
    for payment in payments:
        payment.state = "voided"
        payment.voided_at, payment.voided_by, payment.void_reason = clock.now(), by, reason
        fact = PaymentReversed(
            reversal_id=derive_id("payment_reversal", payment.id),
            payment_id=payment.id,
            customer_id=payment.customer_id,
            amount=Money.from_minor(payment.amount, payment.currency),
            reversed_on=max(clock.today(), payment.booked_on),
            reason_code=reason_code,
            reason=reason,
        )
        publish(session, clock, fact, subject=payment.id, customer_id=payment.customer_id)
        audit(session, clock, "payment_voided", payment.id, after={"reason": reason, "code": reason_code})
    session.flush()
