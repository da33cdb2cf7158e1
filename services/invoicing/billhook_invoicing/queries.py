"""Which invoices: the filters, the orders and the figures of the list, shared by list, totals and panels."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from billhook_common.db import AnySelect
from billhook_common.paging import Direction, SortKey
from billhook_common.tabular.names import fold
from billhook_invoicing.domain.sums import Taxed
from billhook_invoicing.models import Company, Customer, Document, DocumentLine, OpenItem

MATCHED_CUSTOMERS = 1_000
"""So many customers are looked up by name before the documents; of more the documents are dense enough to be walked."""
_WORDS = 8
"""Words of a search that count."""

_SORTS: dict[str, tuple[InstrumentedAttribute[Any], ...]] = {
    "number": (Document.number, Document.seq),
    "issued_on": (Document.issued_on, Document.seq),
    "due_on": (Document.due_on, Document.seq),
    "gross_total": (Document.gross, Document.seq),
    "open_amount": (OpenItem.open, Document.seq),
}
SORTS = tuple(f"{way}{name}" for name in _SORTS for way in ("", "-"))
"""What ``?sort=`` may say; a minus before it turns the order round."""
NEWEST_FIRST = "-issued_on"

# Said in the words of the index of unpaid items, so that it is used.
_OPEN = and_(OpenItem.open > 0, OpenItem.document_id.is_not(None))
_STATES: dict[str, ColumnElement[bool]] = {
    "unpaid": and_(_OPEN, OpenItem.open == OpenItem.total),
    "partially_paid": and_(_OPEN, OpenItem.open < OpenItem.total),
    "paid": OpenItem.open == 0,
}
STATES = (*_STATES, "open", "overdue")
"""What ``?state=`` may say: a state, or everything that is open, or that is open after its due date."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How many invoices, and their sums in minor units."""

    count: int
    net: int
    gross: int
    open: int


def folded(text: str) -> str:
    """``text`` as it is searched: words without case, accents and signs."""
    return " ".join(filter(None, map(fold, text.split())))


def listed_invoices() -> AnySelect:
    """Every invoice with its customer and what is open."""
    return _joined(select(Document, Customer.number, Customer.name, OpenItem.open, OpenItem.total))


def sort_keys(sort: str, wanted: Mapping[str, Any]) -> list[SortKey]:
    """The keyset of one of SORTS, for the list that the filters in ``wanted`` leave."""
    way: Direction = "desc" if sort.startswith("-") else "asc"
    if sort == NEWEST_FIRST and (wanted.get("overdue") or wanted.get("state", "paid") != "paid"):
        # The few that are open have an index of their own, by the order of issue.
        return [(OpenItem.seq, way)]
    return [(column, way) for column in _SORTS[sort.removeprefix("-")]]


def conditions(session: Session, wanted: Mapping[str, Any], today: dt.date) -> list[ColumnElement[bool]]:
    """The filters in ``wanted``; the keys are those of the list's query parameters, but for paging."""
    found: list[ColumnElement[bool]] = [column == wanted[name] for name, column in _EQUAL.items() if name in wanted]
    if "state" in wanted:
        found.append(is_in_state(wanted["state"], today))
    if "overdue" in wanted:
        late = is_in_state("overdue", today)
        found.append(late if wanted["overdue"] else ~late)
    if "from_" in wanted:
        found.append(Document.issued_on >= wanted["from_"])
    if "until" in wanted:
        found.append(Document.issued_on < wanted["until"])
    if "month" in wanted:
        found.append(issued_in(wanted["month"]))
    if folded(wanted.get("q", "")):
        found.append(_matches(session, wanted["q"]))
    return found


def is_in_state(state: str, today: dt.date) -> ColumnElement[bool]:
    """The invoices in one of STATES."""
    if state == "overdue":
        return and_(_OPEN, OpenItem.due_on < today)
    return _OPEN if state == "open" else _STATES[state]


def issued_in(first_day: dt.date) -> ColumnElement[bool]:
    """The invoices issued in the month that begins on ``first_day``."""
    return and_(Document.issued_on >= first_day, Document.issued_on < next_month(first_day))


def next_month(first_day: dt.date) -> dt.date:
    """The first day of the month after the one that begins on ``first_day``."""
    return (first_day + dt.timedelta(days=32)).replace(day=1)


def figures(session: Session, where: list[ColumnElement[bool]], currency: str) -> dict[str, Figures]:
    """Count and sums of the invoices ``where`` says, by state, in one currency: amounts of two never mix (I9)."""
    columns = (func.count(), func.sum(Document.net), func.sum(Document.gross), func.sum(OpenItem.open))
    sums = [column.filter(condition) for condition in _STATES.values() for column in columns]
    row = session.execute(_joined(select(*sums)).where(Document.currency == currency, *where)).one()
    size = len(columns)
    return {
        name: Figures(*(int(value or 0) for value in row[at * size : (at + 1) * size]))
        for at, name in enumerate(_STATES)
    }


def total_of(by_state: Mapping[str, Figures]) -> Figures:
    """The figures of all states together."""
    return Figures(*map(sum, zip(*map(astuple, by_state.values()), strict=True)))


def own_invoices(customer_id: UUID | None) -> list[ColumnElement[bool]]:
    """What limits a caller who is a customer to their own invoices; nothing for staff."""
    return [] if customer_id is None else [Document.customer_id == customer_id]


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


def _joined(statement: AnySelect) -> AnySelect:
    return (
        statement.select_from(Document)
        .join(Customer, Customer.id == Document.customer_id)
        .join(OpenItem, OpenItem.document_id == Document.id)
    )


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


_EQUAL = {
    "customer_id": Document.customer_id,
    "run_id": Document.run_id,
    "currency": Document.currency,
}
