"""What must be said about a statement before its money is believed: proof, chain, dates."""

import datetime as dt
from collections.abc import Iterator

from billhook_common.bank_formats import Balance, Finding, Statement

FUTURE_DAYS = 7  # banks announce bookings a few days ahead; later dates are misread ones


def findings_about(statement: Statement, previous: Balance | None, today: dt.date) -> list[Finding]:
    """Every doubt about the statement, its reader's own first; none of them stops an import.

    ``previous`` is the closing balance of the account's statement before this one, None for the first.
    """
    return [
        *statement.warnings,
        *_about_proof(statement),
        *_about_chain(statement, previous),
        *_about_dates(statement, today),
    ]


def _about_proof(statement: Statement) -> Iterator[Finding]:
    proof = statement.proof
    if proof.kind == "gap" and proof.gap:
        message = f"{proof.gap} {statement.currency} are missing between the opening balance, the entries and the end"
        yield Finding("balance_gap", statement.reference, message)
    if not statement.agrees_with_controls():
        yield Finding("control_totals_differ", statement.reference, "The sums in the file do not match its entries")


def _about_chain(statement: Statement, previous: Balance | None) -> Iterator[Finding]:
    """The opening must be the closing before it, unless the statement reaches back into days already covered."""
    opening = statement.opening
    if opening is None or previous is None or opening.amount == previous.amount:
        return
    first_day = statement.from_date or opening.on
    if first_day < previous.on:
        return
    message = (
        f"The account ended with {previous.amount} on {previous.on}, this statement begins with {opening.amount} "
        f"on {opening.on}: a statement between is missing"
    )
    yield Finding("chain_gap", statement.reference, message)


def _about_dates(statement: Statement, today: dt.date) -> Iterator[Finding]:
    latest = today + dt.timedelta(days=FUTURE_DAYS)
    for entry in statement.entries:
        if entry.booking_date > latest:
            message = f"Booked on {entry.booking_date}, more than {FUTURE_DAYS} days ahead"
            yield Finding("future_booking_date", entry.position, message)
