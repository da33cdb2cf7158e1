"""How long an account waits after wrong passwords. It is never locked: whoever knows the login could lock it."""

import datetime as dt

FREE_FAILURES = 4
"""Typing slips; the fifth wrong password costs the first wait."""
LONGEST_SECONDS = 900
FORGET_AFTER = dt.timedelta(hours=24)
"""Failures are forgotten after a day without another."""


def wait_after(failures: int) -> dt.timedelta:
    """The wait before the next try: 2, 4, 8 … seconds from the fifth failure in a row, at most 15 minutes."""
    beyond = failures - FREE_FAILURES
    # The exponent is bounded first: a number of a million digits would be its own denial of service.
    return dt.timedelta(seconds=min(2 ** min(beyond, 10), LONGEST_SECONDS) if beyond > 0 else 0)
