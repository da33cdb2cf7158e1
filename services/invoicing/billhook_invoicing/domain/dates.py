"""The dates of a document (R22): the tax point, and when it is due."""

import datetime as dt

_DAY = dt.timedelta(days=1)


def tax_point(bill_date: dt.date, period_until: dt.date) -> dt.date:
    """When the supply is taxed: on its last day, or on the bill date where it is charged before that.

    A month charged in advance is taxed when it is charged, one charged afterwards on the last day of the month.
    """
    return min(bill_date, period_until - _DAY)


def due_date(bill_date: dt.date, due_on: dt.date, issued_on: dt.date) -> dt.date:
    """``due_on`` of the charge, later by as much as the document is issued after the bill date."""
    return due_on + max(issued_on - bill_date, dt.timedelta())
