"""Databases set back, mirrors lost, old events after new: services heal each other (F10, F22, O15, O16)."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from billhook import suite as installation
from billhook_common.contracts.billing import CustomerCharged
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.events.reconcile import standings
from billhook_common.events.relay import Bundle, DirectDelivery, Relay
from billhook_common.events.snapshots import publish_snapshots
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.databases import TestDatabases

pytestmark = pytest.mark.integration

CUSTOMERS = 5
RUN_DATE = "2026-11-01"
MIRRORS = {
    "crm": ("customer_summary", "open_item", "subscription"),
    "invoicing": ("customer", "company"),
    "payments": ("customer", "given_reference", "document"),
    "tickets": ("customer",),
    "inventory": ("customer",),
}


class Operator:
    """All services on the direct transport, with a few customers and their services."""

    def __init__(self, services: Suite) -> None:
        self.services = services
        plan = self.made("billing", "/plans", {"name": "Fibre", "price": "24.90", "currency": "EUR", "tax_rate": "21",
                                               "tax_included": False})  # fmt: skip
        self.customers = [self.made("crm", "/customers", {"name": f"Customer {at}"}) for at in range(CUSTOMERS)]
        services.until_quiet()
        for customer in self.customers:
            body = {"customer_id": customer, "plan_id": plan, "starts_on": RUN_DATE}
            self.made("billing", "/subscriptions", body)
        services.until_quiet()

    def made(self, service: str, path: str, body: dict[str, Any]) -> str:
        answer = self.services[service].client().post(path, body)
        assert answer.status_code in {200, 201, 202}, answer.text
        return str((answer.json or {}).get("id", ""))

    def charge(self) -> None:
        """Preview and confirm the run of the month."""
        run = self.made("billing", "/runs", {"run_date": RUN_DATE})
        self.services.until_quiet()
        self.made("billing", f"/runs/{run}/confirm", {})
        self.services.until_quiet()

    def pay(self, customer: str, amount: str) -> None:
        body = {"customer_id": customer, "amount": {"amount": amount, "currency": "EUR"}, "method": "cash"}
        self.made("payments", "/payments", body)
        self.services.until_quiet()

    def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        with self.services[service].session() as session:
            return [tuple(row) for row in session.execute(text(query))]

    def nothing_is_missing(self) -> None:
        for name in installation.NAMES:
            harness = self.services[name]
            with harness.session() as session:
                for item in standings(session, harness.service.handlers.types()):
                    assert not (item.comparison.missing or item.comparison.lost), f"{item.type} in {name}"
        assert self.services.unfinished() == {}


@pytest.fixture
def operator(make_suite: Callable[..., Suite]) -> Operator:
    return Operator(make_suite(*[installation.load(name) for name in installation.NAMES]))


def contents(harness: ServiceHarness, tables: tuple[str, ...]) -> dict[str, list[str]]:
    with psycopg.connect(harness.config.database_url) as connection:
        return {
            table: [
                row[0]
                for row in connection.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(sql.Identifier(table))
                )
            ]
            for table in tables
        }


def wipe(harness: ServiceHarness, tables: tuple[str, ...]) -> None:
    with psycopg.connect(harness.config.database_url) as connection:
        # Without triggers, for an accident asks nobody's leave.
        connection.execute("SET session_replication_role = replica")
        for table in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


def tell_snapshots(services: Suite) -> None:
    for name in installation.NAMES:
        harness = services[name]
        publish_snapshots(harness.database, services.clock, harness.service.snapshots)
    services.until_quiet()


def test_mirrors_that_were_wiped_are_rebuilt_from_snapshots(operator: Operator) -> None:
    services = operator.services
    assert services["gateway"].client().put("/company", {"name": "Example ISP"}, seen=0).status_code == 200
    operator.charge()
    operator.pay(operator.customers[0], "30.13")
    operator.pay(operator.customers[1], "10.00")
    # A run moves versions without telling anyone, as nothing that others know has changed; level them.
    tell_snapshots(services)
    before = {name: contents(services[name], tables) for name, tables in MIRRORS.items()}
    assert [table for tables in before.values() for table, rows in tables.items() if not rows] == []
    for name, tables in MIRRORS.items():
        wipe(services[name], tables)
    ledger = operator.rows("billing", "SELECT id, amount FROM ledger_transaction ORDER BY seq")
    tell_snapshots(services)
    assert {name: contents(services[name], tables) for name, tables in MIRRORS.items()} == before
    assert operator.rows("billing", "SELECT id, amount FROM ledger_transaction ORDER BY seq") == ledger
    assert services.unfinished() == {}


def test_a_snapshot_for_one_service_reaches_no_other(operator: Operator) -> None:
    services = operator.services
    tickets, inventory = services["tickets"], services["inventory"]
    before = contents(tickets, ("customer",))
    for harness in (tickets, inventory):
        wipe(harness, ("customer",))
    crm = services["crm"]
    assert publish_snapshots(crm.database, services.clock, crm.service.snapshots, "tickets")["customers"] == CUSTOMERS
    services.until_quiet()
    assert contents(tickets, ("customer",)) == before
    assert contents(inventory, ("customer",)) == {"customer": []}
    services.reconcile()
    operator.nothing_is_missing()


def test_a_lost_change_that_comes_after_a_newer_one_changes_nothing(operator: Operator) -> None:
    services = operator.services
    customer = operator.customers[0]

    def rename(version: int, name: str) -> None:
        seen = {"If-Match": f'"{version}"'}
        answer = services["crm"].client().patch(f"/customers/{customer}", {"name": name}, headers=seen)
        assert answer.status_code == 200, answer.text

    version = operator.rows("crm", f"SELECT version FROM customer WHERE id = '{customer}'")[0][0]
    rename(version, "Older")
    services.pause()
    lost = Relay(services["crm"].database, "crm", services.clock, Nowhere())
    assert lost.step()
    lost.stop()
    rename(version + 1, "Newest")
    services.until_quiet()
    services.reconcile()
    operator.nothing_is_missing()
    for name in ("billing", "payments", "tickets", "inventory"):
        table, key = ("account", "customer_id") if name == "billing" else ("customer", "id")
        assert operator.rows(name, f"SELECT name FROM {table} WHERE {key} = '{customer}'") == [("Newest",)], name


class Nowhere(DirectDelivery):
    """A broker whose queues were deleted: it takes everything and nobody hears it."""

    def __init__(self) -> None:
        super().__init__([])

    def deliver(self, bundles: list[Bundle]) -> set[int]:
        return set()


def test_invoicing_set_back_issues_the_same_documents_again(operator: Operator, databases: TestDatabases) -> None:
    services = operator.services
    dsn = services["invoicing"].config.database_url
    services.pause()
    backup = databases.back_up(dsn)
    operator.charge()
    documents = "SELECT id, charge_id, number, gross FROM document ORDER BY id"
    before = operator.rows("invoicing", documents)
    mirrored = contents(services["payments"], ("document",))
    assert len(before) == CUSTOMERS
    services.pause()
    databases.restore(dsn, backup)
    assert operator.rows("invoicing", documents) == []
    services.reconcile()
    assert operator.rows("invoicing", documents) == before
    assert contents(services["payments"], ("document",)) == mirrored
    services.reconcile()
    operator.nothing_is_missing()
    databases.drop(backup)


def test_billing_set_back_charges_the_same_again_and_nobody_gets_a_second_invoice(
    operator: Operator, databases: TestDatabases
) -> None:
    services = operator.services
    dsn = services["billing"].config.database_url
    services.pause()
    backup = databases.back_up(dsn)
    operator.charge()
    operator.pay(operator.customers[0], "30.13")
    charges = "SELECT charge_id, total FROM open_item ORDER BY charge_id"
    charged = operator.rows("billing", charges)
    documents = operator.rows("invoicing", "SELECT id, number FROM document ORDER BY id")
    services.pause()
    databases.restore(dsn, backup)
    assert operator.rows("billing", charges) == []
    services.until_quiet()
    operator.charge()
    services.reconcile()
    services.reconcile()
    assert operator.rows("billing", charges) == charged
    assert operator.rows("invoicing", "SELECT id, number FROM document ORDER BY id") == documents
    assert {fact.charge_id for fact in services["billing"].published(CustomerCharged)} == {row[0] for row in charged}
    assert len(services["invoicing"].published(InvoiceIssued)) == CUSTOMERS
    paid = "SELECT open FROM open_item WHERE customer_id = :id"
    assert operator.rows("billing", paid.replace(":id", f"'{operator.customers[0]}'")) == [(0,)]
    operator.nothing_is_missing()
    databases.drop(backup)
