"""The door of an installation that can send mail and seal secrets."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from billhook_common.clock import FixedClock
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_gateway.testing import Gate, sealing_key_file

PUBLIC_URL = "https://billing.brightvale.example"


@pytest.fixture
def make_gate(
    service: Service, databases: TestDatabases, clock: FixedClock, tmp_path: Path
) -> Iterator[Callable[..., Gate]]:
    """Makes doors with further settings; letters go to the folder ``mail``."""
    gates: list[tuple[Gate, ServiceHarness, str]] = []

    def make(**settings: Any) -> Gate:
        dsn = databases.create(service)
        own = {
            "public_url": PUBLIC_URL,
            "mail_folder": str(tmp_path / "mail"),
            "sealing_key": sealing_key_file(tmp_path),
            **settings,
        }
        harness = ServiceHarness(service, dsn, clock, **own)
        gates.append((Gate(harness), harness, dsn))
        return gates[-1][0]

    yield make
    for gate, harness, dsn in gates:
        gate.close()
        harness.close()
        databases.drop(dsn)


@pytest.fixture
def house(make_gate: Callable[..., Gate]) -> Gate:
    """Such a door."""
    return make_gate()
