"""The data folder of one installation: PostgreSQL's cluster, keys, logs, and who runs it now."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from billhook_common.local import LocalError
from billhook_common.local.accounts import Account
from billhook_common.local.processes import ProcessId, read_pid_file

CHECKOUT = Path(__file__).resolve().parents[3]
SYSTEM_DATA = Path("/var/lib/billhook")
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths below one data folder. Nothing is made before ``prepare``."""

    path: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data."""
        return self.path / "postgresql"

    @property
    def run(self) -> Path:
        """Pid files, the address, the lock."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """A log per process."""
        return self.path / "log"

    @property
    def keys(self) -> Path:
        """Secrets, for the user who runs Billhook only."""
        return self.path / "keys"

    @property
    def signing_key(self) -> Path:
        """The gateway's private key."""
        return self.keys / "gateway.json"

    @property
    def sealing_key(self) -> Path:
        """What seals the secrets of second factors."""
        return self.keys / "sealing.key"

    @property
    def mail(self) -> Path:
        """A file for each letter that would be sent, until a mail server is named."""
        return self.path / "mail"

    @property
    def public_keys(self) -> Path:
        """The key set that all services read."""
        return self.keys / "gateway.public.json"

    @property
    def demo_mark(self) -> Path:
        """Says that this is a demo, and how far it came."""
        return self.path / "demo"

    @property
    def demo_day(self) -> Path:
        """Which day it is while the demo's year is played; absent at all other times."""
        return self.path / "demo-day"

    def prepare(self) -> None:
        """Make the folders. PostgreSQL's account may pass through; keys and logs are for their owner only.

        Raises LocalError when that is not allowed here.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                self.path.chmod(self.path.stat().st_mode | 0o011)
            for folder, mode in ((self.run, 0o755), (self.logs, 0o700), (self.keys, 0o700)):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as error:
            raise LocalError(f"the data folder cannot be made: {error}; choose another with --data") from error

    def pid_file(self, process: str) -> Path:
        """Where a process's number is written."""
        return self.run / f"{process}.pid"

    def supervisor(self) -> ProcessId | None:
        """Who runs this installation now."""
        return read_pid_file(self.pid_file("supervisor"))

    def children(self) -> dict[str, ProcessId]:
        """The processes under the supervisor that run, by name; also those that a killed one left."""
        if not self.run.is_dir():
            return {}
        found = {path.stem: read_pid_file(path) for path in sorted(self.run.glob("*.pid")) if path.stem != "supervisor"}
        return {name: process for name, process in found.items() if process is not None}

    def address(self) -> str:
        """The URL that people open; empty when it was never up."""
        path = self.run / "url"
        return path.read_text().strip() if path.exists() else ""

    def write_scrape_targets(self, ports: Mapping[str, int]) -> None:
        """Tell Prometheus (``file_sd_configs``) on which ports of this machine the processes show their figures."""
        targets = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"job": "billhook", "process": name}}
            for name, port in ports.items()
        ]
        fresh = self.run / ".prometheus.json.new"
        fresh.write_text(json.dumps(targets, indent=1) + "\n")
        fresh.replace(self.run / "prometheus.json")

    @property
    def first_password(self) -> Path:
        """The first administrator's password, when nobody chose one."""
        return self.keys / "first-password"

    def secret(self, path: Path) -> str:
        """A random text, the same at every start, in a file of mode 0600."""
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(PASSWORD_BYTES))
        return path.read_text().strip()

    def database_passwords(self, names: Iterable[str]) -> dict[str, str]:
        """A password for each service's role on a database server that is not ours."""
        path = self.keys / "databases.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in names if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(2 * PASSWORD_BYTES) for name in missing}
            write_secret(path, json.dumps(known, indent=1))
        return known


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def default_folder(kind: str) -> DataFolder:
    """Where data of this kind (``suite`` or ``demo``) lies when nobody says otherwise: ``data/`` in the checkout.

    When root runs Billhook from a checkout that PostgreSQL's account cannot reach, such as one below
    /root, it is /var/lib/billhook.
    """
    here = CHECKOUT / "data"
    try:
        Account.for_data(here / kind / "postgresql").require_entry(CHECKOUT)
    except LocalError:
        return DataFolder(SYSTEM_DATA / kind)
    return DataFolder(here / kind)
