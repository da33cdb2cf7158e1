"""What the fault tests run on: the suite's processes, under the tests' own hands or as people start them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook import suite
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.testing.databases import TestDatabases

from .installation import Installation
from .load import an_operator, confirm_run
from .site import Site

OVER_BROKER = ("billing", "crm", "invoicing", "payments")
_HOST = "faults"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account may pass through."""
    with tempfile.TemporaryDirectory(prefix="billhook-faults-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


@pytest.fixture(scope="module")
def databases_of_suite(databases: TestDatabases) -> Iterator[dict[str, str]]:
    """A database for each service."""
    dsns = {name: databases.create(suite.load(name)) for name in suite.installed()}
    yield dsns
    for dsn in dsns.values():
        databases.drop(dsn)


@pytest.fixture
def site(databases_of_suite: dict[str, str], folder: Path) -> Iterator[Site]:
    """The embedded form: processes ``web`` and ``worker``, not started yet."""
    with Site(folder, databases_of_suite) as item:
        yield item


@pytest.fixture(scope="module")
def over_broker(databases_of_suite: dict[str, str], rabbitmq: LocalRabbitMQ) -> Iterator[Site]:
    """The services of the month with a worker each, in a virtual host of their own; customers with services, a run."""
    rabbitmq.ctl("add_vhost", _HOST)
    rabbitmq.ctl("set_permissions", "--vhost", _HOST, "guest", ".*", ".*", ".*")
    url = rabbitmq.url.removesuffix("%2F") + _HOST
    with (
        tempfile.TemporaryDirectory(prefix="billhook-faults-") as name,
        Site(Path(name), databases_of_suite, url, OVER_BROKER) as item,
    ):
        item.start(*OVER_BROKER)
        assert sorted(item.listening()) == sorted(OVER_BROKER), "an event may be published before its queue is there"
        item.start("web")
        an_operator(item.api)
        confirm_run(item.api)
        yield item


@pytest.fixture
def installation(folder: Path) -> Iterator[Installation]:
    """``./billhook up``, running."""
    with Installation(folder) as item:
        item.start()
        yield item
