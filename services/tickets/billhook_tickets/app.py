"""The wiring of the tickets service."""

from billhook_common.service import Service
from billhook_tickets.api import panels, tickets
from billhook_tickets.handlers import handles
from billhook_tickets.models import Base

service = Service(
    name="tickets",
    package="billhook_tickets",
    title="Billhook tickets",
    metadata=Base.metadata,
    blueprints=[tickets.blueprint, panels.blueprint],
    handlers=handles,
)
main = service.main
