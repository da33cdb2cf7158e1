"""What the operator's staff decides about billing (the settings of the service; those of a customer are in actions)."""

from typing import Any

from billhook_common.settings import Setting, WholeNumber

DUE_DAYS = WholeNumber(
    name="due_days",
    title="Due days of new customers",
    doc="Days from the run date until what is charged is due; every customer can have their own.",
    default=14,
    least=0,
    most=90,
    unit="days",
)
CATCH_UP_PERIODS = WholeNumber(
    name="catch_up_periods",
    title="Periods caught up without a person",
    doc="A run that would catch up more periods of a service than this charges the customer only when a person agrees.",
    default=2,
    least=1,
    most=12,
    unit="periods",
)
SETTINGS: tuple[Setting[Any], ...] = (DUE_DAYS, CATCH_UP_PERIODS)
