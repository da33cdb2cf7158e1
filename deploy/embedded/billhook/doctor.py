"""``./billhook doctor``: what is wrong with an installation, and what to do; of use also where nothing starts."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import psycopg

from billhook import suite
from billhook.data import DataFolder
from billhook_common.figures import BACKUP_STAMP, latest_backup
from billhook_common.local import LocalError, binaries, cluster
from billhook_common.local.accounts import Account
from billhook_common.local.ports import is_free
from billhook_common.local.postgres import DataInUse, LocalPostgres
from billhook_common.local.processes import read_pid_file

LEAST_FREE_BYTES = 500_000_000
LOW_FREE_SHARE = 0.1
OLD_BACKUP_SECONDS = 26 * 3600.0
LONG_WAIT_SECONDS = 120.0
LEAST_SECRET_CHARACTERS = 12
CLOCK_APART_SECONDS = 2.0
_EARLIEST = 1_760_000_000
"""October 2025: a clock before that was never set."""
_DSN_OPTIONS = "-c statement_timeout=5000"

Level = Literal["ok", "warn", "FAILED"]


class Finding(NamedTuple):
    """One line: how bad it is, what was looked at, what was found and what to do."""

    level: Level
    what: str
    text: str


def run(folder: DataFolder, port: int, broker: str) -> int:
    """Look at everything and say it; exit status 1 when something has failed."""
    worst = 0
    for finding in examine(folder, port, broker):
        print(f"{finding.level:<6} {finding.what}: {finding.text}", flush=True)
        worst = max(worst, finding.level == "FAILED")
    return int(worst)


def examine(folder: DataFolder, port: int, broker: str) -> Iterator[Finding]:
    """All findings; a check that breaks itself is a finding too."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("python", _python),
        ("clock", _clock),
        ("disk", lambda: _disk(folder)),
        ("data folder", lambda: _data_folder(folder)),
        ("secrets", lambda: _secrets(folder)),
        ("processes", lambda: _processes(folder)),
        ("port", lambda: _port(folder, port)),
        ("databases", lambda: _databases(folder)),
        ("backup", lambda: _backup(folder)),
    ]
    if broker:
        checks.append(("broker", lambda: _broker(broker)))
    for name, check in checks:
        try:
            yield from check()
        except (LocalError, OSError, ValueError, psycopg.Error) as error:
            yield Finding("FAILED", name, str(error).strip())


def _python() -> Iterator[Finding]:
    yield Finding("ok", "python", f"{sys.version.split()[0]}, PostgreSQL {binaries.version()}")


