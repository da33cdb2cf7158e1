"""A list of 50 customers over HTTP: through the chassis, through the gateway, and as a bare Flask view.

    ./billhook bench lists --requests 300

The yardstick runs the same statement in the same kind of transaction and answers plain dicts: no rights, no paging, no
schema, no money. All in one process, as embedded; CPU counts, and the database's with it.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Flask
from measuring import Spent, measured, private_postgres
from sqlalchemy import text

from billhook_common.local.postgres import LocalPostgres
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import ServiceHarness
from billhook_crm.app import service as crm
from billhook_crm.models import Customer
from billhook_crm.queries import listed_customers
from billhook_gateway.app import service as gateway
from billhook_gateway.testing import Gate

BAR_RATIO, BAR_HOP_MS = 2.0, 0.5
ROUNDS = 10
LIMIT = 50
PATH = f"/customers?limit={LIMIT}"


def fill(harness: ServiceHarness, customers: int) -> None:
    """Customers, made through the door."""
    client = harness.client()
    for number in range(customers):
        body = {
            "name": f"Customer {number}", "login": f"bv{number:06}", "email": f"bv{number}@example.org",
            "address": {"street": f"Mill Lane {number}", "city": "Mirov", "zip": "471 05", "country": "CZ"},
        }  # fmt: skip
        answer = client.post("/customers", body)
        assert answer.status_code == 201, answer.text
    with harness.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def bare(harness: ServiceHarness) -> Flask:
    """The yardstick."""
    app = Flask("yardstick")
    statement = listed_customers(harness.clock.today()).order_by(Customer.sort_name, Customer.id).limit(LIMIT)

    @app.get("/customers")
    def customers() -> Any:
        with harness.session() as session:
            rows = [dict(row) for row in session.execute(statement).mappings()]
        return app.response_class(msgspec.json.encode({"items": rows}), mimetype="application/json")

    return app


def spent(server: LocalPostgres, call: Callable[[], Any], times: int) -> Spent:
    """What so many requests cost."""
    answer = call()
    assert answer.status_code == 200, answer.text
    assert len(json.loads(answer.data)["items"]) == LIMIT
    with measured(server) as cost:
        for _ in range(times):
            call()
    return cost


def run(server: LocalPostgres, requests: int, customers: int) -> None:
    """Take turns, and print."""
    databases = TestDatabases(server)
    harness = ServiceHarness(crm, databases.create(crm))
    fill(harness, customers)
    door = ServiceHarness(gateway, databases.create(gateway), harness.clock)
    gate = Gate(door, {"crm": harness.app})
    client, plain = harness.client(), bare(harness).test_client()
    machine, browser = gate.machine(), gate.browser("administrator")
    calls: dict[str, Callable[[], Any]] = {
        "plain": lambda: plain.get("/customers"),
        "service": lambda: client.get("/customers", limit=LIMIT),
        "key": lambda: machine.get(f"/api/crm{PATH}"),
        "session": lambda: browser.get(f"/api/crm{PATH}"),
    }
    costs = {name: Spent() for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            costs[name] += spent(server, call, requests // ROUNDS)
    each = {name: cost.each(requests // ROUNDS * ROUNDS) for name, cost in costs.items()}
    print(
        f"lists: {LIMIT} customers {each['service']:.3f} ms CPU (yardstick, plain dicts: {each['plain']:.3f} ms, "
        f"{each['service'] / each['plain']:.2f}×; bar {BAR_RATIO}×)"
    )
    print(
        f"gateway hop: {each['key'] - each['service']:.3f} ms with an API key, "
        f"{each['session'] - each['service']:.3f} ms with a session (bar {BAR_HOP_MS} ms)"
    )
    gate.close()
    for one in (door, harness):
        one.close()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--customers", type=int, default=2_000)
    options = parser.parse_args()
    with private_postgres() as server:
        run(server, options.requests, options.customers)


if __name__ == "__main__":
    main()
