"""The wiring of the invoicing service."""

from billhook_common.service import Service
from billhook_invoicing.actions.snapshots import SNAPSHOTS
from billhook_invoicing.actions.verify import audit_documents
from billhook_invoicing.api import invoices, panels, quote, series
from billhook_invoicing.handlers import handles
from billhook_invoicing.models import Base

service = Service(
    name="invoicing",
    package="billhook_invoicing",
    title="Billhook invoicing",
    metadata=Base.metadata,
    blueprints=[invoices.blueprint, series.blueprint, quote.blueprint, panels.blueprint],
    handlers=handles,
    snapshots=SNAPSHOTS,
    jobs=(audit_documents,),
)
main = service.main
