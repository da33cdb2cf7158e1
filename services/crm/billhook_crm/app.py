"""The wiring of the crm service."""

from billhook_common.service import Service
from billhook_crm.actions.snapshots import SNAPSHOTS
from billhook_crm.api import customers, imports, locations, panels, partners
from billhook_crm.handlers import handles
from billhook_crm.jobs import import_customers
from billhook_crm.models import Base

service = Service(
    name="crm",
    package="billhook_crm",
    title="Billhook crm",
    metadata=Base.metadata,
    blueprints=[module.blueprint for module in (customers, partners, locations, imports, panels)],
    handlers=handles,
    snapshots=SNAPSHOTS,
    jobs=[import_customers],
)
main = service.main
