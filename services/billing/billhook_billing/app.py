"""The wiring of the billing service."""

from billhook_billing.actions.snapshots import SNAPSHOTS
from billhook_billing.api import (
    accounts,
    books,
    entries,
    imports,
    items,
    next_charge,
    panels,
    plans,
    quote,
    revenue,
    runs,
    settings,
    subscriptions,
    transactions,
)
from billhook_billing.decided import SETTINGS
from billhook_billing.handlers import handles
from billhook_billing.jobs import JOBS
from billhook_billing.models import Base
from billhook_common.service import Service

service = Service(
    name="billing",
    package="billhook_billing",
    title="Billhook billing",
    metadata=Base.metadata,
    blueprints=[
        module.blueprint
        for module in (
            transactions,
            entries,
            items,
            accounts,
            settings,
            next_charge,
            books,
            plans,
            subscriptions,
            imports,
            runs,
            quote,
            panels,
            revenue,
        )
    ],
    handlers=handles,
    snapshots=SNAPSHOTS,
    jobs=JOBS,
    settings=SETTINGS,
)
main = service.main
