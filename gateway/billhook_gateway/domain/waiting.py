"""How long an account waits after failures, and an address after many. Neither is locked: anyone could lock it."""

import datetime as dt
import ipaddress
from dataclasses import dataclass

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


ADDRESS_WINDOW = dt.timedelta(minutes=10)
ADDRESS_TRIES = 30
"""Failed tries in a window; a whole office may stand behind one address."""


@dataclass(frozen=True, slots=True)
class Window:
    """Tries from one address since ``began_at``, and in the window before it."""

    began_at: dt.datetime
    tries: int
    before: int


def slid(window: Window, now: dt.datetime) -> Window:
    """The window that ``now`` lies in."""
    if now < window.began_at + ADDRESS_WINDOW:
        return window
    if now < window.began_at + 2 * ADDRESS_WINDOW:
        return Window(window.began_at + ADDRESS_WINDOW, 0, window.tries)
    return Window(now, 0, 0)


def address_wait(window: Window, now: dt.datetime) -> dt.timedelta:
    """The wait before the next try, so that no more than the limit lie in the last ten minutes; ``window`` is slid.

    The tries of the window before are taken as spread evenly.
    """
    gone, room = now - window.began_at, ADDRESS_TRIES - 1 - window.tries
    if room >= 0:
        share = min(1.0, room / window.before) if window.before else 1.0
        return max(dt.timedelta(0), ADDRESS_WINDOW * (1 - share) - gone)
    return ADDRESS_WINDOW * (2 - (ADDRESS_TRIES - 1) / window.tries) - gone


def address_key(ip: str) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits that a household gets of IPv6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
