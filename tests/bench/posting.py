"""The ledger: single posts against a bare insert, batches against single posts, payments and invoices by event.

Prints CPU per item (this process and PostgreSQL, from the kernel's accounting). The database is fresh and was never
analysed, as on the first day of an operator; fsync is on.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from measuring import Spent, measured, private_postgres
from sqlalchemy import text

from billhook_billing.actions.post import NewTransaction, post
from billhook_billing.actions.settle import settle_new
from billhook_billing.actions.verify import verify_books
from billhook_billing.app import service
from billhook_billing.domain import ledger
from billhook_common.clock import FixedClock
from billhook_common.contracts import Fact
from billhook_common.contracts.billing import TaxLine
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.contracts.payments import NamedDocument, PaymentReceived
from billhook_common.db import Database, mark_outgoing, no_sequential_scans
from billhook_common.events.inbox import Inbox
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START, ZONE, wire

TODAY = dt.date(2026, 11, 24)
NET, TAX, GROSS = 2740, 575, Money.of("33.15", "EUR")
ROUNDS = 10
"""Yardstick and subject take turns, so that a busy machine slows both."""
BATCH = 200
"""Events of one transaction of the consumer."""


def a_correction(customer_id: UUID) -> NewTransaction:
    """A credit given by a person."""
    return NewTransaction(
        id=uuid7(), posting=ledger.correction(customer_id, GROSS), customer_id=customer_id, posted_on=TODAY,
        description="Goodwill",
    )  # fmt: skip


def a_charge(customer_id: UUID, month: int) -> NewTransaction:
    """A charge as the billing run posts it."""
    posting = ledger.charge(customer_id, "EUR", nets=[NET], taxes=[(Decimal(21), TAX)])
    return NewTransaction(
        id=uuid7(), posting=posting, customer_id=customer_id, posted_on=dt.date(2026, month, 1),
        due_on=dt.date(2026, month, 15), description="Services", source="run", charge_id=uuid7(), wants_document=True,
    )  # fmt: skip


def a_payment(customer_id: UUID, month: int, document_id: UUID | None) -> PaymentReceived:
    """A bank transfer, paired by its reference."""
    on = dt.date(2026, month, 10)
    return PaymentReceived(
        payment_id=uuid7(), number="P-000001", customer_id=customer_id, amount=GROSS, method="transfer", received_on=on,
        booked_on=on, documents=(NamedDocument(document_id=document_id),) if document_id else (), reference="10000001",
    )  # fmt: skip


def an_invoice(charge: NewTransaction, number: int) -> InvoiceIssued:
    """The invoice of a charge."""
    assert charge.customer_id and charge.due_on
    net, tax = Decimal(NET) / 100, Decimal(TAX) / 100
    return InvoiceIssued(
        document_id=uuid7(), number=f"INV-2026-{number:06}", customer_id=charge.customer_id, charge_id=charge.charge_id,
        currency="EUR", taxes=[TaxLine(rate=Decimal(21), net=net, tax=tax)], net=net, tax=tax, gross=GROSS.amount,
        issued_on=charge.posted_on, tax_point_on=charge.posted_on, due_on=charge.due_on, payment_reference="10000001",
    )  # fmt: skip


class Bench:
    """A billing service on a database of its own, with customers."""

    def __init__(self, databases: TestDatabases, customers: int) -> None:
        self.server = databases.server
        self.clock = FixedClock(START, ZONE)
        config = service.config(database_url=databases.create(service), zone=ZONE)
        self.database = Database(config)
        self.inbox = Inbox(self.database, service.handlers, self.clock, config)
        created = [
            CustomerCreated(
                customer_id=uuid7(), version=1, number=str(10_000_000 + number), login=f"bv{number:06}",
                name=f"Customer {number}", category="person", lifecycle="active", created_on=dt.date(2026, 1, 5),
            )
            for number in range(customers)
        ]  # fmt: skip
        self.customers = [fact.customer_id for fact in created]
        self.opened = self.accept(created)

    def accept(self, facts: Sequence[Fact]) -> Spent:
        """Through the inbox, a batch after the other."""
        raws = [wire(fact, self.clock.now())[0] for fact in facts]
        with measured(self.server) as spent:
            for at in range(0, len(raws), BATCH):
                self.inbox.accept(raws[at : at + BATCH])
        return spent

    def post(self, new: Sequence[NewTransaction], batch: int) -> Spent:
        """Post in transactions of ``batch``, each committed."""
        with measured(self.server) as spent:
            for at in range(0, len(new), batch):
                with self.database.transaction() as session:
                    post(session, self.clock, new[at : at + batch])
        return spent

    def charge(self, month: int) -> tuple[list[NewTransaction], Spent]:
        """Charge everybody, as a run does: in chunks, settled."""
        charges = [a_charge(customer_id, month) for customer_id in self.customers]
        with measured(self.server) as spent:
            for at in range(0, len(charges), 2000):
                with self.database.transaction() as session:
                    no_sequential_scans(session)
                    chunk = charges[at : at + 2000]
                    settle_new(session, self.clock, post(session, self.clock, chunk))
        return charges, spent

    def bare(self, new: Sequence[NewTransaction]) -> Spent:
        """The yardstick: the rows of single corrections, inserted and committed, without locks, checks and balance."""
        with measured(self.server) as spent:
            for item in new:
                facts = _bare_rows(item, self.clock.now())
                with self.database.transaction() as session:
                    for statement, values in zip(_BARE, facts, strict=True):
                        session.connection().exec_driver_sql(statement, values)
                    mark_outgoing(session)
        return spent

    def prove(self) -> None:
        """The books are right."""
        with self.database.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            assert verify_books(session) == []


_BARE = (
    "INSERT INTO ledger_transaction (id, kind, customer_id, currency, amount, posted_on, effective_on, description, "
    "source, created_at, actor) VALUES (%s, 'correction', %s, 'EUR', %s, %s, %s, %s, 'manual', %s, 'bench')",
    "INSERT INTO ledger_entry (transaction_id, account, customer_id, currency, amount) "
    "VALUES (%s, 'customers', %s, 'EUR', %s), (%s, 'corrections', NULL, 'EUR', %s)",
    "INSERT INTO credit (transaction_id, customer_id, currency, total, unallocated, given_on, is_credit_note) "
    "VALUES (%s, %s, 'EUR', %s, %s, %s, false)",
    "INSERT INTO outbox (id, type, subject, customer_id, version, occurred_at, data) "
    "VALUES (%s, 'billing.transaction.posted.v1', %s, %s, 1, %s, %s)",
)


def _bare_rows(item: NewTransaction, now: dt.datetime) -> list[tuple[object, ...]]:
    amount, who, on = item.change(), item.customer_id, item.posted_on
    return [
        (item.id, who, amount, on, on, item.description, now),
        (item.id, who, amount, item.id, -amount),
        (item.id, who, amount, amount, on),
        (uuid7(), item.id, who, now, "{}" * 150),
    ]


def posting(databases: TestDatabases, count: int) -> None:
    """Single posts against the bare insert, batches of 100 against single posts, one busy customer against many."""
    bench, yardstick = Bench(databases, count), Bench(databases, count)

    def corrections(own: Bench, number: int) -> list[NewTransaction]:
        return [a_correction(customer_id) for customer_id in (own.customers * (number // count + 1))[:number]]

    charges = [a_charge(customer_id, 11) for customer_id in bench.customers]
    bench.post(corrections(bench, count // 5), 1)
    yardstick.bare(corrections(yardstick, count // 5))
    bare, single = Spent(), Spent()
    for _ in range(ROUNDS):
        bare += yardstick.bare(corrections(yardstick, count // ROUNDS))
        single += bench.post(corrections(bench, count // ROUNDS), 1)
    charge = bench.post(charges, 1)
    hundred = bench.post(corrections(bench, count * 10), 100)
    print(bare.line("bare insert", count))
    print(single.line("post one", count) + f" ({bare.cpu / single.cpu:.2f}× the bare insert)")
    print(charge.line("post one charge, without event", len(charges)))
    ratio = (single.cpu / count) / (hundred.cpu / (count * 10))
    print(hundred.line("post in batches of 100", count * 10) + f" ({ratio:.1f}× single posts)")
    hot = bench.post([a_correction(bench.customers[0]) for _ in range(count)], 1)
    slower = hot.each(count) / single.each(count)
    print(hot.line("post one, always to the same customer", count) + f" ({slower:.2f}× the CPU of any customer)")


def by_event(databases: TestDatabases, count: int, months: int) -> None:
    """Months of charges, invoices and payments; the last month is printed."""
    bench = Bench(databases, count)
    print(bench.opened.line("account opened", count))
    for month in range(1, months + 1):
        charges, charged = bench.charge(month)
        invoices = [an_invoice(charge, number) for number, charge in enumerate(charges)]
        linked = bench.accept(invoices)
        named = [invoice.document_id if at % 2 else None for at, invoice in enumerate(invoices)]
        payments = [a_payment(invoice.customer_id, month, name) for invoice, name in zip(invoices, named, strict=True)]
        paid = bench.accept(payments)
        if month in {1, months}:
            print(charged.line(f"month {month}: charge posted and settled", count))
            print(linked.line(f"month {month}: invoice linked", count))
            print(paid.line(f"month {month}: payment posted and settled", count))
    bench.prove()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--months", type=int, default=3)
    options = parser.parse_args()
    with private_postgres() as server:
        databases = TestDatabases(server)
        posting(databases, options.posts)
        by_event(databases, options.customers, options.months)


if __name__ == "__main__":
    main()
