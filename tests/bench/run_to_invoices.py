"""A billing run and its numbered invoices, over RabbitMQ: workers of billing and invoicing, a database each.

    ./billhook bench run_to_invoices --customers 10000

From the run's confirmation until every customer has their invoice and billing has taken `invoice.issued` back. Counts
the CPU of both workers, both databases and the broker; the preview is not part of it.
"""

import argparse
from uuid import UUID

import msgspec
from billing_run import RUN_DATE, advance, fill
from cluster import Bill, Cluster, cluster
from invoicing import a_customer
from sqlalchemy import text

from billhook_billing.actions import run as runs
from billhook_billing.actions.verify import verify_books
from billhook_billing.app import service as billing
from billhook_billing.domain.charging import CATCH_UP_LIMIT
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.testing.harness import wire
from billhook_invoicing.actions.verify import verify_documents
from billhook_invoicing.app import service as invoicing

BAR_MS, BAR_RATE = 0.4, 3_000
ISSUED = "billing.customer.charged.v1", "invoicing.invoice.issued.v1"


def previewed(own: Cluster, customers: int) -> tuple[UUID, list[CustomerCreated]]:
    """A finished preview in billing, and its customers as crm tells them."""
    billing_database = own.databases["billing"]
    with billing_database.transaction() as session:
        fill(session, customers)
        ids = session.scalars(text("SELECT customer_id FROM account ORDER BY number")).all()
        run = runs.start_run(
            session, own.clock, run_date=RUN_DATE, currency="EUR", actor="bench", catch_up_limit=CATCH_UP_LIMIT
        )
    advance(billing_database, own.clock)
    return run.id, [msgspec.structs.replace(a_customer(number), customer_id=key) for number, key in enumerate(ids)]


def prepare(own: Cluster, customers: int) -> UUID:
    """Customers on both sides, and a finished preview of the run."""
    run_id, known = previewed(own, customers)
    own.accept("invoicing", [wire(customer, own.clock.now())[0] for customer in known])
    return run_id


def run(own: Cluster, run_id: UUID, customers: int) -> Bill:
    """Confirm, and wait for the last invoice and what comes back."""
    with own.billed() as bill:
        with own.databases["billing"].transaction() as session:
            runs.confirm_run(session, own.clock, run_id, actor="bench")
        own.until(lambda: own.accepted("billing", ISSUED[1]) == customers, "every invoice is back in billing")
        own.until_published("billing")
    return bill


def check(own: Cluster, customers: int) -> None:
    """An invoice for everybody, and both sides are right."""
    assert own.scalar("invoicing", "SELECT count(*) FROM document") == customers
    assert own.scalar("invoicing", "SELECT max(counter) - min(counter) + 1 FROM document") == customers
    with own.databases["billing"].transaction() as session:
        assert verify_books(session) == []
    with own.databases["invoicing"].transaction() as session:
        assert verify_documents(session) == []


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=10_000)
    options = parser.parse_args()
    with cluster(billing, invoicing) as own:
        run_id = prepare(own, options.customers)
        own.start()
        bill = run(own, run_id, options.customers)
        check(own, options.customers)
    print(f"run_to_invoices: {bill.line(options.customers)} (bars {BAR_MS} ms, {BAR_RATE:,}/s)")


if __name__ == "__main__":
    main()
