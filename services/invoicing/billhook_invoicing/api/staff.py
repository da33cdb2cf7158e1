"""What is for staff only: series and dashboards of the whole house."""

from billhook_common.api import ctx
from billhook_common.errors import Forbidden


def staff_only() -> None:
    """Refuse customers, whatever their rights: how much an operator invoices is none of their business."""
    if ctx.identity.customer_id is not None:
        raise Forbidden("This is for staff.")
