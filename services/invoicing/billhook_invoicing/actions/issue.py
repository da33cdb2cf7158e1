"""Issue the invoices of charges: sums checked, numbers from one block, everything printed frozen (R10, R19, R22, I19).

A billing run comes in thousands, so a batch is a handful of statements and COPY. Whatever is wrong with a charge
raises before a number is taken: the inbox then sets it aside, and the numbers of the others have no gap.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.billing import ChargeLine, CustomerCharged
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.db import AnyRow, copy_rows, no_sequential_scans
from billhook_common.errors import Conflict
from billhook_common.events import NotYet, Outgoing, publish_many
from billhook_common.ids import derive_id
from billhook_common.money import exponent
from billhook_invoicing.actions.number import Block, hold_series, take_block
from billhook_invoicing.domain.dates import due_date, tax_point
from billhook_invoicing.domain.document import SumsDisagree
from billhook_invoicing.domain.sums import Taxed, check_sums, minor

KIND = "invoice"

_BILL_TO = text(
    "SELECT id, payment_reference, language, CAST(bill_to AS text) AS buyer FROM customer WHERE id = ANY(:ids)"
)
_ISSUED = text("SELECT id, customer_id, currency, gross FROM document WHERE id = ANY(:ids)")
_COMPANY = text("SELECT max(version) FROM company")
_SETTLED = text("SELECT transaction_id, total - open FROM open_item WHERE transaction_id = ANY(:ids) AND open < total")
# The item is there already where it was paid before its invoice (O2); else it is born as the charge, version 1.
_OPEN = text("""
    INSERT INTO open_item
        (transaction_id, version, currency, total, open, changed_at, document_id, seq, issued_on, due_on)
    SELECT transaction_id, 1, currency, gross, gross, created_at, id, seq, issued_on, due_on
    FROM document WHERE id = ANY(:ids) ORDER BY transaction_id
    ON CONFLICT (transaction_id) DO UPDATE SET document_id = excluded.document_id, seq = excluded.seq,
        issued_on = excluded.issued_on, due_on = excluded.due_on
""")
_DAYS = text("""
    INSERT INTO issued_day AS mine (issued_on, currency, count, net, gross)
    SELECT issued_on, currency, count(*), sum(net), sum(gross) FROM document WHERE id = ANY(:ids)
    GROUP BY issued_on, currency ORDER BY issued_on, currency
    ON CONFLICT (issued_on, currency) DO UPDATE SET
        count = mine.count + excluded.count, net = mine.net + excluded.net, gross = mine.gross + excluded.gross
""")
_DOCUMENT = (
    "id", "series_id", "counter_key", "counter", "number", "customer_id", "charge_id", "transaction_id", "run_id",
    "bill_date", "issued_on", "tax_point_on", "due_on", "period_from", "period_until", "currency", "tax_included",
    "tax_rounding", "net", "tax", "gross", "paid", "payment_reference", "language", "buyer", "company_version",
    "created_at",
)  # fmt: skip
_LINE = (
    "document_id", "line", "subscription_id", "text", "period_from", "period_until", "days", "period_days", "rule",
    "quantity", "unit_price", "tax_rate", "tax_included", "discount", "net", "tax",
)  # fmt: skip


class InvoicedDifferently(Conflict):
    """A charge has one invoice, and an issued invoice never changes: a repetition says the same."""

    title = "This charge was invoiced with another amount or customer"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A charge whose sums agree; ``parts`` are its lines' amounts, ``places`` the decimals of its currency."""

    id: UUID
    charge: CustomerCharged
    places: int
    parts: list[Taxed]
    net: int
    tax: int
    gross: int

    @property
    def said(self) -> tuple[UUID, str, int]:
        """What a repetition of the charge must say too."""
        return (self.charge.customer_id, self.charge.currency, self.gross)


def document_id(charge_id: UUID) -> UUID:
    """The id of a charge's invoice: a repeated run, a replay or a restored database meets itself (events.md 2.3)."""
    return derive_id("document", charge_id)


def issue_invoices(session: Session, clock: Clock, charges: Iterable[CustomerCharged]) -> None:
    """Issue the invoice of each charge that wants one and has none, in this order, and tell.

    Raises SumsDisagree, InvoicedDifferently, NumberTooLong, and NotYet while a customer has not arrived.
    """
    drafts = _drafts(charge for charge in charges if charge.wants_document)
    if not drafts:
        return
    no_sequential_scans(session)
    bill_tos = _bill_tos(session, {draft.charge.customer_id for draft in drafts.values()})
    series = hold_series(session, KIND)
    # Looked up once the series is held: what another batch has issued while this one waited is seen.
    fresh = _without_issued(session, drafts)
    if not fresh:
        return
    block = take_block(session, series, clock.today(), len(fresh))
    company_version = session.execute(_COMPANY).scalar_one()
    settled = _settled(session, [draft.charge.transaction_id for draft in fresh])
    issuing = _Issuing(block, bill_tos, settled, company_version, clock.now())
    copy_rows(session, "document", _DOCUMENT, issuing.documents(fresh))
    copy_rows(session, "document_line", _LINE, _lines(fresh))
    ids = {"ids": [draft.id for draft in fresh]}
    session.execute(_OPEN, ids)
    session.execute(_DAYS, ids)
    publish_many(session, clock, issuing.told(fresh))


def _drafts(charges: Iterable[CustomerCharged]) -> dict[UUID, _Draft]:
    drafts: dict[UUID, _Draft] = {}
    for charge in charges:
        draft = _draft(charge)
        known = drafts.setdefault(draft.id, draft)
        _check_same(draft, known.said)
    return drafts


