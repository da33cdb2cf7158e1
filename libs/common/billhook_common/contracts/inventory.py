"""What inventory tells."""

import datetime as dt
from typing import ClassVar
from uuid import UUID

from billhook_common.contracts import Fact


class ItemMoved(Fact, frozen=True, kw_only=True):
    """Where an item is; a reader keeps the highest ``version``."""

    item_id: UUID
    version: int
    serial: str
    product: str
    customer_id: UUID
    on: dt.date


class ItemAssigned(ItemMoved, frozen=True, kw_only=True):
    """An item is at a customer, without invoice."""

    TYPE: ClassVar[str] = "inventory.item.assigned.v1"


class ItemReturned(ItemMoved, frozen=True, kw_only=True):
    """An item came back into stock."""

    TYPE: ClassVar[str] = "inventory.item.returned.v1"
