"""Any schedule of commands, bank files, runs, crashes and lost, late or doubled events leaves right books.

crm, billing, invoicing and payments over the direct transport. After each step the ledger, the balances and the
invoice numbers are looked at; when all is quiet, everything (invariants.py).
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billhook import suite
from billhook_common.clock import FixedClock
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START, ZONE

from .invariants import check_invariants
from .operator import Fault, Operator

pytestmark = pytest.mark.fault

SERVICES = ("crm", "billing", "invoicing", "payments")
_BUSY_STEPS = 15
"""From one quiet moment to the next, which takes longer than a step."""
_STEPS_OF_A_RUN = 4
_RANDOM_EXAMPLES = 50
"""So few are the same ones every time."""
SEEDS = st.integers(0, 2**16)
AMOUNTS = st.sampled_from(["5.00", "24.20", "36.30", "100.00"])
PRICES = st.sampled_from(["20", "30"])
NAMES = st.sampled_from(SERVICES)


def sometimes(*points: str) -> st.SearchStrategy[Fault]:
    """Mostly nothing, else death at one of these points."""
    deaths = st.tuples(st.sampled_from(points), st.integers(1, 3))
    return st.one_of(st.none(), st.none(), deaths)


COMMANDS = sometimes("after_answer_commit")
EVENTS = sometimes("in_batch", "after_confirm")
JOBS = sometimes("chunk", "between_chunks", "in_batch")


class Machine(RuleBasedStateMachine):
    """An operator's months."""

    databases: TestDatabases

    def __init__(self) -> None:
        super().__init__()
        services = [suite.load(name) for name in SERVICES]
        self.operator = Operator(self.databases, services, FixedClock(START, ZONE))
        self.customers: list[dict[str, Any]] = []
        self.run: str | None = None
        self.busy = 0
        plan = {"name": "Fibre", "price": "20", "currency": "EUR", "tax_rate": "21", "tax_included": False}
        self.plan = self.operator.api.command("/billing/plans", plan).body["id"]

    @initialize(command=COMMANDS, job=JOBS)
    def two_customers_are_charged(self, command: Fault, job: Fault) -> None:
        for _ in range(2):
            self.new_customer(None)
        self.operator.settle()
        for customer in self.customers:
            first = self.operator.today.replace(day=1).isoformat()
            body = {"customer_id": customer["id"], "plan_id": self.plan, "starts_on": first}
            assert self.send("/billing/subscriptions", body)
        # Hypothesis leaves out some rules in each example: without this few would have an invoice.
        self.the_run_goes_on(command, job, False, _STEPS_OF_A_RUN)

    def customer(self, data: Any) -> dict[str, Any]:
        found: dict[str, Any] = data.draw(st.sampled_from(self.customers))
        return found

    def send(self, path: str, body: dict[str, Any], fault: Fault = None, method: str = "post") -> dict[str, Any] | None:
        """A command; None when it is refused, which is only right for what is not known yet or cannot be now."""
        answer = self.operator.api.command(path, body, fault, method=method)
        assert answer.status in {200, 201, 409}, answer.body
        return answer.body if answer.status < 300 else None

    @precondition(lambda self: len(self.customers) < 5)
    @rule(fault=COMMANDS)
    def new_customer(self, fault: Fault) -> None:
        made = self.send("/crm/customers", {"name": f"Customer {len(self.customers)}"}, fault)
        assert made is not None
        self.customers.append(made)

    @precondition(lambda self: self.customers)
    @rule(data=st.data(), fault=COMMANDS, days=st.integers(0, 40))
    def sell(self, data: Any, fault: Fault, days: int) -> None:
        starts = self.operator.today - dt.timedelta(days=days)
        body = {"customer_id": self.customer(data)["id"], "plan_id": self.plan, "starts_on": starts.isoformat()}
        self.send("/billing/subscriptions", body, fault)

    @rule(data=st.data(), price=PRICES, fault=COMMANDS)
    def change_or_end_a_service(self, data: Any, price: str, fault: Fault) -> None:
        sold = list(self.operator.api.pages("/billing/subscriptions", state="active"))
        if not sold:
            return
        one = data.draw(st.sampled_from(sold))
        if data.draw(st.integers(0, 3)):
            self.send(f"/billing/subscriptions/{one['id']}", {"price": price}, fault, "patch")
        else:
            end = {"ends_before": (self.operator.today + dt.timedelta(days=1)).isoformat()}
            self.send(f"/billing/subscriptions/{one['id']}/end", end, fault)

    @rule(command=COMMANDS, job=JOBS, late=st.booleans(), steps=st.integers(1, _STEPS_OF_A_RUN))
    def the_run_goes_on(self, command: Fault, job: Fault, late: bool, steps: int) -> None:
        """Begun, previewed, confirmed, charged: some of these, which may die and then go on at another time."""
        for _ in range(steps):
            self.one_step_of_the_run(command, job, late)

    def one_step_of_the_run(self, command: Fault, job: Fault, late: bool) -> None:
        state = self.operator.api.get(f"/billing/runs/{self.run}")["state"] if self.run else "processed"
        if state == "processed":
            first = self.operator.today.replace(day=1).isoformat()
            self.run = (self.send("/billing/runs", {"run_date": first}, command) or {}).get("id")
        elif state != "preview_ready":
            self.operator.work("billing", job)
        else:
            if late:
                self.send(f"/billing/runs/{self.run}/approve", {"customers": None}, command)
            self.send(f"/billing/runs/{self.run}/confirm", {}, command)

    @precondition(lambda self: self.customers)
    @rule(data=st.data(), amount=AMOUNTS, named=st.booleans(), fault=COMMANDS)
    def payment_by_hand(self, data: Any, amount: str, named: bool, fault: Fault) -> None:
        customer = self.customer(data)["id"]
        body = {"customer_id": customer, "amount": {"amount": amount, "currency": "EUR"}, "method": "cash"}
        if named:
            invoices = self.operator.api.pages("/invoicing/invoices", customer_id=customer)
            body |= {"documents": [{"document_id": one["id"]} for one in list(invoices)[:2]]}
        self.send("/payments/payments", body, fault)

    @precondition(lambda self: self.customers)
    @rule(data=st.data(), amount=AMOUNTS, told=st.booleans(), fault=COMMANDS)
    def payment_by_bank(self, data: Any, amount: str, told: bool, fault: Fault) -> None:
        reference = self.customer(data)["payment_reference"] if told else "thank you"
        self.operator.statement(Decimal(amount), reference, fault)

    @precondition(lambda self: self.customers)
    @rule(data=st.data(), fault=COMMANDS)
    def pair_by_hand(self, data: Any, fault: Fault) -> None:
        waiting = list(self.operator.api.pages("/payments/entries", state="to_check"))
        if waiting:
            entry = data.draw(st.sampled_from(waiting))
            self.send(f"/payments/entries/{entry['id']}/accept", {"customer_id": self.customer(data)["id"]}, fault)

    @rule(data=st.data(), fault=COMMANDS)
    def reverse_payment(self, data: Any, fault: Fault) -> None:
        payments = list(self.operator.api.pages("/payments/payments", state="confirmed"))
        if payments:
            payment = data.draw(st.sampled_from(payments))
            self.send(f"/payments/payments/{payment['id']}/reverse", {"reason": "Cheque bounced"}, fault)

    @precondition(lambda self: self.customers)
    @rule(data=st.data(), amount=AMOUNTS, refund=st.booleans(), fault=COMMANDS)
    def refund_or_correct(self, data: Any, amount: str, refund: bool, fault: Fault) -> None:
        body = {"customer_id": self.customer(data)["id"], "amount": {"amount": amount, "currency": "EUR"}}
        if refund:
            self.send("/payments/refunds", body, fault)
        else:
            side = data.draw(st.sampled_from(["credit", "debit"]))
            self.send("/billing/transactions", body | {"side": side, "description": "Goodwill"}, fault)

    @rule(names=st.sampled_from([SERVICES, SERVICES, *[(name,) for name in SERVICES]]), seed=SEEDS, fault=EVENTS)
    def events_go_out(self, names: tuple[str, ...], seed: int, fault: Fault) -> None:
        for name in names:
            self.operator.move(name, seed, fault)

    @rule(seed=SEEDS, fault=EVENTS)
    def late_events_arrive(self, seed: int, fault: Fault) -> None:
        self.operator.late(seed, fault)

    @rule(name=NAMES, fault=JOBS)
    def retries_and_jobs(self, name: str, fault: Fault) -> None:
        self.operator.work(name, fault)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.operator.suite.clock.advance(dt.timedelta(days=days))

    @precondition(lambda self: self.busy > _BUSY_STEPS)
    @rule()
    def all_becomes_quiet(self) -> None:
        self.busy = 0
        self.operator.settle()
        check_invariants(self.operator)

    @invariant()
    def the_books_are_right_at_any_time(self) -> None:
        self.busy += 1
        with psycopg.connect(self.operator.dsns["billing"]) as billing:
            for query in _WRONG:
                assert billing.execute(query).fetchall() == [], query
        with psycopg.connect(self.operator.dsns["invoicing"]) as invoicing:
            numbers = [row[0] for row in invoicing.execute("SELECT counter FROM document ORDER BY 1")]
        assert numbers == list(range(1, len(numbers) + 1))

    def teardown(self) -> None:
        try:
            self.all_becomes_quiet()
        finally:
            self.operator.close()


_WRONG = (
    "SELECT transaction_id FROM ledger_entry GROUP BY transaction_id, currency HAVING sum(amount) <> 0",
    "SELECT customer_id FROM account WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM ledger_entry "
    "WHERE ledger_entry.customer_id = account.customer_id AND account = 'customers')",
    "SELECT customer_id FROM account WHERE balance <> "
    "(SELECT coalesce(sum(unallocated), 0) FROM credit WHERE credit.customer_id = account.customer_id) - "
    "(SELECT coalesce(sum(open), 0) FROM open_item WHERE open_item.customer_id = account.customer_id)",
)


@pytest.mark.parametrize(
    ("examples", "steps"), [pytest.param(6, 30, id="few"), pytest.param(150, 60, id="many", marks=pytest.mark.slow)]
)
def test_any_schedule_keeps_the_books_right(databases: TestDatabases, examples: int, steps: int) -> None:
    machine = type("OneMachine", (Machine,), {"databases": databases})
    limits = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
        derandomize=examples < _RANDOM_EXAMPLES, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=limits)
