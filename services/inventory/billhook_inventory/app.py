"""The wiring of the inventory service."""

from billhook_common.service import Service
from billhook_inventory.api import items, panels, products
from billhook_inventory.handlers import handles
from billhook_inventory.models import Base

service = Service(
    name="inventory",
    package="billhook_inventory",
    title="Billhook inventory",
    metadata=Base.metadata,
    blueprints=[items.blueprint, products.blueprint, panels.blueprint],
    handlers=handles,
)
main = service.main