def _clock() -> Iterator[Finding]:
    now = time.time()
    if now < _EARLIEST:
        yield Finding("FAILED", "clock", f"it is {time.ctime(now)} here; set the clock (timedatectl set-ntp true)")
    else:
        yield Finding("ok", "clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now)))


def _disk(folder: DataFolder) -> Iterator[Finding]:
    place = next(step for step in (folder.path, *folder.path.parents) if step.exists())
    usage = shutil.disk_usage(place)
    text = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free at {place}"
    if usage.free < LEAST_FREE_BYTES:
        yield Finding("FAILED", "disk", f"{text}; PostgreSQL stops when it has none: make room")
    elif usage.free < LOW_FREE_SHARE * usage.total:
        yield Finding("warn", "disk", f"{text}; make room soon")
    else:
        yield Finding("ok", "disk", text)


def _data_folder(folder: DataFolder) -> Iterator[Finding]:
    if not folder.path.exists():
        yield Finding("warn", "data folder", f"{folder.path} is not there; ./billhook up makes it")
        return
    owner = folder.path.stat().st_uid
    if os.geteuid() not in {0, owner}:
        yield Finding("FAILED", "data folder", f"{folder.path} belongs to user {owner}; run Billhook as that user")
        return
    wrong = [path for path in (folder.keys, folder.logs) if path.exists() and path.stat().st_mode & 0o077]
    for path in wrong:
        yield Finding("FAILED", "data folder", f"others may read {path}: chmod 700 {path}")
    if (folder.cluster / "PG_VERSION").exists():
        account = Account.for_data(folder.cluster)
        account.require_entry(folder.cluster)
        if folder.cluster.stat().st_uid != account.uid:
            yield Finding(
                "FAILED", "data folder", f"{folder.cluster} belongs to another user: chown -R {account.name} it"
            )
    if not wrong:
        yield Finding("ok", "data folder", str(folder.path))


def _secrets(folder: DataFolder) -> Iterator[Finding]:
    if not folder.keys.exists():
        if (folder.cluster / "PG_VERSION").exists():
            yield Finding("FAILED", "secrets", f"{folder.keys} is gone: restore a backup, or nobody stays signed in")
        return
    missing = [path for path in (folder.signing_key, folder.public_keys) if not path.exists()]
    if missing:
        yield Finding(
            "FAILED", "secrets", f"{', '.join(map(str, missing))} missing: restore from a backup, or delete both halves"
        )
    secret = [path for path in sorted(folder.keys.iterdir()) if path.is_file() and path != folder.public_keys]
    bad = [path for path in secret if path.stat().st_mode & 0o077]
    for path in bad:
        yield Finding("FAILED", "secrets", f"others may read {path}: chmod 600 {path}")
    if folder.signing_key.exists():
        from billhook_gateway.signing import load_signing_key  # noqa: PLC0415 - slow to import

        try:
            load_signing_key(str(folder.signing_key))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file, it is no key
            yield Finding("FAILED", "secrets", f"{folder.signing_key} is no key ({error}): restore it from a backup")
            return
    password = os.environ.get("BILLHOOK_ADMIN_PASSWORD")
    if password is not None and len(password) < LEAST_SECRET_CHARACTERS:
        yield Finding("warn", "secrets", f"BILLHOOK_ADMIN_PASSWORD has less than {LEAST_SECRET_CHARACTERS} characters")
    if folder.first_password.exists():
        yield Finding("warn", "secrets", f"{folder.first_password} is still there: change the password and delete it")
    if not missing and not bad:
        yield Finding("ok", "secrets", "keys are there, for their owner only")


def _processes(folder: DataFolder) -> Iterator[Finding]:
    files = sorted(folder.run.glob("*.pid")) if folder.run.is_dir() else []
    running = {path.stem: read_pid_file(path) for path in files}
    dead = [name for name, process in running.items() if process is None]
    if not running:
        yield Finding("ok", "processes", "none runs")
    elif running.get("supervisor") is None:
        alive = [name for name, process in running.items() if process is not None]
        if alive:
            yield Finding("FAILED", "processes", f"{', '.join(alive)} left without a supervisor: ./billhook stop")
        else:
            yield Finding("warn", "processes", "it was killed; the next start clears up what it left")
    elif dead:
        yield Finding("FAILED", "processes", f"{', '.join(dead)} ended; see {folder.logs}")
    else:
        yield Finding("ok", "processes", ", ".join(f"{name} {process.pid}" for name, process in running.items()
                                                   if process))  # fmt: skip


def _port(folder: DataFolder, port: int) -> Iterator[Finding]:
    if folder.supervisor() is not None:
        yield Finding("ok", "port", f"{folder.address()} is ours")
    elif is_free(port):
        yield Finding("ok", "port", f"{port} is free")
    else:
        yield Finding("FAILED", "port", f"{port} is taken by another program: choose another with --port")


def _databases(folder: DataFolder) -> Iterator[Finding]:
    if not (folder.cluster / "PG_VERSION").exists():
        yield Finding("ok", "databases", "none yet")
        return
    cluster.require_our_version(folder.cluster)
    server = LocalPostgres(folder.cluster)
    with contextlib.suppress(DataInUse):  # then it runs, and answers
        server.start()
    try:
        yield Finding("ok", "databases", "PostgreSQL answers" if server.pid is None else "PostgreSQL starts")
        yield from _each_database(server)
    finally:
        server.stop()


def _each_database(server: LocalPostgres) -> Iterator[Finding]:
    with psycopg.connect(server.dsn(), autocommit=True, options=_DSN_OPTIONS) as connection:
        there = {str(row[0]) for row in connection.execute("SELECT datname FROM pg_database")}
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    assert row is not None
    if abs(float(row[0]) - time.time()) > CLOCK_APART_SECONDS:
        yield Finding("FAILED", "clock", "PostgreSQL's clock is not this machine's")
    for name in suite.installed():
        database = suite.database_name(name)
        if database not in there:
            yield Finding("warn", name, "has no database yet; ./billhook up makes it")
            continue
        try:
            yield from _one_database(name, server.dsn(database))
        except psycopg.Error as error:
            yield Finding("FAILED", name, f"its database is damaged or locked: {str(error).strip().splitlines()[0]}")


def _one_database(name: str, dsn: str) -> Iterator[Finding]:
    heads = {path.stem.partition("_")[0] for path in (suite.load(name).migrations / "versions").glob("[0-9]*.py")}
    with psycopg.connect(dsn, autocommit=True, options=_DSN_OPTIONS) as connection:
        revision = connection.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        if revision is None or revision[0] != max(heads):
            found = revision[0] if revision else None
            if found is not None and found not in heads:
                yield Finding("FAILED", name, f"migration {found} is of a newer release: run that one")
            else:
                yield Finding("warn", name, f"is at migration {found}, not {max(heads)}; the next start migrates it")
            return
        pending, oldest = connection.execute(
            "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL), "
            "coalesce((SELECT extract(epoch FROM now() - occurred_at) FROM outbox WHERE published_at IS NULL "
            "ORDER BY seq LIMIT 1), 0)"
        ).fetchone() or (0, 0)
        failed, parked = connection.execute(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'failed'), "
            "(SELECT count(*) FROM inbox WHERE state = 'parked')"
        ).fetchone() or (0, 0)
    text = f"{pending} events to be sent, {failed} to be tried again, {parked} parked"
    if parked:
        yield Finding("warn", name, f"{text}; look at them: GET /api/{name}/ops/parked")
    elif pending and float(oldest) > LONG_WAIT_SECONDS:
        yield Finding("warn", name, f"{text}; the oldest has waited {float(oldest):.0f} s: does the worker run?")
    else:
        yield Finding("ok", name, text)


def _backup(folder: DataFolder) -> Iterator[Finding]:
    if not (folder.cluster / "PG_VERSION").exists():
        return
    age = time.time() - latest_backup(folder.path)
    if not (folder.path / BACKUP_STAMP).exists():
        yield Finding("warn", "backup", "there is none: ./billhook backup")
    elif age > OLD_BACKUP_SECONDS:
        yield Finding("warn", "backup", f"the latest is {age / 3600:.0f} hours old: ./billhook backup")
    else:
        yield Finding("ok", "backup", f"the latest is {age / 3600:.1f} hours old")


def _broker(url: str) -> Iterator[Finding]:
    from kombu import Connection  # noqa: PLC0415 - only the cluster form has one

    try:
        with Connection(url, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            properties = connection.connection.server_properties
    except Exception as error:  # noqa: BLE001 - a broker that is away has many ways to say so
        yield Finding("FAILED", "broker", f"does not answer: {error!r:.200}")
        return
    yield Finding("ok", "broker", f"RabbitMQ {properties.get('version', '?')} answers")
