"""A bank statement to settled invoices, over RabbitMQ: workers of payments and billing, a database each.

    ./billhook bench payments --payments 10000

From the upload of a CAMT.053 file, in which every customer pays one invoice, half of them by payment reference and
half by invoice number, until billing has posted and allocated all of it and payments knows what is open. Counts the
CPU of the import, of both workers, both databases and the broker.
"""

import argparse
import datetime as dt
import io
from decimal import Decimal
from uuid import uuid4

import msgspec
from billing_run import RUN_DATE, advance
from cluster import Bill, Cluster, cluster
from run_to_invoices import previewed
from sqlalchemy import text

from billhook.demo.bank_file import BankEntry, BankStatement, write_statement
from billhook_billing.actions import run as runs
from billhook_billing.actions.verify import verify_books
from billhook_billing.app import service as billing
from billhook_common.clock import FixedClock
from billhook_common.contracts.billing import CustomerCharged, ItemChanged
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.testing.harness import ZONE, wire
from billhook_payments.actions.import_file import UploadedFile, import_file
from billhook_payments.app import service as payments

BAR_MS = 1.0
IBAN = "CZ6508000000192000145399"
GROSS = Decimal("30.13")
PAID_ON = RUN_DATE + dt.timedelta(days=9)
BANK_DAY = FixedClock(dt.datetime.combine(PAID_ON, dt.time(18), dt.UTC), ZONE)
ELSEWHERE = "Tryton 152.7 ms, django-silver 16.2 ms on the same kind of machine"


def prepare(own: Cluster, customers: int) -> bytes:
    """Customers with one open invoice each, known to both services; the statement that pays them all."""
    run_id, known = previewed(own, customers)
    with own.databases["billing"].transaction() as session:
        runs.confirm_run(session, own.clock, run_id, actor="bench")
    advance(own.databases["billing"], own.clock)
    with own.databases["billing"].transaction() as session:
        rows = session.scalars(
            text("SELECT data FROM outbox WHERE type = :type ORDER BY seq"), {"type": CustomerCharged.TYPE}
        )
        charges = {charge.customer_id: charge for charge in map(_charged, rows)}
    invoices = [_invoice(number, charges[customer.customer_id]) for number, customer in enumerate(known)]
    own.accept("payments", [wire(_company(), own.clock.now())[0]])
    for facts, names in ((known, ("payments",)), (invoices, ("billing", "payments"))):
        raws = [wire(fact, own.clock.now())[0] for fact in facts]
        for name in names:
            own.accept(name, raws)
    entries = [
        BankEntry(
            GROSS, PAID_ON, customer.name,
            text=f"faktura {invoice.number}" if number % 2 else f"VS {customer.payment_reference}",
        )
        for number, (customer, invoice) in enumerate(zip(known, invoices, strict=True))
    ]  # fmt: skip
    return write_statement(BankStatement(IBAN, "EUR", Decimal(0), PAID_ON, PAID_ON, entries))


_charged = msgspec.json.Decoder(CustomerCharged).decode


def _company() -> CompanyChanged:
    return CompanyChanged(
        company_id=uuid4(), version=1, name="Bench Net", company_number="12345678", iban=IBAN,
    )  # fmt: skip


def _invoice(number: int, charge: CustomerCharged) -> InvoiceIssued:
    assert charge.gross == GROSS
    return InvoiceIssued(
        document_id=uuid4(), number=f"INV-2026-{number + 1:06}", customer_id=charge.customer_id,
        charge_id=charge.charge_id, currency="EUR", taxes=charge.taxes, net=charge.net, tax=charge.tax,
        gross=charge.gross, issued_on=charge.bill_date, tax_point_on=charge.bill_date, due_on=charge.due_on,
        payment_reference=str(10_000_000 + number),
    )  # fmt: skip


def pay(own: Cluster, file: bytes, count: int) -> Bill:
    """Upload, and wait until the last open amount is back in payments."""
    before = own.accepted("payments", ItemChanged.TYPE)
    with own.billed() as bill:
        with own.databases["payments"].transaction() as session:
            uploaded = UploadedFile(name="november.xml", stream=io.BytesIO(file), by="bench")
            import_file(session, BANK_DAY, own.config("payments"), uploaded)  # type: ignore[arg-type]
        own.until(lambda: own.accepted("payments", ItemChanged.TYPE) == before + count, "every open amount is back")
    return bill


def check(own: Cluster, count: int) -> None:
    """Everything was paired and nothing is open."""
    assert own.scalar("payments", "SELECT count(*) FROM payment") == count
    assert own.scalar("payments", "SELECT count(*) FROM document WHERE open <> 0") == 0
    assert own.scalar("billing", "SELECT count(*) FROM open_item WHERE open <> 0") == 0
    with own.databases["billing"].transaction() as session:
        assert verify_books(session) == []


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=10_000)
    options = parser.parse_args()
    with cluster(billing, payments) as own:
        file = prepare(own, options.payments)
        own.start()
        own.until_published("billing")
        linked = options.payments * 2  # When posted, and when their invoices were known.
        own.until(lambda: own.accepted("payments", ItemChanged.TYPE) >= options.payments, "the open amounts are known")
        own.until_published("billing")
        assert own.accepted("payments", ItemChanged.TYPE) <= linked
        bill = pay(own, file, options.payments)
        check(own, options.payments)
    print(f"payments: {bill.line(options.payments)} (bar {BAR_MS} ms; {ELSEWHERE})")


if __name__ == "__main__":
    main()
