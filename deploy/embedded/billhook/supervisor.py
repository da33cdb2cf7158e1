"""Runs the suite on one machine in the foreground: PostgreSQL, web and worker processes, until told to stop."""

import fcntl
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from billhook import suite
from billhook.children import Child, ChildFailed, stop_all, stop_leftovers
from billhook.data import DataFolder
from billhook.demo.calendar import DAY_FILE_VARIABLE
from billhook_common.local import LocalError, databases
from billhook_common.local.ports import free_port, is_free
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.processes import write_pid_file
from billhook_common.signals import set_on_signals

START_SECONDS = 900.0
"""Migrations of a large database are the longest part."""
STOP_SECONDS = 2.8
LEAST_POSTGRES_STOP_SECONDS = 0.4
WATCH_SECONDS = 0.2
LOG_CHECK_SECONDS = 60.0
_POLL_SECONDS = 0.02
_PROBE_SECONDS = 10
_OPERATORS_OWN = ("BILLHOOK_MAIL_FOLDER", "BILLHOOK_PUBLIC_URL", "BILLHOOK_GATEWAY_SEALING_KEY")
"""What the environment may say better than the data folder."""
_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not chosen

Say = Callable[[str], None]


class AlreadyRunning(LocalError):
    """The same data is run by somebody else; names the process and the URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: ``broker`` (amqp:// URL) makes it the cluster form, ``database`` is an administrator's DSN.

    ``is_demo``: while the day file of the data folder is there, it says which day it is.
    """

    data: DataFolder
    host: str = "127.0.0.1"
    port: int = 8000
    broker: str = ""
    database: str = ""
    is_demo: bool = False

    @property
    def url(self) -> str:
        """What people on this machine open."""
        return f"http://{'127.0.0.1' if self.host in _EVERY_ADDRESS else self.host}:{self.port}"

    def dsns(self, names: Sequence[str]) -> dict[str, str]:
        """Where the databases of these services are."""
        if not self.database:
            postgres = LocalPostgres(self.data.cluster)
            return {name: postgres.dsn(suite.database_name(name), suite.database_name(name)) for name in names}
        passwords = self.data.database_passwords(names)
        return {name: _own_dsn(self.database, suite.database_name(name), passwords[name]) for name in names}


