"""pytest plugin: ``postgres`` for the run; ``harness`` for the service that a package's conftest names."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from billhook_common.clock import FixedClock
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.logs import configure_logs
from billhook_common.service import Service
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START, ZONE, ServiceHarness
from billhook_common.testing.suite import Suite

SuiteFactory = Callable[..., Suite]


MARKERS = (
    "unit: pure, no input or output; the whole set in 10 s",
    "contract: event contracts and API documents",
    "integration: with a private PostgreSQL",
    "broker: with a private RabbitMQ node",
    "alerts: with promtool, of Prometheus",
    "e2e: pages in a real browser",
    "fault: processes killed, messages doubled, networks cut",
    "slow: minutes long; run with ./billhook test --faults",
    "perf: figures against a yardstick; not part of a normal run",
)


def pytest_configure(config: pytest.Config) -> None:
    """What tests may be marked with, so that a service's folder alone knows it too."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A private PostgreSQL for this run; without fsync, since nobody keeps its data."""
    configure_logs("test", "console")
    with tempfile.TemporaryDirectory(prefix="billhook-test-") as folder:
        Path(folder).chmod(0o755)
        server = LocalPostgres(Path(folder) / "postgres", fsync=False)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def databases(postgres: LocalPostgres) -> TestDatabases:
    """Makes databases for tests."""
    return TestDatabases(postgres)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[LocalRabbitMQ]:
    """A private RabbitMQ node for this run; its package is installed when it is missing and that is allowed."""
    with (
        tempfile.TemporaryDirectory(prefix="billhook-test-") as folder,
        LocalRabbitMQ(Path(folder) / "rabbitmq") as node,
    ):
        yield node


@pytest.fixture
def clock() -> FixedClock:
    """A clock at 24 November 2026, 10:00 in Prague, until it is moved."""
    return FixedClock(START, ZONE)


@pytest.fixture
def harness(service: Service, databases: TestDatabases, clock: FixedClock) -> Iterator[ServiceHarness]:
    """The service of this package (its conftest has the fixture ``service``) on a fresh database."""
    dsn = databases.create(service)
    item = ServiceHarness(service, dsn, clock)
    yield item
    item.close()
    databases.drop(dsn)


@pytest.fixture
def make_suite(databases: TestDatabases, clock: FixedClock) -> Iterator[SuiteFactory]:
    """Wire services together: ``suite = make_suite(billing, crm)``."""
    suites: list[tuple[Suite, list[str]]] = []

    def make(*services: Service, **settings: Any) -> Suite:
        dsns = [databases.create(service) for service in services]
        harnesses = {
            service.name: ServiceHarness(service, dsn, clock, **settings)
            for service, dsn in zip(services, dsns, strict=True)
        }
        suites.append((Suite(harnesses, clock), dsns))
        return suites[-1][0]

    yield make
    for suite, dsns in suites:
        suite.close()
        for dsn in dsns:
            databases.drop(dsn)
