"""Seeded commands under which things are killed: new customers, payments, corrections."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

from billhook_common.clock import SystemClock

from .api import PATIENCE_SECONDS, PAUSE_SECONDS, Api

TODAY = SystemClock("Europe/Prague").today()
THREADS = 3
PACE_SECONDS = (0.01, 0.09)
"""Of one thread: with three of them about thirty commands a second on an idle machine."""
PRICES = ("9.90", "24.90", "31.15")


def an_operator(api: Api, *, customers: int = 12) -> list[str]:
    """Customers with services that a run of this month charges; returns their ids."""
    first = TODAY.replace(day=1).isoformat()
    plans = [
        api.command(
            "/billing/plans",
            {"name": f"Fibre {price}", "price": price, "currency": "EUR", "tax_rate": "21", "tax_included": False},
            key=f"plan-{price}",
        ).id
        for price in PRICES
    ]
    made = [
        api.command("/crm/customers", {"name": f"Customer {at}"}, key=f"customer-{at}").id for at in range(customers)
    ]
    for at, customer in enumerate(made):
        body = {"customer_id": customer, "plan_id": plans[at % len(plans)], "starts_on": first}
        api.command("/billing/subscriptions", body, key=f"subscription-{at}")
    return made


def confirm_run(api: Api) -> str:
    """Preview the run of this month and confirm it; returns its id. It is then charged by the worker."""
    run = api.command("/billing/runs", {"run_date": TODAY.replace(day=1).isoformat()}, key="run").id
    end = time.monotonic() + PATIENCE_SECONDS
    while api.get(f"/billing/runs/{run}")["state"] != "preview_ready":
        assert time.monotonic() < end, "the run has no preview"
        time.sleep(PAUSE_SECONDS)
    api.command(f"/billing/runs/{run}/confirm", {}, key="run-confirm")
    return run


class Load:
    """Threads that go on sending commands until ``stop``; ``name`` and ``seed`` make the same ones every time."""

    def __init__(self, api: Api, name: str, seed: int, customers: Sequence[str]) -> None:
        self._api = api
        self._name = name
        self._seed = seed
        self._customers = list(customers)
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix=name)
        self._threads: list[Future[None]] = []

    def __enter__(self) -> "Load":
        self._threads = [self._pool.submit(self._run, at) for at in range(THREADS)]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let every thread finish the command in hand; raises what a thread raised."""
        self._stop.set()
        if kind is not None:
            self._api.give_up()
        self._pool.shutdown()
        if kind is not None:
            return
        for thread in self._threads:
            thread.result()

    def progress(self, commands: int = 15) -> None:
        """Return when so many more commands have been acknowledged."""
        wanted = len(self._api.acknowledged) + commands
        end = time.monotonic() + PATIENCE_SECONDS
        while len(self._api.acknowledged) < wanted:
            for thread in self._threads:
                assert not thread.done(), f"a client gave up: {thread.exception()}"
            assert time.monotonic() < end, f"no progress after {PATIENCE_SECONDS:.0f} s"
            time.sleep(PAUSE_SECONDS)

    def _run(self, thread: int) -> None:
        chance = random.Random(f"{self._name} {self._seed} {thread}")
        for number in count():
            if self._stop.wait(chance.uniform(*PACE_SECONDS)):
                return
            path, body = self._command(chance, f"{self._name} {thread}-{number}")
            made = self._api.command(path, body, key=f"{self._name}-{self._seed}-{thread}-{number}")
            if path == "/crm/customers":
                self._customers.append(made.id)

    def _command(self, chance: random.Random, name: str) -> tuple[str, dict[str, Any]]:
        kind = chance.choices(("customer", "payment", "correction"), (2, 5, 3))[0]
        if kind == "customer":
            return "/crm/customers", {"name": name}
        amount = {"amount": f"{chance.randint(1, 9_999) / 100:.2f}", "currency": "EUR"}
        body = {"customer_id": chance.choice(self._customers), "amount": amount}
        if kind == "payment":
            return "/payments/payments", body | {"method": chance.choice(("cash", "card")), "note": name}
        return "/billing/transactions", body | {"side": chance.choice(("credit", "debit")), "description": name}
