"""The billing run against set-based SQL that does the same writes.

    python tests/bench/billing_run.py 1000 10000 100000

Each size gets two fresh databases that were never analysed, one for the run and one for the yardstick; fsync is on.
A customer has one service; their charge is a posting of three legs, an open item, a line and an event.
"""

import argparse
import datetime as dt
from decimal import Decimal
from uuid import UUID

import psycopg
from measuring import Spent, measured, private_postgres
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions import run as runs
from billhook_billing.actions.plans import PlanTerms, make_plan
from billhook_billing.actions.verify import verify_books
from billhook_billing.app import service
from billhook_billing.domain.charging import CATCH_UP_LIMIT
from billhook_billing.models import ChargeRun
from billhook_common.clock import Clock, FixedClock
from billhook_common.config import ServiceConfig
from billhook_common.db import Database, copy_rows
from billhook_common.ids import uuid7
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START, ZONE
from billhook_common.worker import collect_seldom

BAR_RATIO = 0.5
BAR_GROWTH = 1.3
BAR_BYTES = 200 * 1024**2
RUN_DATE = dt.date(2026, 12, 1)
CLOCK = FixedClock(START, ZONE)

_ACCOUNT = ("customer_id", "customer_version", "number", "login", "name", "lifecycle", "currency")
_SUBSCRIPTION = (
    "id", "version", "customer_id", "plan_id", "state", "description", "price", "currency", "tax_rate", "tax_included",
    "period_months", "starts_on", "charged_until",
)  # fmt: skip


def fill(session: Session, customers: int) -> None:
    """Accounts with one service each, whose next month is due."""
    price, rate = Decimal("24.90"), Decimal(21)
    terms = PlanTerms(name="Fiber 300", kind="internet", price=price, currency="EUR", tax_rate=rate, tax_included=False)
    plan = make_plan(session, CLOCK, terms)
    ids = [uuid7() for _ in range(customers)]
    numbers = enumerate(ids, 10_000_001)
    copy_rows(
        session, "account", _ACCOUNT,
        ((key, 1, str(number), f"c{number}", f"Customer {number}", "active", "EUR") for number, key in numbers),
    )  # fmt: skip
    copy_rows(
        session, "subscription", _SUBSCRIPTION,
        (
            (uuid7(), 1, key, plan.id, "active", plan.name, plan.price, "EUR", plan.tax_rate, False, 1,
             dt.date(2026, 1, 1), RUN_DATE)
            for key in ids
        ),
    )  # fmt: skip


def advance(database: Database, clock: Clock) -> None:
    """Do what the run under way can do by itself, as its job does: the preview, or the charging."""
    again = True
    while again:
        with database.transaction() as session:
            again = runs.advance(session, clock)


class Bench:
    """A billing service on a database of its own."""

    def __init__(self, databases: TestDatabases, customers: int) -> None:
        self.server = databases.server
        self.dsn = databases.create(service)
        self.customers = customers
        self.database = Database(ServiceConfig(database_url=self.dsn, zone=ZONE))
        with self.database.transaction() as session:
            fill(session, customers)

    def preview(self) -> tuple[UUID, Spent]:
        """A finished preview, and what it cost."""
        with self.database.transaction() as session:
            run = runs.start_run(
                session, CLOCK, run_date=RUN_DATE, currency="EUR", actor="bench", catch_up_limit=CATCH_UP_LIMIT
            )
        with measured(self.server) as spent:
            advance(self.database, CLOCK)
        return run.id, spent

    def charge(self, run_id: UUID) -> Spent:
        """Charge what was previewed."""
        with self.database.transaction() as session:
            runs.confirm_run(session, CLOCK, run_id, actor="bench")
        with measured(self.server) as spent:
            advance(self.database, CLOCK)
        return spent

    def set_based(self) -> Spent:
        """The yardstick: the same rows, one statement a table, in one transaction."""
        with psycopg.connect(self.dsn) as connection, measured(self.server) as spent:
            for statement in YARDSTICK:
                connection.execute(statement, {"run_date": RUN_DATE})
            connection.commit()
        return spent

    def check(self) -> None:
        """Everyone is charged, once, and the books are right."""
        with self.database.transaction() as session:
            counts = [
                session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in ("ledger_transaction", "charged_line", "open_item")
            ]
            events = session.execute(text("SELECT count(*) FROM outbox WHERE type LIKE '%charged%'")).scalar_one()
            legs = session.execute(text("SELECT count(*) FROM ledger_entry")).scalar_one()
            assert [*counts, events, legs] == [self.customers] * 4 + [3 * self.customers]
            moved = text("SELECT count(*) FROM subscription WHERE charged_until = '2027-01-01'")
            assert session.execute(moved).scalar_one() == self.customers
            assert verify_books(session) == []

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()