def _draft(charge: CustomerCharged) -> _Draft:
    """The charge in minor units. Raises SumsDisagree."""
    places = exponent(charge.currency)
    parts = [_part(line, places) for line in charge.lines]
    breakdown = [Taxed(row.rate, minor(row.net, places), minor(row.tax, places)) for row in charge.taxes]
    net, tax, gross = minor(charge.net, places), minor(charge.tax, places), minor(charge.gross, places)
    check_sums(parts, breakdown, net=net, tax=tax, gross=gross)
    if not parts or gross < 0:
        raise SumsDisagree(f"{gross} on {len(parts)} lines: what is credited has a credit note (R24)")
    return _Draft(document_id(charge.charge_id), charge, places, parts, net, tax, gross)


def _part(line: ChargeLine, places: int) -> Taxed:
    if line.amount != line.net and line.amount != line.net + line.tax:
        raise SumsDisagree(f"a line of {line.amount} is neither its net {line.net} nor that with tax {line.tax}")
    return Taxed(line.tax_rate, minor(line.net, places), minor(line.tax, places))


def _check_same(draft: _Draft, said: tuple[UUID, str, int]) -> None:
    if draft.said != said:
        raise InvoicedDifferently(f"Charge {draft.charge.charge_id} has an invoice that says {said}.")


def _bill_tos(session: Session, customer_ids: Collection[UUID]) -> Mapping[UUID, AnyRow]:
    found = {row.id: row for row in session.execute(_BILL_TO, {"ids": list(customer_ids)})}
    if len(found) < len(customer_ids):
        raise NotYet(f"customer {min(set(customer_ids) - found.keys())} is not known")
    return found


def _without_issued(session: Session, drafts: Mapping[UUID, _Draft]) -> list[_Draft]:
    rows = session.execute(_ISSUED, {"ids": list(drafts)})
    issued = {row.id: (row.customer_id, row.currency, row.gross) for row in rows}
    for issued_id, said in issued.items():
        _check_same(drafts[issued_id], said)
    return [draft for draft in drafts.values() if draft.id not in issued]


def _settled(session: Session, transaction_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What is paid of each item, where something is, in minor units."""
    return {transaction: paid for transaction, paid in session.execute(_SETTLED, {"ids": transaction_ids})}


@dataclass(frozen=True, slots=True)
class _Issuing:
    """A batch that is being issued: its numbers, and what of other services' data is frozen on it."""

    block: Block
    bill_tos: Mapping[UUID, AnyRow]
    settled: Mapping[UUID, int]
    company_version: int | None
    created_at: dt.datetime

    def documents(self, drafts: Sequence[_Draft]) -> Iterator[tuple[object, ...]]:
        """The rows of the documents, as _DOCUMENT names them."""
        block = self.block
        for at, (draft, number) in enumerate(zip(drafts, block.numbers, strict=True)):
            charge = draft.charge
            bill_to = self.bill_tos[charge.customer_id]
            yield (
                draft.id, block.series_id, block.key, block.first + at, number, charge.customer_id, charge.charge_id,
                charge.transaction_id, charge.run_id, charge.bill_date, block.issued_on, _tax_point(charge),
                self._due_on(charge), charge.period_from, charge.period_until, charge.currency, charge.tax_included,
                charge.tax_rounding, draft.net, draft.tax, draft.gross,
                min(self.settled.get(charge.transaction_id, 0), draft.gross), bill_to.payment_reference or number,
                bill_to.language, bill_to.buyer, self.company_version, self.created_at,
            )  # fmt: skip

    def told(self, drafts: Sequence[_Draft]) -> Iterator[Outgoing]:
        """The events that say so."""
        for draft, number in zip(drafts, self.block.numbers, strict=True):
            charge = draft.charge
            fact = InvoiceIssued(
                document_id=draft.id,
                number=number,
                customer_id=charge.customer_id,
                charge_id=charge.charge_id,
                currency=charge.currency,
                taxes=charge.taxes,
                net=charge.net,
                tax=charge.tax,
                gross=charge.gross,
                issued_on=self.block.issued_on,
                tax_point_on=_tax_point(charge),
                due_on=self._due_on(charge),
                payment_reference=self.bill_tos[charge.customer_id].payment_reference or number,
            )
            yield Outgoing(fact=fact, subject=draft.id, customer_id=charge.customer_id)

    def _due_on(self, charge: CustomerCharged) -> dt.date:
        return due_date(charge.bill_date, charge.due_on, self.block.issued_on)


def _tax_point(charge: CustomerCharged) -> dt.date:
    return tax_point(charge.bill_date, charge.period_until)


def _lines(drafts: Sequence[_Draft]) -> Iterator[tuple[object, ...]]:
    for draft in drafts:
        for at, (line, part) in enumerate(zip(draft.charge.lines, draft.parts, strict=True), 1):
            yield (
                draft.id, at, line.subscription_id, line.text, line.period_from, line.period_until, line.days,
                line.period_days, line.rule, line.quantity, line.unit_price, line.tax_rate,
                _is_included(draft.charge, line), minor(line.discount, draft.places), part.net, part.tax,
            )  # fmt: skip


def _is_included(charge: CustomerCharged, line: ChargeLine) -> bool:
    """Whether the line's price includes tax; where there is none, as on the rest of the document."""
    return line.amount != line.net if line.tax else charge.tax_included
