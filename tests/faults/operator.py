"""An operator's services in one process: commands by people who repeat them after a crash, and a bank."""

import datetime as dt
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from itertools import count
from typing import Any

from billhook.demo.bank_file import BankEntry, BankStatement, write_statement
from billhook_common.clock import FixedClock
from billhook_common.events.inbox import Inbox
from billhook_common.events.relay import Delivery
from billhook_common.faults import dying
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.databases import TestDatabases

from .api import Acknowledged
from .invariants import pending
from .wires import Wire

IBAN = "DE89370400440532013000"
_ROUNDS = 6
"""Of telling positions: what is asked for may open another gap, but not for ever."""

Fault = tuple[str, int] | None
"""A crash point and the pass at which to die there."""


class Answer:
    """What a command came to."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body


class DirectApi:
    """``/api/…`` without a gateway; remembers what was acknowledged."""

    def __init__(self, suite: Suite, names: Sequence[str]) -> None:
        self._clients = {name: suite[name].client() for name in names}
        self._keys = count(1)
        self.acknowledged: dict[str, Acknowledged] = {}
        self.defects: list[str] = []

    def get(self, path: str, **query: object) -> Any:
        """GET, decoded."""
        service, rest = _split(path)
        answer = self._clients[service].get(rest, **query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        after: dict[str, object] = {}
        while True:
            page = self.get(path, **query, **after)
            yield from page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def command(self, path: str, body: Mapping[str, Any], fault: Fault = None, *, method: str = "post") -> Answer:
        """A command; who hears nothing sends it again under the same key. Refusals are answers too."""
        key = f"command-{next(self._keys)}"
        service, rest = _split(path)
        send = getattr(self._clients[service], method)
        answers = []
        with dies(fault):
            answers.append(send(rest, body, key=key))
        answer = answers[0] if answers else send(rest, body, key=key)
        if answer.status_code >= 500:
            self.defects.append(f"{path}: {answer.status_code} {answer.text}")
        if method == "post" and answer.status_code < 300:
            self.acknowledged[key] = Acknowledged(path, key, body, answer.json)
        return Answer(answer.status_code, answer.json)

    def upload(self, path: str, content: bytes, fault: Fault = None) -> None:
        """Upload a bank file; who hears nothing uploads it again."""
        service, rest = _split(path)

        def send() -> None:
            data = {"file": (io.BytesIO(content), "statement.xml")}
            answer = self._clients[service].post(rest, data=data, content_type="multipart/form-data", key=None)
            assert answer.status_code < 300, answer.text

        with dies(fault):
            send()
        send()


class Operator:
    """crm, billing, invoicing and payments on fresh databases, with a bad wire between them."""

    def __init__(self, databases: TestDatabases, services: Sequence[Service], clock: FixedClock) -> None:
        self._close = ExitStack()
        self.dsns = {service.name: databases.create(service) for service in services}
        for dsn in self.dsns.values():
            self._close.callback(databases.drop, dsn)
        self._wires: list[Wire] = []
        harnesses = {one.name: ServiceHarness(one, self.dsns[one.name], clock) for one in services}
        self.suite = Suite(harnesses, clock, self._wire)
        self._close.callback(self.suite.close)
        self.api = DirectApi(self.suite, list(self.dsns))
        self._statements = 0
        self._in_bank = Decimal("100.00")

    def _wire(self, inboxes: Sequence[Inbox]) -> Delivery:
        self._wires.append(Wire(inboxes))
        return self._wires[-1]

    @property
    def today(self) -> dt.date:
        """The operator's day."""
        return self.suite.clock.today()

    def statement(self, amount: Decimal, reference: str, fault: Fault = None) -> None:
        """The bank tells of one credit in today's statement, uploaded at least twice."""
        if not self._statements:
            self.api.command("/payments/bank-accounts", {"name": "Savings Bank", "iban": IBAN})
        self._statements += 1
        entry = BankEntry(amount, self.today, "Somebody", text=reference)
        statement = BankStatement(IBAN, "EUR", self._in_bank, self.today, self.today, [entry], self._statements)
        self._in_bank += amount
        self.api.upload("/payments/statements", write_statement(statement), fault)

    def move(self, name: str, seed: int, fault: Fault = None) -> None:
        """One round of a service's relay over the bad wire."""
        for wire in self._wires:
            wire.chance = random.Random(seed)
        with dies(fault):
            self.suite.relay(name)
        self.suite.pause()  # who died holds no lease; another one may be next

    def late(self, seed: int, fault: Fault = None) -> None:
        """Some of what is late arrives."""
        chance = random.Random(seed)
        for wire in self._wires:
            with dies(fault):
                wire.bring(chance)

    def work(self, name: str, fault: Fault = None) -> None:
        """A service tries again what failed or waits, and does its jobs."""
        with dies(fault):
            self.suite[name].retry()
            self.suite[name].run_jobs()

    def settle(self) -> None:
        """From now on the wires are good: what is late comes, what is lost is missed and sent again, all is done."""
        for wire in self._wires:
            wire.chance = None
            wire.bring_all()
        self.suite.until_quiet()
        for _ in range(_ROUNDS):
            if not pending(self):
                return
            self.suite.reconcile()
        raise AssertionError(f"nobody sends it again: {pending(self)}")

    def close(self) -> None:
        """Give everything back."""
        self._close.close()


def dies(fault: Fault) -> ExitStack:
    """Within the block the process dies at ``fault``, if it gets there."""
    stack = ExitStack()
    if fault is not None:
        stack.enter_context(dying(*fault))
    return stack


def _split(path: str) -> tuple[str, str]:
    _, service, rest = path.split("/", 2)
    return service, f"/{rest}"