YARDSTICK = (
    """
    CREATE TEMPORARY TABLE due ON COMMIT DROP AS
    SELECT gen_random_uuid() AS transaction_id, gen_random_uuid() AS charge_id, subscription.id AS subscription_id,
        account.customer_id, account.due_days, account.version + 1 AS account_version, subscription.description,
        subscription.currency, subscription.quantity, subscription.price, subscription.tax_rate,
        charged_until AS period_from, CAST(charged_until + interval '1 month' AS date) AS period_until,
        CAST(round(price * quantity * 100) AS bigint) AS net,
        CAST(round(round(price * quantity * 100) * subscription.tax_rate / 100) AS bigint) AS tax, account.balance
    FROM subscription JOIN account USING (customer_id)
    WHERE subscription.state = 'active' AND charged_until <= %(run_date)s AND account.lifecycle = 'active'
    """,
    """
    INSERT INTO ledger_transaction (id, kind, customer_id, currency, amount, posted_on, effective_on, description,
        period_from, period_until, source, charge_id, created_at, actor)
    SELECT transaction_id, 'charge', customer_id, currency, -(net + tax), %(run_date)s, %(run_date)s, description,
        period_from, period_until, 'run', charge_id, now(), 'bench' FROM due
    """,
    """
    INSERT INTO ledger_entry (transaction_id, account, customer_id, currency, amount, tax_rate, balance_after)
    SELECT transaction_id, leg.account, leg.customer_id, currency, leg.amount, leg.tax_rate, leg.balance_after
    FROM due, LATERAL (VALUES
        ('customers', customer_id, -(net + tax), NULL, balance - net - tax),
        ('revenue', NULL, net, NULL, NULL),
        ('tax', NULL, tax, due.tax_rate, NULL)) AS leg(account, customer_id, amount, tax_rate, balance_after)
    """,
    """
    INSERT INTO open_item (transaction_id, customer_id, currency, total, open, due_on, charge_id, wants_document)
    SELECT transaction_id, customer_id, currency, net + tax, net + tax, %(run_date)s + due_days, charge_id, true
    FROM due
    """,
    """
    INSERT INTO charged_line (transaction_id, line, subscription_id, text, period_from, period_until, days, period_days,
        rule, quantity, unit_price, tax_rate, tax_included, discount, net, tax)
    SELECT transaction_id, 1, subscription_id, description, period_from, period_until, period_until - period_from,
        period_until - period_from, 'full_period', quantity, price, tax_rate, false, 0, net, tax FROM due
    """,
    """
    UPDATE account SET balance = account.balance - net - tax, version = account_version
    FROM due WHERE due.customer_id = account.customer_id
    """,
    """
    UPDATE subscription SET charged_until = period_until, version = version + 1
    FROM due WHERE subscription.id = subscription_id AND charged_until = period_from
    """,
    """
    INSERT INTO outbox (id, type, subject, customer_id, version, occurred_at, data)
    SELECT gen_random_uuid(), 'billing.customer.charged.v1', charge_id, customer_id, account_version, now(),
        json_build_object(
            'charge_id', charge_id, 'transaction_id', transaction_id, 'customer_id', customer_id, 'run_id', NULL,
            'bill_date', %(run_date)s::date, 'due_on', %(run_date)s + due_days, 'period_from', period_from,
            'period_until', period_until, 'currency', currency, 'tax_included', false, 'tax_rounding', 'document',
            'lines', json_build_array(
                json_build_object(
                    'subscription_id', subscription_id, 'text', description, 'quantity', quantity::text,
                    'unit_price', price::text, 'amount', (net / 100.0)::text, 'net', (net / 100.0)::text,
                    'tax', (tax / 100.0)::text, 'tax_rate', tax_rate::text, 'period_from', period_from,
                    'period_until', period_until, 'days', period_until - period_from,
                    'period_days', period_until - period_from, 'rule', 'full_period', 'discount', '0.00')),
            'taxes', json_build_array(json_build_object(
                'rate', tax_rate::text, 'net', (net / 100.0)::text, 'tax', (tax / 100.0)::text)),
            'net', (net / 100.0)::text, 'tax', (tax / 100.0)::text, 'gross', ((net + tax) / 100.0)::text,
            'balance_after', json_build_object('amount', ((balance - net - tax) / 100.0)::text, 'currency', currency),
            'account_version', account_version, 'wants_document', true)::text
    FROM due
    """,
)
"""What the run writes, without ids that a repetition meets, checks of terms, proration and problems set aside."""


def bench(databases: TestDatabases, customers: int) -> float:
    """Run and yardstick for so many customers; prints the figures, returns CPU ms per customer."""
    yardstick = Bench(databases, customers)
    plain = yardstick.set_based()
    yardstick.check()
    yardstick.close()
    own = Bench(databases, customers)
    run_id, preview = own.preview()
    spent = own.charge(run_id)
    own.check()
    with own.database.transaction() as session:
        assert session.get_one(ChargeRun, run_id).charged == customers
    own.close()
    each = spent.cpu / customers * 1000
    ratio = plain.cpu / spent.cpu
    peak = max(spent.peak_bytes, preview.peak_bytes)
    print(
        f"billing_run: {customers / spent.wall:,.0f} customers/s, {each:.3f} ms CPU per customer (yardstick set-based "
        f"SQL: {customers / plain.wall:,.0f}/s, {plain.cpu / customers * 1000:.3f} ms, ratio {ratio:.2f}); "
        f"{customers:,} customers, client {spent.client / customers * 1000:.3f} + database "
        f"{spent.database / customers * 1000:.3f} ms, preview {preview.cpu / customers * 1000:.3f} ms, "
        f"peak {peak / 1024**2:.0f} MB",
        flush=True,
    )
    if ratio < BAR_RATIO:
        print(f"  below the bar: ratio {BAR_RATIO}")
    if peak > BAR_BYTES:
        print(f"  above the bar: {BAR_BYTES // 1024**2} MB")
    return each


def main() -> None:
    """Run the sizes asked for and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("customers", type=int, nargs="*", default=[10_000])
    options = parser.parse_args()
    collect_seldom()  # As the worker does.
    with private_postgres() as server:
        databases = TestDatabases(server)
        found = {customers: bench(databases, customers) for customers in options.customers}
    if {10_000, 100_000} <= found.keys():
        growth = found[100_000] / found[10_000]
        print(f"billing_run growth: {growth:.2f}× CPU per customer at 100,000 of 10,000 (bar {BAR_GROWTH})")


if __name__ == "__main__":
    main()
