"""The wiring of the payments service."""

from billhook_common.service import Service
from billhook_payments.api import bank_accounts, customers, entries, panels, payments, refunds, statements
from billhook_payments.config import PaymentsConfig
from billhook_payments.decided import SETTINGS
from billhook_payments.handlers import handles
from billhook_payments.models import Base

service = Service(
    name="payments",
    package="billhook_payments",
    title="Billhook payments",
    metadata=Base.metadata,
    blueprints=[
        module.blueprint for module in (bank_accounts, statements, entries, payments, refunds, customers, panels)
    ],
    handlers=handles,
    config=PaymentsConfig,
    settings=SETTINGS,
)
main = service.main
