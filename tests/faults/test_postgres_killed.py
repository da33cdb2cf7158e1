"""A database server that dies takes its services with it and nobody else; what was acknowledged is there (F3)."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billhook import suite
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.processes import wait_until
from billhook_common.testing.databases import TestDatabases

from .invariants import check_invariants
from .load import Load, an_operator
from .site import Site

pytestmark = pytest.mark.fault

SEED = 3
RECOVERY_SECONDS = 15.0
ALONE = "payments"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, LocalPostgres]]:
    """A PostgreSQL for payments, and one for all others; both write as in earnest."""
    with tempfile.TemporaryDirectory(prefix="billhook-faults-") as name:
        Path(name).chmod(0o755)
        with LocalPostgres(Path(name) / "alone") as alone, LocalPostgres(Path(name) / "others") as others:
            yield {ALONE: alone, "others": others}


@pytest.fixture(scope="module")
def apart(servers: dict[str, LocalPostgres]) -> Iterator[Site]:
    """The embedded form on both."""
    databases = {name: TestDatabases(server) for name, server in servers.items()}
    dsns = {name: databases.get(name, databases["others"]).create(suite.load(name)) for name in suite.installed()}
    with tempfile.TemporaryDirectory(prefix="billhook-faults-") as name, Site(Path(name), dsns) as item:
        item.start("worker", "web")
        an_operator(item.api)
        yield item


def die(server: LocalPostgres, how: signal.Signals) -> None:
    """SIGKILL the first process, or have the server stop at once, without a checkpoint."""
    assert server.pid is not None
    os.kill(server.pid, how)
    assert wait_until(lambda: server.pid is None, RECOVERY_SECONDS)


@contextmanager
def dead(servers: list[LocalPostgres], how: signal.Signals) -> Iterator[None]:
    """Within the block these servers do not run."""
    for server in servers:
        die(server, how)
    try:
        yield
    finally:
        for server in servers:
            server.start()


def customers_of(site: Site) -> list[str]:
    return [one.id for one in site.api.acknowledged.values() if one.path == "/crm/customers"]


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGQUIT, marks=pytest.mark.slow)])
def test_the_server_of_one_service_takes_only_this_service_with_it(
    apart: Site, servers: dict[str, LocalPostgres], how: signal.Signals
) -> None:
    with Load(apart.api, f"one {how}", SEED, customers_of(apart)) as load:
        load.progress()
        with dead([servers[ALONE]], how):
            refused = apart.api.attempt("/payments/payments")
            assert (refused.status, refused.body["status"]) == (503, 503)
            assert int(refused.headers["Retry-After"]) >= 1
            for number in range(5):
                name = f"during {how} {number}"
                assert apart.api.attempt("/crm/customers", {"name": name}, key=name).status == 201
            assert apart.api.attempt("/billing/accounts").status == 200
        began = time.monotonic()
        load.progress()
        assert time.monotonic() - began < RECOVERY_SECONDS
    check_invariants(apart)


@pytest.mark.parametrize("how", [signal.SIGQUIT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_when_all_servers_die_no_acknowledged_command_is_missing(
    apart: Site, servers: dict[str, LocalPostgres], how: signal.Signals
) -> None:
    with Load(apart.api, f"all {how}", SEED, customers_of(apart)) as load:
        load.progress()
        with dead([*servers.values()], how):
            # Who asks cannot even be known.
            assert apart.api.attempt("/payments/payments").status == 503
        began = time.monotonic()
        load.progress()
        assert time.monotonic() - began < RECOVERY_SECONDS
    check_invariants(apart)
