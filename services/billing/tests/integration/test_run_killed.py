"""A billing run that is killed at ten random points leaves the same books as one that is not (F16)."""

import datetime as dt
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from billhook_billing.app import service as billing
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.ids import derive_id
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases

pytestmark = pytest.mark.fault

CUSTOMERS = 60
CHUNK = 5
KILLS = 10

RUNNER = """
import datetime as dt, sys
from billhook_billing.actions import run
from billhook_billing.app import service
from billhook_billing.jobs import advance_runs
from billhook_common.clock import FixedClock
from billhook_common.config import ServiceConfig
from billhook_common.db import Database
from billhook_common.events import Context
from billhook_common.faults import crash_point

run.CHUNK_CUSTOMERS = int(sys.argv[2])
database = Database(ServiceConfig(database_url=sys.argv[1]))
clock = FixedClock(dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC), "Europe/Prague")
again = True
while again:
    with database.transaction() as session:
        again = run.advance(session, clock, chunk_customers=run.CHUNK_CUSTOMERS)
    crash_point("after_chunk")
"""


def prepared(databases: TestDatabases) -> tuple[ServiceHarness, str]:
    """Customers with services, and a confirmed run; everything with the same ids each time."""
    dsn = databases.create(billing)
    harness = ServiceHarness(billing, dsn)
    client = harness.client()
    plan = client.post(
        "/plans", {"name": "Fiber", "price": "19.99", "currency": "EUR", "tax_rate": "21", "tax_included": True}
    ).json["id"]
    for number in range(CUSTOMERS):
        customer_id = derive_id("customer", number)
        harness.deliver(
            CustomerCreated(
                customer_id=customer_id, version=1, number=str(10_000_000 + number), login=f"c{number}", name="x",
                category="person", lifecycle="active", created_on=dt.date(2026, 1, 1),
            )
        )  # fmt: skip
        client.post("/subscriptions", {"customer_id": str(customer_id), "plan_id": plan, "starts_on": "2026-11-15"})
    harness.clock.set(dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC))
    run = client.post("/runs", {"run_date": "2026-12-01"}).json["id"]
    harness.run_jobs("advance_runs")
    assert client.post(f"/runs/{run}/confirm", {}).status_code == 200
    return harness, run


def drive(harness: ServiceHarness, fault: str | None) -> int:
    """Run the job in a process of its own until it ends or dies; its exit code."""
    environment = os.environ | ({"FAULTS": "1", "FAULT_POINT": fault} if fault else {})
    command = [sys.executable, "-c", RUNNER, harness.config.database_url, str(CHUNK)]
    return subprocess.run(command, env=environment, check=False, timeout=60, cwd=Path(__file__).parent).returncode


def books(harness: ServiceHarness) -> dict[str, Any]:
    """What a run leaves, without the ids of its subscriptions and events."""
    with harness.session() as session:
        return {
            "lines": session.execute(
                text(
                    "SELECT t.customer_id, t.amount, l.line, l.period_from, l.period_until, l.net, l.tax "
                    "FROM charged_line l JOIN ledger_transaction t ON t.id = l.transaction_id ORDER BY 1, 3, 4"
                )
            ).all(),
            "balances": session.execute(text("SELECT customer_id, balance, version FROM account ORDER BY 1")).all(),
            "events": session.execute(
                text("SELECT customer_id, count(*) FROM outbox WHERE type LIKE '%charged%' GROUP BY 1 ORDER BY 1")
            ).all(),
            "run": session.execute(text("SELECT state, charged, charged_net, charged_tax FROM charge_run")).all(),
            "sum": session.execute(text("SELECT sum(amount) FROM ledger_entry")).scalar_one(),
        }


def test_a_run_killed_at_ten_random_points_gives_the_same_books(databases: TestDatabases) -> None:
    calm, _ = prepared(databases)
    assert drive(calm, None) == 0
    harried, _ = prepared(databases)
    chance = random.Random(11)
    for _ in range(KILLS):
        point = chance.choice(("chunk", "after_chunk"))
        # The first or second pass: each process gets at most one chunk further.
        assert drive(harried, f"{point}:{chance.choice((1, 2))}") in {0, -9}
    assert drive(harried, None) == 0
    assert books(harried) == books(calm)
    assert books(calm)["run"] == [("processed", CUSTOMERS, *books(calm)["run"][0][2:])]
    assert len(books(calm)["lines"]) == 2 * CUSTOMERS
    assert harried.client().get("/audit").json["differences"] == []
    calm.close()
    harried.close()
