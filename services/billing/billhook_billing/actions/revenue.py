"""Recurring revenue kept as changes by day, so that any past month is a sum: written whenever a service is told."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.due import terms_of
from billhook_billing.domain.revenue import values_from
from billhook_common.db import AnyRow, copy_rows

_COLUMNS = ("subscription_id", "since", "customer_id", "currency", "amount")
_FORGET = text("""
    DELETE FROM revenue_change USING unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS told(id, day)
    WHERE subscription_id = told.id AND since >= told.day
""")
_BEFORE = text(
    "SELECT subscription_id, sum(amount) FROM revenue_change WHERE subscription_id = ANY(:ids) GROUP BY subscription_id"
)


def note_revenue(session: Session, rows: Sequence[AnyRow], today: dt.date) -> None:
    """Write down what these services, rows of ``with_terms`` that are held, are worth from today on.

    A new one counts from its first day; what was said of the days before today stays.
    """
    days = {row.id: _changes_from(row, today) for row in rows}
    known: Mapping[UUID, int] = {}
    if changed := [row.id for row in rows if row.version > 1]:
        session.execute(_FORGET, {"ids": changed, "days": [days[id_] for id_ in changed]})
        known = {id_: int(amount) for id_, amount in session.execute(_BEFORE, {"ids": changed})}
    copy_rows(
        session,
        "revenue_change",
        _COLUMNS,
        (
            (row.id, day, row.customer_id, row.currency, amount)
            for row in rows
            for day, amount in _changes(row, days[row.id], known.get(row.id, 0))
        ),
    )


def _changes_from(row: AnyRow, today: dt.date) -> dt.date:
    """The first day for which the present terms hold."""
    starts_on: dt.date = row.starts_on
    if row.version == 1:
        return starts_on
    ended: list[dt.date] = [row.ends_before] if row.state == "disabled" and row.ends_before else []
    return max(starts_on, min([today, *ended]))


def _changes(row: AnyRow, day: dt.date, worth: int) -> Iterator[tuple[dt.date, int]]:
    # Services of archived customers only run out.
    is_provided = row.state == "active" and row.lifecycle != "archived"
    for turn, value in values_from(terms_of(row), day, is_provided=is_provided):
        if value != worth:
            yield turn, value - worth
        worth = value
