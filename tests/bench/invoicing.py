"""Charges to numbered invoices, through the inbox, against an ORM loop that does the same.

    python tests/bench/invoicing.py --bundle 200 500 1000

Prints CPU per invoice (this process and PostgreSQL, from the kernel's accounting) and invoices a second. The database
is fresh and was never analysed, as on the first run of an operator; fsync is on.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import msgspec
from measuring import Spent, measured, private_postgres
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from billhook_common.clock import FixedClock
from billhook_common.contracts.billing import ChargeLine, CustomerCharged, TaxLine
from billhook_common.contracts.crm import Address, CustomerCreated
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.db import Database
from billhook_common.events import publish
from billhook_common.events.envelope import encode
from billhook_common.events.inbox import Inbox
from billhook_common.ids import uuid7
from billhook_common.local.postgres import LocalPostgres
from billhook_common.money import Money
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START, ZONE, wire
from billhook_invoicing.actions.issue import document_id
from billhook_invoicing.actions.verify import verify_documents
from billhook_invoicing.app import service
from billhook_invoicing.models import Counter, Customer, Document, DocumentLine, IssuedDay, OpenItem, Series

FIRST, NEXT = dt.date(2026, 11, 1), dt.date(2026, 12, 1)


def a_customer(number: int) -> CustomerCreated:
    """A customer as crm tells it."""
    return CustomerCreated(
        customer_id=uuid7(), version=1, number=str(10_000_000 + number), login=f"bv{number:06}",
        name=f"Customer {number}", category="person", lifecycle="active", email=f"bv{number}@example.org",
        address=Address(street=f"Mill Lane {number}", city="Mirov", zip="471 05", country="CZ"),
        payment_reference=str(10_000_000 + number), created_on=dt.date(2026, 1, 5),
    )  # fmt: skip


def a_charge(customer_id: UUID, run_id: UUID) -> CustomerCharged:
    """A charge of two lines as a billing run tells it."""
    lines = [_line("Fiber 300", "24.90", "5.23"), _line("Static IPv4", "2.50", "0.52")]
    return CustomerCharged(
        charge_id=uuid7(), transaction_id=uuid7(), customer_id=customer_id, run_id=run_id, bill_date=FIRST,
        due_on=dt.date(2026, 11, 15), period_from=FIRST, period_until=NEXT, currency="EUR", tax_included=False,
        lines=lines, taxes=[TaxLine(rate=Decimal(21), net=Decimal("27.40"), tax=Decimal("5.75"))],
        net=Decimal("27.40"), tax=Decimal("5.75"), gross=Decimal("33.15"),
        balance_after=Money.of("-33.15", "EUR"), account_version=1, wants_document=True,
    )  # fmt: skip


def _line(text: str, net: str, tax: str) -> ChargeLine:
    return ChargeLine(
        subscription_id=uuid7(), text=text, quantity=Decimal(1), unit_price=Decimal(net), amount=Decimal(net),
        net=Decimal(net), tax=Decimal(tax), tax_rate=Decimal(21), period_from=FIRST, period_until=NEXT, days=30,
        period_days=30, rule="full_period", discount=Decimal("0.00"),
    )  # fmt: skip


def issue_one(session: Session, clock: FixedClock, charge: CustomerCharged) -> None:
    """The yardstick: one invoice, its lines, item, number and event, object by object, committed by itself."""
    customer = session.get_one(Customer, charge.customer_id)
    series = session.scalars(select(Series).where(Series.kind == "invoice").with_for_update()).one()
    counter = session.get(Counter, (series.id, "2026")) or Counter(series_id=series.id, key="2026", start=1, next=1)
    session.add(counter)
    value, counter.next = counter.next, counter.next + 1
    series.last_issued_on = clock.today()
    document = Document(
        id=document_id(charge.charge_id), series_id=series.id, counter_key="2026", counter=value,
        number=f"INV-2026-{value:06}", customer_id=charge.customer_id, charge_id=charge.charge_id,
        transaction_id=charge.transaction_id, run_id=charge.run_id, bill_date=charge.bill_date,
        issued_on=clock.today(), tax_point_on=charge.bill_date, due_on=charge.due_on, period_from=charge.period_from,
        period_until=charge.period_until, currency=charge.currency, tax_included=False, tax_rounding="document",
        net=int(charge.net * 100), tax=int(charge.tax * 100), gross=int(charge.gross * 100), paid=0,
        payment_reference=customer.payment_reference, language=customer.language, buyer=customer.bill_to,
        created_at=clock.now(),
    )  # fmt: skip
    session.add(document)
    session.flush()
    # The database wants the lines of a document in one statement, which the unit of work does not promise.
    lines = [_line_values(document.id, *line) for line in enumerate(charge.lines, 1)]
    session.execute(insert(DocumentLine).values(lines))
    session.add(
        OpenItem(
            transaction_id=charge.transaction_id, version=1, currency="EUR", total=document.gross, open=document.gross,
            changed_at=clock.now(), document_id=document.id, seq=document.seq, issued_on=document.issued_on,
            due_on=document.due_on,
        )
    )  # fmt: skip
    day = session.get(IssuedDay, (document.issued_on, "EUR")) or IssuedDay(
        issued_on=document.issued_on, currency="EUR", count=0, net=0, gross=0
    )
    day.count, day.net, day.gross = day.count + 1, day.net + document.net, day.gross + document.gross
    session.add(day)
    fact = InvoiceIssued(
        document_id=document.id, number=document.number, customer_id=charge.customer_id, charge_id=charge.charge_id,
        currency=charge.currency, taxes=charge.taxes, net=charge.net, tax=charge.tax, gross=charge.gross,
        issued_on=document.issued_on, tax_point_on=document.tax_point_on, due_on=document.due_on,
        payment_reference=document.payment_reference,
    )  # fmt: skip
    publish(session, clock, fact, subject=document.id, customer_id=charge.customer_id)


def _line_values(owner: UUID, at: int, line: ChargeLine) -> dict[str, object]:
    values = {name: getattr(line, name) for name in line.__struct_fields__ if name != "amount"}
    amounts = {name: int(getattr(line, name) * 100) for name in ("net", "tax", "discount")}
    return {**values, **amounts, "document_id": owner, "line": at, "tax_included": False}


class Bench:
    """An invoicing service on a database of its own, with customers."""

    def __init__(self, databases: TestDatabases, customers: int) -> None:
        self.server = databases.server
        self.clock = FixedClock(START, ZONE)
        config = service.config(database_url=databases.create(service), zone=ZONE)
        self.database = Database(config)
        self.inbox = Inbox(self.database, service.handlers, self.clock, config)
        self.customers = [a_customer(number) for number in range(customers)]
        for at in range(0, customers, 500):
            self.inbox.accept([wire(item, self.clock.now())[0] for item in self.customers[at : at + 500]])

    def charges(self, count: int) -> list[CustomerCharged]:
        """Charges of one run, one a customer."""
        run_id = uuid7()
        return [a_charge(customer.customer_id, run_id) for customer in self.customers[:count]]

    def accept(self, charges: Sequence[CustomerCharged], bundle: int) -> Spent:
        """Through the inbox, ``bundle`` events a batch."""
        raws = [wire(charge, self.clock.now())[0] for charge in charges]
        with measured(self.server) as spent:
            for at in range(0, len(raws), bundle):
                self.inbox.accept(raws[at : at + bundle])
        return spent

    def one_by_one(self, charges: Sequence[CustomerCharged]) -> Spent:
        """The yardstick."""
        raws = [encode(charge) for charge in charges]
        decoder = msgspec.json.Decoder(CustomerCharged)
        with measured(self.server) as spent:
            for raw in raws:
                with self.database.transaction() as session:
                    issue_one(session, self.clock, decoder.decode(raw))
        return spent

    def check(self, count: int) -> None:
        """Every charge has its invoice, and they are right."""
        with self.database.transaction() as session:
            assert session.scalar(select(func.count()).select_from(Document)) == count
            assert verify_documents(session) == []


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--yardstick", type=int, default=500)
    parser.add_argument("--bundle", type=int, nargs="*", default=[200, 500, 1000])
    options = parser.parse_args()
    with private_postgres() as server:
        _run(server, options)


def _run(server: LocalPostgres, options: argparse.Namespace) -> None:
    databases = TestDatabases(server)
    yardstick = Bench(databases, options.yardstick)
    slow = yardstick.one_by_one(yardstick.charges(options.yardstick))
    yardstick.check(options.yardstick)
    slow_ms = slow.cpu / options.yardstick * 1000
    for bundle in options.bundle:
        bench = Bench(databases, options.invoices)
        spent = bench.accept(bench.charges(options.invoices), bundle)
        bench.check(options.invoices)
        ms = spent.cpu / options.invoices * 1000
        print(
            f"charge → numbered invoice, {bundle} a batch: {ms:.3f} ms CPU "
            f"(client {spent.client / options.invoices * 1000:.3f} + database "
            f"{spent.database / options.invoices * 1000:.3f}), {options.invoices / spent.wall:,.0f} invoices/s "
            f"(ORM loop {slow_ms:.3f} ms, {options.yardstick / slow.wall:,.0f}/s, {slow_ms / ms:.1f}×)"
        )


if __name__ == "__main__":
    main()
