"""PostgreSQL as our own child process, on a data folder of its own.

The server listens on a Unix socket only, and lets in only the user who started it (peer authentication),
under any role. A TCP port is opened on request, on loopback, with a password.
"""

import fcntl
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote, urlencode

import psycopg

from billhook_common.local import LocalError, binaries, cluster, databases
from billhook_common.local.accounts import Account
from billhook_common.local.cluster import SUPERUSER, PostgresFailed
from billhook_common.local.guard import Guard

DEFAULT_PORT = 5432
RECOVERY_SECONDS = 3600.0
"""After a crash the server first replays its log; with the default limit of 1 GB a minute on a slow disk."""
STOP_SECONDS = 2.5
_POLL_SECONDS = 0.01
# Commits are still written before they are answered: the kernel keeps what a killed server has written.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class DataInUse(LocalError):
    """Another running process has this data folder."""


class LocalPostgres:
    """The server on ``folder``, ours from ``start`` to ``stop``.

    ``fsync=False`` is for tests: a crash of the machine then loses data, one of the server does not; and the
    server ends with its test run, however that ends.
    """

    def __init__(self, folder: Path | str, *, fsync: bool = True, port: int | None = None) -> None:
        self.folder = Path(folder).resolve()
        self.fsync = fsync
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._guard: Guard | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process number; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the server, on first use after making its data, and return when it answers.

        Ends a server that an earlier, killed Billhook left on the same data. Raises DataInUse when a
        living one has it, OtherMajorVersion, PostgresFailed, or LocalError for folders in the way.
        """
        if self.pid is not None:
            return
        account = Account.for_data(self.folder)
        self._make_way(account)
        self._take_lock()
        self._release_guard()
        try:
            self._process = self._launch(account)
            if not self.fsync:
                self._guard = Guard([self._process.pid], signal.SIGQUIT)
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self, within_seconds: float = STOP_SECONDS) -> None:
        """Stop the server and let go of the data folder.

        What it cannot write out in that time is left to the next start, which replays the log.
        """
        process, self._process = self._process, None
        if process is not None:
            # SIGINT ends sessions and writes everything out; SIGQUIT leaves that to the next start.
            orderly = [(signal.SIGINT, within_seconds)] if self.fsync else []
            for number, seconds in [*orderly, (signal.SIGQUIT, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)]:
                process.send_signal(number)
                try:
                    process.wait(seconds)
                    break
                except subprocess.TimeoutExpired:
                    continue
        self._release_guard()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def end_leftovers(self) -> None:
        """End a server that a killed Billhook left on this data, without starting one. Raises DataInUse."""
        if (self.folder / "PG_VERSION").exists():
            self._take_lock()
            cluster.end_leftovers(self.folder)
            self.stop()

    def dsn(self, database: str = SUPERUSER, role: str = SUPERUSER) -> str:
        """The URL of a database for libpq and psycopg, through the Unix socket, without a password."""
        query = urlencode({"host": str(cluster.socket_folder(self.folder)), "port": self.port or DEFAULT_PORT})
        return f"postgresql://{quote(role)}@/{quote(database)}?{query}"

    def tcp_dsn(self, database: str = SUPERUSER, role: str = SUPERUSER) -> str:
        """The URL through the TCP port, with the password of a role made by ``create_database``."""
        assert self.port is not None, "this server was started without a TCP port"
        return f"postgresql://{quote(role)}:{self._password()}@127.0.0.1:{self.port}/{quote(database)}"

    def create_database(self, name: str, role: str, template: str | None = None) -> str:
        """Make a database and the role that owns it, unless they are there; returns its ``dsn``."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            databases.ensure_role(connection, role, self._password() if self.port else None)
            databases.ensure_database(connection, name, role, template)
        return self.dsn(name, role)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            databases.drop_database(connection, name)

    def programs(self) -> Path:
        """The folder of ``pg_dump``, ``psql`` and PostgreSQL's other programs."""
        return binaries.programs(Account.for_data(self.folder))

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(self.folder.name + suffix)

    def _make_way(self, account: Account) -> None:
        """Make the folder's parents, once it is sure that the server's account may pass through the existing ones."""
        account.require_entry(next(step for step in (self.folder, *self.folder.parents) if step.exists()))
        if not self.folder.parent.exists():
            self.folder.parent.mkdir(parents=True)
            if account.switch:
                self.folder.parent.chmod(0o711)

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = self._beside(".lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            lock.close()
            raise DataInUse(f"process {owner} runs PostgreSQL on {self.folder}; stop it first") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _launch(self, account: Account) -> "subprocess.Popen[bytes]":
        programs = binaries.programs(account)
        if not (self.folder / "PG_VERSION").exists():
            cluster.make(self.folder, programs, account, durable=self.fsync)
        cluster.require_our_version(self.folder)
        cluster.end_leftovers(self.folder)
        cluster.write_access_rules(self.folder, account)
        cluster.make_socket_folder(self.folder, account)
        settings = {
            "unix_socket_directories": str(cluster.socket_folder(self.folder)),
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or DEFAULT_PORT),
            **({} if self.fsync else _NOT_DURABLE),
        }
        command = [str(programs / "postgres"), "-D", str(self.folder)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # A session of its own, so that Ctrl-C in the terminal reaches Billhook first, which stops it last.
        with self._beside(".log").open("wb") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, **cluster.surroundings(account)
            )

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for the word that the server writes into its pid file, through recovery after a crash."""
        end = time.monotonic() + RECOVERY_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                raise PostgresFailed(f"PostgreSQL did not start on {self.folder}:\n{self._last_words()}")
            try:
                lines = (self.folder / "postmaster.pid").read_text().splitlines()
            except FileNotFoundError:
                lines = []
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(_POLL_SECONDS)
        raise PostgresFailed(f"PostgreSQL on {self.folder} was not ready after {RECOVERY_SECONDS / 60:.0f} minutes")

    def _last_words(self) -> str:
        logs = sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        # Its own log goes on from earlier starts; ours has what it said at this one before it opened that.
        return cluster.tail("".join(path.read_text(errors="replace") for path in [*logs[-1:], self._beside(".log")]))

    def _release_guard(self) -> None:
        if self._guard is not None:
            self._guard.release()
            self._guard = None

    def _password(self) -> str:
        path = self._beside(".password")
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()