class Supervisor:
    """One installation, from ``start`` to ``stop``; ``settings`` are environment variables for its processes."""

    def __init__(self, plan: Plan, settings: dict[str, str], say: Say) -> None:
        self.plan = plan
        self._data = plan.data
        self._settings = settings
        self._say = say
        self._postgres = None if plan.database else LocalPostgres(plan.data.cluster)
        self._children: list[Child] = []
        self._scraped = {"gateway" if plan.broker else "web": plan.port}
        self._lock: IO[str] | None = None
        self.stopping = threading.Event()

    def start(self) -> None:
        """Start everything; returns when the suite answers. Raises LocalError, with nothing left running."""
        self._take_lock()
        try:
            self._take_over()
            self._start()
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Start again whatever ends, until ``stopping`` is set."""
        logs_checked = time.monotonic()
        while not self.stopping.wait(WATCH_SECONDS):
            self._keep_postgres()
            for child in self._children:
                if child.keep_alive():
                    self._say(f"{child.name} ended and is started again; see {child.log}")
            if time.monotonic() - logs_checked > LOG_CHECK_SECONDS:
                logs_checked = time.monotonic()
                for child in self._children:
                    child.limit_log()

    def stop(self) -> None:
        """Stop everything, the database last, within 3 seconds."""
        began = time.monotonic()
        stop_all(self._children)
        self._children = []
        if self._postgres is not None:
            left = STOP_SECONDS - (time.monotonic() - began)
            self._postgres.stop(max(left, LEAST_POSTGRES_STOP_SECONDS))
        for name in ("supervisor", "postgresql"):
            self._data.pid_file(name).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        self._data.prepare()
        lock = (self._data.run / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            running = self._data.supervisor()
            process = f"process {running.pid}" if running else "another process"
            raise AlreadyRunning(
                f"Billhook runs on {self._data.path} already: {process}, {self._data.address()}"
            ) from None
        self._lock = lock

    def _take_over(self) -> None:
        """Stop what a killed predecessor left, and write down who runs this data now."""
        children = self._data.children()
        children.pop("postgresql", None)  # LocalPostgres knows how to stop its own
        stop_leftovers(children.values())
        if not is_free(self.plan.port):
            raise LocalError(f"port {self.plan.port} is in use; choose another with --port")
        write_pid_file(self._data.pid_file("supervisor"), os.getpid())
        (self._data.run / "url").write_text(self.plan.url + "\n")

    def _start(self) -> None:
        self._make_keys()
        names = suite.installed()
        settings = self._common_settings() | suite.database_settings(self.plan.dsns(names))
        workers, servers = self._cluster(names, settings) if self.plan.broker else self._embedded(settings)
        self._children = [*workers, *servers]
        self._data.write_scrape_targets(self._scraped)
        for child in self._children:
            child.start()
        # While they import their code, which takes longest:
        self._prepare_databases(names)
        self._release(workers)
        self._release(servers)
        with urllib.request.urlopen(f"{self.plan.url}/readyz", timeout=_PROBE_SECONDS) as answer:  # noqa: S310 - our own URL
            answer.read()

    def _release(self, children: list[Child]) -> None:
        """Let them go on and wait until they work."""
        for child in children:
            child.release()
        end = time.monotonic() + START_SECONDS
        while not all([child.is_ready() for child in children]):
            if self.stopping.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > end:
                raise ChildFailed(f"not ready after {START_SECONDS / 60:.0f} minutes; see {self._data.logs}")
            time.sleep(_POLL_SECONDS)

    def _embedded(self, settings: dict[str, str]) -> tuple[list[Child], list[Child]]:
        web = Child("web", ["web", f"{self.plan.host}:{self.plan.port}"], settings, self._data)
        return self._workers({"worker": ["worker"]}, settings), [web]

    def _workers(self, arguments: dict[str, list[str]], settings: dict[str, str]) -> list[Child]:
        """Worker processes, each with its own figures on a port of its own."""
        chosen = os.environ.get("BILLHOOK_METRICS_PORT", "") if len(arguments) == 1 else ""
        ports = {name: int(chosen) if chosen.isdecimal() and int(chosen) else free_port() for name in arguments}
        self._scraped |= ports
        return [
            Child(name, words, settings | {"BILLHOOK_METRICS_PORT": str(ports[name])}, self._data)
            for name, words in arguments.items()
        ]

    def _cluster(self, names: list[str], settings: dict[str, str]) -> tuple[list[Child], list[Child]]:
        ports = {name: free_port() for name in names if name != suite.GATEWAY}
        binds = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        binds[suite.GATEWAY] = f"{self.plan.host}:{self.plan.port}"
        settings = settings | suite.service_urls(ports.items())
        workers = self._workers({f"{name}-worker": ["worker", name] for name in names}, settings)
        self._scraped |= {f"{name}-api": port for name, port in ports.items()}
        servers = [Child(f"{name}-api", ["api", name, binds[name]], settings, self._data) for name in names]
        return workers, servers

    def _common_settings(self) -> dict[str, str]:
        return {
            "BILLHOOK_MAIL_FOLDER": str(self._data.mail),
            "BILLHOOK_PUBLIC_URL": self.plan.url,
            "BILLHOOK_GATEWAY_SEALING_KEY": str(self._data.sealing_key),
            **{name: os.environ[name] for name in _OPERATORS_OWN if name in os.environ},
            **self._settings,
            # Whatever the environment says: nobody but a demo lives on another day than the real one.
            DAY_FILE_VARIABLE: str(self._data.demo_day) if self.plan.is_demo else "",
            "BILLHOOK_BROKER_URL": self.plan.broker,
            "BILLHOOK_DATA_FOLDER": str(self._data.path),
            "BILLHOOK_GATEWAY_KEYS": str(self._data.public_keys),
            "BILLHOOK_GATEWAY_SIGNING_KEY": str(self._data.signing_key),
        }

    def _make_keys(self) -> None:
        if not self._data.signing_key.exists():
            from billhook_gateway.signing import create_signing_key  # noqa: PLC0415 - slow to import, needed once

            create_signing_key(self._data.signing_key, self._data.public_keys)
        if not self._data.sealing_key.exists():
            from billhook_gateway.sealing import create_sealing_key  # noqa: PLC0415 - as above

            create_sealing_key(self._data.sealing_key)

    def _prepare_databases(self, names: list[str]) -> None:
        passwords: dict[str, str] = {}
        if self._postgres is not None:
            self._postgres.start()
            self._note_postgres()
        else:
            passwords = self._data.database_passwords(names)
        admin = self._postgres.dsn() if self._postgres is not None else self.plan.database
        try:
            with psycopg.connect(admin, autocommit=True) as connection:
                for name in names:
                    database = suite.database_name(name)
                    databases.ensure_role(connection, database, passwords.get(name))
                    databases.ensure_database(connection, database, database)
        except psycopg.Error as error:
            raise LocalError(f"the databases could not be made: {error}") from error

    def _keep_postgres(self) -> None:
        if self._postgres is not None and self._postgres.pid is None:
            self._say("PostgreSQL ended and is started again")
            try:
                self._postgres.start()
                self._note_postgres()
            except LocalError as error:
                self._say(str(error))
                self.stopping.wait(1.0)

    def _note_postgres(self) -> None:
        if self._postgres is not None and self._postgres.pid is not None:
            write_pid_file(self._data.pid_file("postgresql"), self._postgres.pid)


def _own_dsn(admin: str, database: str, password: str) -> str:
    """The DSN of a service's role on the server of an administrator's DSN."""
    parts = {key: str(value) for key, value in conninfo_to_dict(admin).items() if value is not None}
    for key in ("user", "password", "dbname"):
        parts.pop(key, None)
    return f"postgresql://{quote(database)}:{quote(password)}@/{quote(database)}?{urlencode(parts)}"


def stop_on_signals(supervisor: Supervisor) -> None:
    """Have Ctrl-C, SIGTERM and a closing terminal stop the supervisor in order."""
    set_on_signals(supervisor.stopping, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
