"""Which invoices: the filters, the orders and the figures of the list, shared by list, totals and panels."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from billhook_common.db import AnySelect
from billhook_common.lists import Sorting
from billhook_common.paging import SortKey
from billhook_common.tabular.names import fold
from billhook_invoicing.domain.sums import Taxed
from billhook_invoicing.models import Company, Customer, Document, DocumentLine, IssuedDay, OpenItem

MATCHED_CUSTOMERS = 1_000
"""So many customers are looked up by name first; of more the documents are dense enough to be walked."""
_WORDS = 8
"""Words of a search that count."""

SORTING = Sorting(
    "-issued_on",
    number=(Document.number, Document.seq),
    issued_on=(Document.issued_on, Document.seq),
    due_on=(Document.due_on, Document.seq),
    gross_total=(Document.gross, Document.seq),
    open_amount=(OpenItem.open, OpenItem.seq),
)

# Said in the words of the index of unpaid items, so that it is used.
_OPEN = and_(OpenItem.open > 0, OpenItem.document_id.is_not(None))
_STATES: dict[str, ColumnElement[bool]] = {
    "unpaid": and_(_OPEN, OpenItem.open == OpenItem.total),
    "partially_paid": and_(_OPEN, OpenItem.open < OpenItem.total),
    "paid": OpenItem.open == 0,
}
STATES = (*_STATES, "open", "overdue")
"""What ``?state=`` may say: a state, or everything that is open, or that is open after its due date."""
_Day = InstrumentedAttribute[dt.date] | InstrumentedAttribute[dt.date | None]
_EQUAL = {"customer_id": Document.customer_id, "run_id": Document.run_id, "currency": Document.currency}


class Figures(NamedTuple):
    """How many invoices, and their sums in minor units."""

    invoices: int = 0
    gross: int = 0
    open: int = 0


class Filter(NamedTuple):
    """Which invoices: by what they say, issued on ``from_`` or later and before ``until``, by how far they are paid."""

    document: tuple[ColumnElement[bool], ...] = ()
    from_: dt.date | None = None
    until: dt.date | None = None
    state: tuple[ColumnElement[bool], ...] = ()
    holds_paid: bool = True

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """All of them, on Document and OpenItem."""
        day = Document.issued_on if self.holds_paid else OpenItem.issued_on
        return [*self.document, *self.days(day), *self.state]

    def days(self, day: _Day) -> Iterator[ColumnElement[bool]]:
        """The days of issue, said of the column ``day``."""
        if self.from_ is not None:
            yield day >= self.from_
        if self.until is not None:
            yield day < self.until


def filter_of(session: Session, wanted: Mapping[str, Any], today: dt.date, own: UUID | None) -> Filter:
    """The filter in ``wanted``, whose keys are the list's query parameters; ``own`` limits it to that customer's."""
    document = [*own_invoices(own), *(column == wanted[name] for name, column in _EQUAL.items() if name in wanted)]
    if folded(wanted.get("q", "")):
        document.append(_matches(session, wanted["q"]))
    month: dt.date | None = wanted.get("month")
    begins = [day for day in (wanted.get("from_"), month) if day is not None]
    ends = [day for day in (wanted.get("until"), next_month(month) if month else None) if day is not None]
    state = [is_in_state(wanted["state"], today)] if "state" in wanted else []
    if "overdue" in wanted:
        late = is_in_state("overdue", today)
        state.append(late if wanted["overdue"] else ~late)
    return Filter(
        document=tuple(document),
        from_=max(begins, default=None),
        until=min(ends, default=None),
        state=tuple(state),
        holds_paid=wanted.get("state", "paid") == "paid" and not wanted.get("overdue"),
    )


def listed_invoices() -> AnySelect:
    """Every invoice with its customer and what is open."""
    return (
        select(Document, Customer.number, Customer.name, OpenItem.open, OpenItem.total)
        .join(Customer, Customer.id == Document.customer_id)
        .join(OpenItem, OpenItem.document_id == Document.id)
    )


def sort_keys(sort: str, wanted: Filter) -> list[SortKey]:
    """The keyset of an order, for the list that the filter leaves."""
    if sort == SORTING.default and not wanted.holds_paid:
        # The few that are open have an index of their own.
        return [(OpenItem.issued_on, "desc"), (OpenItem.seq, "desc")]
    return SORTING.keys(sort)


def is_in_state(state: str, today: dt.date) -> ColumnElement[bool]:
    """The invoices in one of STATES."""
    if state == "overdue":
        return and_(_OPEN, OpenItem.due_on < today)
    return _OPEN if state == "open" else _STATES[state]


def own_invoices(customer_id: UUID | None) -> list[ColumnElement[bool]]:
    """What limits a caller who is a customer to their own invoices; nothing for staff."""
    return [] if customer_id is None else [Document.customer_id == customer_id]


def figures(session: Session, wanted: Filter, currency: str) -> dict[str, Figures]:
    """Count and sums by state of the invoices of one currency: amounts of two never mix (I9).

    The paid ones are all without the open ones, so that only the open ones, who are few, are looked at one by one.
    """
    found = open_figures(session, wanted, currency)
    if not wanted.holds_paid:
        return {**found, "paid": Figures()}
    every_open = open_figures(session, wanted._replace(state=()), currency) if wanted.state else found
    every, still_open = _every_figure(session, wanted, currency), total_of(every_open)
    return {**found, "paid": Figures(every.invoices - still_open.invoices, every.gross - still_open.gross)}


def open_figures(session: Session, wanted: Filter, currency: str) -> dict[str, Figures]:
    """The figures of those that are not paid, by state."""
    part = OpenItem.open < OpenItem.total
    statement = select(part, func.count(), func.sum(OpenItem.total), func.sum(OpenItem.open)).group_by(part)
    if wanted.document:
        statement = statement.join(Document, Document.id == OpenItem.document_id)
    days = wanted.days(OpenItem.issued_on)
    where = (_OPEN, OpenItem.currency == currency, *wanted.document, *days, *wanted.state)
    rows = session.execute(statement.where(*where))
    by_part = {in_part: Figures(*map(int, sums)) for in_part, *sums in rows}
    return {"unpaid": by_part.get(False, Figures()), "partially_paid": by_part.get(True, Figures())}


def total_of(by_state: Mapping[str, Figures]) -> Figures:
    """The figures of all states together."""
    return Figures(*map(sum, zip(*by_state.values(), strict=True)))


def issued_by_month(session: Session, from_: dt.date, currency: str) -> dict[str, tuple[int, int, int]]:
    """Count, net and gross of what was issued from ``from_`` on, by month such as ``2026-11``."""
    month = func.to_char(IssuedDay.issued_on, "YYYY-MM")
    sums = (func.sum(IssuedDay.count), func.sum(IssuedDay.net), func.sum(IssuedDay.gross))
    days = select(month, *sums).where(IssuedDay.issued_on >= from_, IssuedDay.currency == currency).group_by(month)
    return {name: (int(count), int(net), int(gross)) for name, count, net, gross in session.execute(days)}


def next_month(first_day: dt.date) -> dt.date:
    """The first day of the month after the one that begins on ``first_day``."""
    return (first_day + dt.timedelta(days=32)).replace(day=1)


def lines_of(session: Session, document: Document) -> list[DocumentLine]:
    """The document's lines, in order."""
    lines = select(DocumentLine).where(DocumentLine.document_id == document.id).order_by(DocumentLine.line)
    return list(session.scalars(lines))


