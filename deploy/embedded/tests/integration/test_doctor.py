"""``./billhook doctor`` on installations that are well and on broken ones."""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billhook import doctor, suite
from billhook.data import DataFolder
from billhook.doctor import Finding
from billhook_common.figures import BACKUP_STAMP
from billhook_common.local.ports import free_port
from billhook_common.local.postgres import LocalPostgres
from billhook_gateway.signing import create_signing_key

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made() -> Iterator[DataFolder]:
    """An installation that was started once and stopped, without its processes."""
    with tempfile.TemporaryDirectory(prefix="billhook-doctor-") as path:
        Path(path).chmod(0o755)
        folder = DataFolder(Path(path) / "data")
        folder.prepare()
        create_signing_key(folder.signing_key, folder.public_keys)
        with LocalPostgres(folder.cluster) as server:
            for name in ("billing", "gateway"):
                database = suite.database_name(name)
                suite.load(name).migrate(server.create_database(database, database))
        yield folder


@pytest.fixture
def data(made: DataFolder, tmp_path: Path) -> Iterator[DataFolder]:
    copy = DataFolder(made.path.with_name("copy"))
    shutil.copytree(made.path, copy.path)
    owner = made.cluster.stat()
    for path in (copy.cluster, *copy.cluster.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    yield copy
    shutil.rmtree(copy.path)


def findings(data: DataFolder, port: int | None = None, broker: str = "") -> list[Finding]:
    return list(doctor.examine(data, port or free_port(), broker))


def failed(found: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.text for finding in found if finding.level == "FAILED"}


def test_a_sound_installation_has_nothing_failed(data: DataFolder, capsys: pytest.CaptureFixture[str]) -> None:
    (data.path / BACKUP_STAMP).write_text(str(time.time()))
    assert doctor.run(data, free_port(), "") == 0
    said = capsys.readouterr().out
    assert "FAILED" not in said
    for line in ("ok     databases: PostgreSQL starts", "ok     billing: 0 events to be sent", "ok     backup"):
        assert line in said
    assert "warn   crm: has no database yet" in said


def test_nothing_at_all_is_said_without_a_failure(tmp_path: Path) -> None:
    found = findings(DataFolder(tmp_path / "none"))
    assert failed(found) == {}
    assert any("./billhook up makes it" in finding.text for finding in found)


def test_a_port_that_is_taken(data: DataFolder) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = failed(findings(data, other.getsockname()[1]))
    assert "choose another with --port" in found["port"]


def test_secrets_that_others_may_read_are_missing_or_no_keys(data: DataFolder) -> None:
    data.signing_key.chmod(0o644)
    assert f"chmod 600 {data.signing_key}" in failed(findings(data))["secrets"]
    data.signing_key.write_text("{")
    data.signing_key.chmod(0o600)
    assert "is no key" in failed(findings(data))["secrets"]
    data.signing_key.unlink()
    assert "missing" in failed(findings(data))["secrets"]
    shutil.rmtree(data.keys)
    assert "restore a backup" in failed(findings(data))["secrets"]


def test_damaged_files_of_postgresql(data: DataFolder) -> None:
    (data.cluster / "global" / "pg_control").write_bytes(b"\0" * 100)
    assert "PostgreSQL did not start" in failed(findings(data))["databases"]


def test_data_of_another_major_version(data: DataFolder) -> None:
    (data.cluster / "PG_VERSION").write_text("17\n")
    assert "./billhook backup" in failed(findings(data))["databases"]


def test_a_database_of_a_newer_release_and_one_behind(data: DataFolder) -> None:
    with LocalPostgres(data.cluster) as server:
        for name, revision in (("billing", "9999"), ("gateway", "0000")):
            with psycopg.connect(server.dsn(suite.database_name(name))) as connection:
                connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    found = failed(findings(data))
    assert "newer release" in found["billing"]


def test_parked_events_and_an_old_backup_are_warned_of(data: DataFolder) -> None:
    (data.path / BACKUP_STAMP).write_text(str(time.time() - 50 * 3600))
    with (
        LocalPostgres(data.cluster) as server,
        psycopg.connect(server.dsn(suite.database_name("billing"))) as connection,
    ):
        connection.execute(
            "INSERT INTO inbox (event_id, type, state, received_at) VALUES (gen_random_uuid(), 'x', 'parked', now())"
        )
    warned = {finding.what: finding.text for finding in findings(data) if finding.level == "warn"}
    assert "1 parked" in warned["billing"]
    assert "50 hours old" in warned["backup"]


def test_a_pid_file_that_a_killed_supervisor_left(data: DataFolder) -> None:
    data.pid_file("supervisor").write_text("999999\n")
    data.pid_file("web").write_text(f"{os.getpid()}\n")
    assert "web left without a supervisor: ./billhook stop" in failed(findings(data))["processes"]


def test_a_broker_that_does_not_answer(data: DataFolder) -> None:
    found = failed(findings(data, broker=f"amqp://guest:guest@127.0.0.1:{free_port()}//"))
    assert "does not answer" in found["broker"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_data_that_belongs_to_somebody_else(data: DataFolder) -> None:
    (data.cluster / "PG_VERSION").chmod(0o600)
    os.chown(data.cluster / "global" / "pg_control", 0, 0)
    assert "databases" in failed(findings(data))
