"""Metrics: what the worker reads from the databases, the pool's figures, several web processes of one service."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from billhook_common.figures import BACKUP_STAMP, EVENTS, DatabaseFigures, Source
from billhook_common.ids import uuid7
from billhook_common.local.ports import free_port
from billhook_common.local.processes import wait_until
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.sample import Counted, listening, sample_service

pytestmark = pytest.mark.integration


def _read(figures: DatabaseFigures) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in figures.collect()
        for sample in family.samples
    }


@pytest.fixture
def listener(databases: TestDatabases) -> Iterator[ServiceHarness]:
    service = sample_service("listener", listening)
    dsn = databases.create(service)
    item = ServiceHarness(service, dsn)
    yield item
    item.close()
    databases.drop(dsn)


def test_what_waits_and_what_is_parked_is_read_from_the_database(
    harness: ServiceHarness, listener: ServiceHarness, tmp_path: Path
) -> None:
    harness.client().post("/counters", {"name": "a"})
    listener.deliver(Counted(counter_id=uuid7(), name="wait", step=1))
    listener.inbox.accept([b"no event"])
    (tmp_path / BACKUP_STAMP).write_text("0")
    sources = [
        Source("sample", harness.config.database_url, []),
        Source("listener", listener.config.database_url, []),
        Source("lost", "postgresql://nobody@127.0.0.1:1/none", []),
    ]
    found = _read(DatabaseFigures(sources, str(tmp_path)))

    assert found["billhook_outbox_pending", "sample"] == 1
    assert found["billhook_outbox_oldest_seconds", "sample"] >= 0
    assert found["billhook_inbox_failed", "listener"] == 1
    assert found["billhook_inbox_parked", "listener"] == 1
    assert found["billhook_outbox_pending", "listener"] == 0
    assert [found["billhook_database_up", name] for name in ("sample", "listener", "lost")] == [1, 1, 0]
    assert ("billhook_outbox_pending", "lost") not in found, "an unknown number is no zero"
    assert found["billhook_backup_age_seconds",] > 50 * 365 * 86_400
    assert 0 < found["billhook_disk_free_bytes",] <= found["billhook_disk_bytes",]


def test_a_database_that_is_only_slow_is_up_and_its_figures_are_left_out(harness: ServiceHarness) -> None:
    figures = DatabaseFigures([Source("sample", harness.config.database_url, [])])
    with harness.session() as session:
        session.execute(text("LOCK TABLE outbox"))
        found = _read(figures)
    assert found["billhook_database_up", "sample"] == 1
    assert ("billhook_outbox_pending", "sample") not in found
    assert _read(figures)["billhook_outbox_pending", "sample"] == 0


def test_the_figures_read_no_inbox_whole(harness: ServiceHarness) -> None:
    with harness.session() as session:
        for table, columns in (
            ("inbox", "(event_id, type, state, received_at) SELECT gen_random_uuid(), 'x', 'done', now()"),
            (
                "outbox",
                "(id, type, subject, occurred_at, published_at, data) "
                "SELECT gen_random_uuid(), 'x', gen_random_uuid(), now(), now(), '{}'",
            ),
        ):
            session.execute(text(f"INSERT INTO {table} {columns} FROM generate_series(1, 20000)"))
            session.execute(text(f"ANALYZE {table}"))
        plan = "\n".join(session.scalars(text(f"EXPLAIN {EVENTS}")))
    assert "Seq Scan" not in plan, plan


def test_the_pool_says_how_many_connections_are_lent(harness: ServiceHarness) -> None:
    def lent() -> float | None:
        return REGISTRY.get_sample_value("billhook_pool_in_use", {"service": "sample"})

    with harness.session() as first, harness.session() as second:
        first.connection(), second.connection()
        assert lent() == 2
    assert lent() == 0
    assert REGISTRY.get_sample_value("billhook_pool_limit", {"service": "sample"}) == 16


class Api:
    """The sample service's API with two processes."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return ""

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def value(self, name: str) -> float:
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics"), re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def _serving(dsn: str, **settings: str) -> Iterator[Api]:
    port = free_port()
    command = [
        *(sys.executable, "-c"),
        "from billhook_common.testing.sample import sample_service; import sys; sample_service().main(sys.argv[1:])",
        *("api", "--bind", f"127.0.0.1:{port}"),
    ]
    environment = {**os.environ, "BILLHOOK_SAMPLE_DATABASE_URL": dsn, **settings}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield Api(process, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def test_several_web_processes_add_up_also_when_one_dies(harness: ServiceHarness, tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").write_bytes(b"left by an earlier start")
    settings = {"BILLHOOK_WEB_WORKERS": "2", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    probes = 'billhook_requests_total{method="GET",route="/livez",service="sample",status="200"}'
    limit = 'billhook_pool_limit{service="sample"}'
    with _serving(harness.config.database_url, **settings) as api:
        assert wait_until(lambda: api.get("/livez") != "" and api.value(limit) == 32, 30), "two pools of 16"
        before = api.value(probes)
        for _ in range(20):
            assert api.get("/livez")
        assert api.value(probes) == before + 20

        killed, _ = api.workers()
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda: killed not in api.workers() and len(api.workers()) == 2, 30)
        assert wait_until(lambda: api.value(limit) == 32, 30), "the dead one's pool is gone, the new one's is there"
        assert api.value(probes) >= before + 20, "what a dead process counted stays counted"


def test_several_web_processes_without_a_folder_are_refused(harness: ServiceHarness) -> None:
    with _serving(harness.config.database_url, BILLHOOK_WEB_WORKERS="2") as api:
        assert api.process.wait(30) != 0
        assert api.process.stderr is not None
        assert b"PROMETHEUS_MULTIPROC_DIR must name a folder" in api.process.stderr.read()