def taxes_of(lines: Iterable[DocumentLine]) -> list[Taxed]:
    """The tax breakdown: what the lines of each rate sum to, in minor units (R8)."""
    sums: dict[Decimal, Taxed] = {}
    for line in lines:
        known = sums.get(line.tax_rate, Taxed(line.tax_rate, 0, 0))
        sums[line.tax_rate] = Taxed(line.tax_rate, known.net + line.net, known.tax + line.tax)
    return [sums[rate] for rate in sorted(sums)]


def company_of(session: Session, document: Document) -> Company | None:
    """Who sells on the document: as frozen, or the first that arrived where nothing had; None while nothing has."""
    if document.company_version is not None:
        return session.get(Company, document.company_version)
    return session.scalar(select(Company).order_by(Company.version).limit(1))


def folded(text: str) -> str:
    """``text`` as it is searched: words without case, accents and signs."""
    return " ".join(filter(None, map(fold, text.split())))


def _every_figure(session: Session, wanted: Filter, currency: str) -> Figures:
    """All of the filter, paid or not; where it says nothing but days, whole days are added."""
    if wanted.document:
        sums = select(func.count(), func.sum(Document.gross)).where(Document.currency == currency, *wanted.document)
        sums = sums.where(*wanted.days(Document.issued_on))
    else:
        sums = select(func.sum(IssuedDay.count), func.sum(IssuedDay.gross)).where(IssuedDay.currency == currency)
        sums = sums.where(*wanted.days(IssuedDay.issued_on))
    count, gross = session.execute(sums).one()
    return Figures(int(count or 0), int(gross or 0))


def _matches(session: Session, query: str) -> ColumnElement[bool]:
    """Numbers that begin with the query or have it as their counter, and customers with all its words in their name."""
    number = query.strip()
    found = [Document.number.startswith(written, autoescape=True) for written in {number, number.upper()}]
    if number.isascii() and number.isdigit() and len(number) <= 18:
        found.append(Document.counter == int(number))
    words = folded(query).split()[:_WORDS]
    named = select(Customer.id).where(*(Customer.search.contains(word, autoescape=True) for word in words))
    customers: list[UUID] = list(session.scalars(named.limit(MATCHED_CUSTOMERS + 1)))
    found.append(Document.customer_id.in_(customers if len(customers) <= MATCHED_CUSTOMERS else named))
    return or_(*found)
