"""The wiring of the crm service."""

from billhook_common.service import Service
from billhook_crm.actions.snapshots import SNAPSHOTS
from billhook_crm.api import customers, imports, panels
from billhook_crm.handlers import handles
from billhook_crm.jobs import import_customers
from billhook_crm.models import Base

service = Service(
    name="crm",
    package="billhook_crm",
    title="Billhook crm",
    metadata=Base.metadata,
    blueprints=[customers.blueprint, imports.blueprint, panels.blueprint],
    handlers=handles,
    snapshots=SNAPSHOTS,
    jobs=[import_customers],
)
main = service.main
