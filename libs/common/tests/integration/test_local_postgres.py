"""The embedded PostgreSQL survives what happens to processes and folders on a real machine."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billhook_common.local import LocalError, accounts, cluster, dump
from billhook_common.local.cluster import OtherMajorVersion, PostgresFailed
from billhook_common.local.ports import free_port
from billhook_common.local.postgres import DataInUse, LocalPostgres
from billhook_common.local.processes import ProcessId, wait_until

pytestmark = pytest.mark.integration

_HOLDER = """
import sys, time
from billhook_common.local.ports import free_port
from billhook_common.local.postgres import LocalPostgres
server = LocalPostgres(sys.argv[1])
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    # Not pytest's tmp_path: when root runs the tests, that is closed to PostgreSQL's account.
    with tempfile.TemporaryDirectory(prefix="billhook-pg-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def server(place: Path) -> Iterator[LocalPostgres]:
    # What a killed process has written, the kernel keeps: fsync matters only when the machine itself stops.
    instance = LocalPostgres(place / "postgresql", fsync=False)
    yield instance
    instance.stop()


@pytest.fixture
def durable_server(place: Path) -> Iterator[LocalPostgres]:
    instance = LocalPostgres(place / "postgresql")
    yield instance
    instance.stop()


def start_elsewhere(folder: Path) -> tuple["subprocess.Popen[str]", int]:
    """Another process that runs PostgreSQL on ``folder``, and the server's number."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


def give_number_of_server_to(pid: int, folder: Path) -> None:
    """Make the files of a killed server name another process."""
    for file in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
        lines = file.read_text().splitlines()
        file.write_text("\n".join([str(pid), *lines[1:]]) + "\n")


def count(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM receipt").fetchone()
    assert row is not None
    return int(row[0])


def test_a_service_gets_its_own_database_and_role(server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    server.create_database("crm", "crm")
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT current_user, current_database(), lower('ŽIŽKA')").fetchone()
        assert row == ("billing", "billing", "žižka")
        ((owner_is_super,),) = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'billing'").fetchall()
        assert owner_is_super is False
        assert connection.execute("SHOW max_connections").fetchone() == ("300",)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(server.dsn("crm", "billing"))


def test_what_is_committed_is_on_the_disk(durable_server: LocalPostgres) -> None:
    durable_server.start()
    with psycopg.connect(durable_server.dsn()) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("on",)


def test_making_a_database_twice_keeps_it(server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE receipt (id int)")
    assert server.create_database("billing", "billing") == dsn
    assert count(dsn) == 0


def test_a_template_is_copied(server: LocalPostgres) -> None:
    server.start()
    with psycopg.connect(server.create_database("origin", "billing")) as connection:
        connection.execute("CREATE TABLE receipt AS SELECT 1 AS id")
    assert count(server.create_database("copy", "billing", template="origin")) == 1
    server.drop_database("copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.dsn("copy", "billing"))


def test_it_listens_on_no_port_unless_asked(server: LocalPostgres, place: Path) -> None:
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_over_a_port_a_password_is_asked(place: Path, unused_tcp_port: int) -> None:
    with LocalPostgres(place / "postgresql", fsync=False, port=unused_tcp_port) as server:
        server.create_database("billing", "billing")
        with psycopg.connect(server.tcp_dsn("billing", "billing")) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("billing",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"postgresql://billing:wrong@127.0.0.1:{unused_tcp_port}/billing")


@pytest.fixture
def unused_tcp_port() -> int:
    return free_port()


def test_committed_rows_survive_sigkill(server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE receipt (id int)")
        for number in range(50):
            connection.execute("INSERT INTO receipt VALUES (%s)", [number])
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 5)
    server.start()
    assert count(dsn) == 50


def test_a_backend_deep_in_a_query_does_not_hold_up_the_restart(server: LocalPostgres) -> None:
    server.start()
    with contextlib.closing(psycopg.connect(server.dsn(), autocommit=True)) as connection:
        backend = ProcessId.of(connection.info.backend_pid)
        connection.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        time.sleep(0.1)
        assert server.pid is not None and backend is not None
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until(lambda: server.pid is None, 5)
        server.start()
        assert not backend.is_running()


def test_a_server_left_by_a_killed_parent_is_replaced(place: Path, server: LocalPostgres) -> None:
    holder, left = start_elsewhere(place / "postgresql")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE receipt AS SELECT 1 AS id")
    leftover = ProcessId.of(left)
    holder.kill()
    holder.communicate()
    assert leftover is not None and leftover.is_running(), "the server outlives its parent"
    server.start()
    assert not leftover.is_running()
    assert server.pid != left
    assert count(server.dsn()) == 1


def test_a_second_start_on_the_same_data_is_refused(place: Path, server: LocalPostgres) -> None:
    holder, left = start_elsewhere(place / "postgresql")
    try:
        with pytest.raises(DataInUse, match=f"process {holder.pid} runs PostgreSQL"):
            server.start()
        running = ProcessId.of(left)
        assert running is not None and running.is_running(), "the refusal leaves the other alone"
    finally:
        holder.kill()
        holder.communicate()


def test_a_stale_pid_file_whose_number_was_given_again(server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE receipt AS SELECT 1 AS id")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 5)
    # As after the restart of a container: the old server's number is that of somebody alive.
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        give_number_of_server_to(bystander.pid, server.folder)
        server.start()
        assert bystander.poll() is None, "somebody else's process is left alone"
        assert count(dsn) == 1
    finally:
        bystander.kill()
        bystander.wait()


def test_a_stale_pid_file_of_a_process_that_nobody_buried(server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE receipt AS SELECT 1 AS id")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 5)
    # As in a container whose first process does not care for orphans: the killed server stays as a zombie.
    zombie = subprocess.Popen(["true"])
    try:
        assert wait_until(lambda: ProcessId.of(zombie.pid) is None, 5)
        give_number_of_server_to(zombie.pid, server.folder)
        server.start()
        assert count(dsn) == 1
    finally:
        zombie.wait()


def test_a_pid_file_cut_off_by_a_crash(server: LocalPostgres) -> None:
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_until(lambda: server.pid is None, 5)
    (server.folder / "postmaster.pid").write_text("")
    server.start()
    assert server.pid is not None


def test_an_interrupted_first_start_leaves_nothing_half_made(place: Path, server: LocalPostgres) -> None:
    half = place / "postgresql.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server.start()
    assert not half.exists()


def test_open_sessions_do_not_hold_up_stopping(durable_server: LocalPostgres) -> None:
    durable_server.start()
    with contextlib.closing(psycopg.connect(durable_server.dsn())) as connection:
        connection.execute("CREATE TABLE receipt (id int)")
        began = time.monotonic()
        durable_server.stop()
        assert time.monotonic() - began < 5, "open sessions do not hold it up"
    durable_server.start()
    with psycopg.connect(durable_server.dsn()) as connection:
        assert connection.execute("SELECT to_regclass('receipt')").fetchone() == (None,), "it was not committed"


def test_other_major_version_is_refused_untouched(server: LocalPostgres) -> None:
    server.start()
    server.stop()
    (server.folder / "PG_VERSION").write_text("17\n")
    with pytest.raises(OtherMajorVersion, match=r"billhook backup --data .*\n.*mv .*\n.*billhook restore"):
        server.start()
    assert (server.folder / "PG_VERSION").read_text() == "17\n"


def test_a_dump_makes_the_same_database_again(place: Path, server: LocalPostgres) -> None:
    server.start()
    dsn = server.create_database("billing", "billing")
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE receipt AS SELECT 1 AS id")
    with psycopg.connect(dsn) as connection, (place / "billing.dump").open("wb") as target:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or [""]
        dump.dump_database(server.programs(), dsn, str(snapshot), target)
    again = server.create_database("again", "again")
    with (place / "billing.dump").open("rb") as source:
        dump.restore_database(server.programs(), again, source)
    assert count(again) == 1
    with (place / "billing.dump").open("rb") as source, pytest.raises(PostgresFailed, match="already exists"):
        dump.restore_database(server.programs(), again, source)


def test_a_path_too_long_for_a_socket(place: Path) -> None:
    folder = place / ("deep" * 25) / "postgresql"
    with LocalPostgres(folder, fsync=False) as server:
        assert count_connections(server) == 1
        short = cluster.socket_folder(server.folder)
        assert short != server.folder
        assert short.stat().st_mode & 0o777 == 0o700


def count_connections(server: LocalPostgres) -> int:
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def test_what_the_server_said_is_told_when_it_does_not_start(server: LocalPostgres) -> None:
    server.start()
    server.stop()
    with (server.folder / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with (server.folder / "log" / "postgresql-Mon.log").open("a") as file:
        file.writelines(f"what it said before, {at}\n" for at in range(100))
    with pytest.raises(PostgresFailed, match="no_such_setting"):
        server.start()


def test_its_log_is_in_the_data_folder(server: LocalPostgres) -> None:
    server.start()
    with psycopg.connect(server.dsn(), autocommit=True) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 1/0")
    logs = list((server.folder / "log").glob("postgresql-*.log"))
    assert wait_until(lambda: any("division by zero" in path.read_text() for path in logs), 5)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another account")
class TestAsRoot:
    def test_the_server_runs_under_an_account_without_rights(self, server: LocalPostgres) -> None:
        server.start()
        assert server.pid is not None
        uid = Path(f"/proc/{server.pid}").stat().st_uid
        assert uid not in (0, None)
        assert uid == server.folder.stat().st_uid

    def test_a_closed_parent_folder_is_named(self, place: Path) -> None:
        closed = place / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(LocalError, match=f"may not enter {closed} on the way to"):
            LocalPostgres(closed / "inside" / "postgresql").start()
        assert list(closed.iterdir()) == []

    def test_the_owner_of_existing_data_runs_it_again(
        self, server: LocalPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.start()
        owner = server.folder.stat().st_uid
        server.stop()
        monkeypatch.setattr(accounts, "CANDIDATES", ("daemon",))
        server.start()
        assert server.folder.stat().st_uid == owner


def test_a_test_server_ends_with_its_test_run(place: Path) -> None:
    script = _HOLDER.replace("LocalPostgres(sys.argv[1])", "LocalPostgres(sys.argv[1], fsync=False)")
    command = [sys.executable, "-c", script, str(place / "postgresql")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    left = ProcessId.of(int(holder.stdout.readline()))
    holder.kill()
    holder.communicate()
    assert left is not None
    assert wait_until(lambda: not left.is_running(), 5)
