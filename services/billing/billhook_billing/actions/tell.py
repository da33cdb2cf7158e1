"""What other services hear about the ledger: postings and open items."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_billing.actions.rows import Rows
from billhook_common.clock import Clock
from billhook_common.contracts.billing import ItemChanged
from billhook_common.db import mark_outgoing
from billhook_common.events import Outgoing
from billhook_common.events.outbox import OUTBOX_COLUMNS, outbox_row
from billhook_common.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemState:
    """An open item as it stands; amounts in minor units of ``currency``."""

    transaction_id: UUID
    customer_id: UUID
    version: int
    currency: str
    total: int
    open: int
    due_on: dt.date
    document_id: UUID | None


def item_changed(item: ItemState) -> Outgoing:
    """The event of an item that is new or changed."""
    fact = ItemChanged(
        transaction_id=item.transaction_id,
        version=item.version,
        customer_id=item.customer_id,
        document_id=item.document_id,
        total=Money.from_minor(item.total, item.currency),
        open=Money.from_minor(item.open, item.currency),
        due_on=item.due_on,
    )
    return Outgoing(fact=fact, subject=item.transaction_id, customer_id=item.customer_id, version=item.version)


def told(session: Session, clock: Clock, events: Sequence[Outgoing]) -> Rows:
    """The events as outbox rows, to be written with what they tell."""
    if events:
        mark_outgoing(session)
    return Rows("outbox", OUTBOX_COLUMNS, [outbox_row(clock, event) for event in events])
