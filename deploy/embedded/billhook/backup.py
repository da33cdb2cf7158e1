"""``./billhook backup``: all databases and files of an installation in one file, while it runs.

The file is a zip: a dump of each database, the files of the data folder, and at its end ``manifest.json`` with the
SHA-256 of each. All databases are held at nearly one moment, some milliseconds apart; what an event was doing between
two of them in those milliseconds is found by the services themselves, which compare the numbers of events.
"""

import contextlib
import datetime as dt
import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import msgspec
import psycopg
from psycopg import sql

from billhook import suite
from billhook.data import DataFolder
from billhook_common.clock import SystemClock
from billhook_common.figures import BACKUP_STAMP
from billhook_common.local import LocalError, binaries
from billhook_common.local.cluster import PostgresFailed
from billhook_common.local.dump import CHUNK_BYTES, dump_database
from billhook_common.local.postgres import DataInUse, LocalPostgres

FORMAT = 1
MANIFEST = "manifest.json"
_NOT_KEPT = frozenset({"run", "log", BACKUP_STAMP})
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_REVISION = "SELECT version_num FROM alembic_version"


class Part(msgspec.Struct, frozen=True):
    """A member of the file."""

    name: str
    bytes: int
    sha256: str


class Held(msgspec.Struct, frozen=True):
    """A database in the backup: its migration, and how many rows each table has."""

    revision: str
    rows: dict[str, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    format: int
    billhook: str
    postgresql: str
    made_at: dt.datetime
    databases: dict[str, Held]
    parts: list[Part]


@dataclass(slots=True)
class _Snapshot:
    """A database, held as it was at one moment, while ``connection`` is open."""

    name: str
    dsn: str
    connection: psycopg.Connection[Any]
    exported: str


class _Counted:
    """Writes through to a member, and knows its length and SHA-256."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Hand on."""
        self.size += len(data)
        self.digest.update(data)
        return self._member.write(data)


def backup(folder: DataFolder, to: Path | None) -> Path:
    """Write the backup and return its path. Raises LocalError; a file that exists is not touched."""
    if not (folder.cluster / "PG_VERSION").exists():
        raise LocalError(f"{folder.path} holds no installation; say which with --data")
    now = SystemClock("UTC").now()
    target = (to or folder.path.parent / f"billhook-{folder.path.name}-{now:%Y%m%d-%H%M%S}.zip").resolve()
    if target.exists():
        raise LocalError(f"{target} exists already; a backup never replaces another")
    if target.is_relative_to(folder.path):
        raise LocalError(f"{target} lies in the data folder itself; a backup belongs on another disk")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with _server(folder) as server, os.fdopen(descriptor, "w+b") as file:
            _write(folder, server, file, now)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise LocalError(f"the backup could not be written: {error}") from error
    except psycopg.Error as error:
        raise LocalError(f"a database could not be read: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    (folder.path / BACKUP_STAMP).write_text(f"{now.timestamp():.0f}\n")
    return target


@contextlib.contextmanager
def _server(folder: DataFolder) -> Iterator[LocalPostgres]:
    """The installation's PostgreSQL: the one that runs, or one of our own meanwhile."""
    server = LocalPostgres(folder.cluster)
    try:
        server.start()
    except DataInUse:
        yield server
        return
    try:
        yield server
    finally:
        server.stop()


def _write(folder: DataFolder, server: LocalPostgres, file: IO[bytes], now: dt.datetime) -> None:
    parts: list[Part] = []
    held: dict[str, Held] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive, contextlib.ExitStack() as open_:
        snapshots = [_hold(server, name, open_) for name in suite.NAMES if _exists(server, name)]
        for snapshot in snapshots:
            with _part(archive, f"databases/{snapshot.name}.dump", parts) as member:
                dump_database(server.programs(), snapshot.dsn, snapshot.exported, member)
            held[snapshot.name] = _count(snapshot)
        for path in sorted(folder.path.rglob("*")):
            inside = path.relative_to(folder.path)
            is_kept = inside.parts[0] not in _NOT_KEPT and not inside.parts[0].startswith("postgresql")
            if is_kept and path.is_file() and not path.is_symlink():
                with _part(archive, f"files/{inside.as_posix()}", parts) as member, path.open("rb") as source:
                    while chunk := source.read(CHUNK_BYTES):
                        member.write(chunk)
        manifest = Manifest(
            format=FORMAT, billhook=metadata.version("billhook"), postgresql=binaries.version(), made_at=now,
            databases=held, parts=parts,
        )  # fmt: skip
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))


@contextlib.contextmanager
def _part(archive: zipfile.ZipFile, name: str, parts: list[Part]) -> Iterator[IO[bytes]]:
    with archive.open(name, "w", force_zip64=True) as member:
        counted = _Counted(member)
        yield counted  # type: ignore[misc]  # only written to
    parts.append(Part(name, counted.size, counted.digest.hexdigest()))


def _exists(server: LocalPostgres, name: str) -> bool:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return connection.execute(query, (suite.database_name(name),)).fetchone() is not None


def _hold(server: LocalPostgres, name: str, open_: contextlib.ExitStack) -> _Snapshot:
    dsn = server.dsn(suite.database_name(name))
    connection = open_.enter_context(psycopg.connect(dsn))
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    return _Snapshot(name, dsn, connection, str(row[0]))


def _count(snapshot: _Snapshot) -> Held:
    return count_rows(snapshot.connection)


def count_rows(connection: psycopg.Connection[Any]) -> Held:
    """The migration that a database is at and the rows of its tables. Raises PostgresFailed for one without."""
    tables = [str(row[0]) for row in connection.execute(_TABLES)]
    if "alembic_version" not in tables:
        raise PostgresFailed("a database was never migrated; start Billhook once first")
    rows: dict[str, int] = {}
    for table in tables:
        found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        assert found is not None
        rows[table] = int(found[0])
    revision = connection.execute(_REVISION).fetchone()
    return Held(str(revision[0]) if revision else "", rows)
