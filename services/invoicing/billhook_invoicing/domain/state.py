"""How far an invoice is paid (I4): ``overdue`` is a second fact, seen when it is read."""

import datetime as dt
from typing import Literal, TypeAlias

State: TypeAlias = Literal["unpaid", "partially_paid", "paid"]


def state_of(total: int, still_open: int) -> State:
    """The state of an invoice over ``total`` of which ``still_open`` is open, in minor units."""
    if not still_open:
        return "paid"
    return "partially_paid" if still_open < total else "unpaid"


def is_overdue(still_open: int, due_on: dt.date, today: dt.date) -> bool:
    """Whether something is open after the due date."""
    return still_open > 0 and due_on < today
