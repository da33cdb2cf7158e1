"""What a benchmark costs: CPU of this process and of all of PostgreSQL's, from the kernel's accounting."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from billhook_common.local.postgres import LocalPostgres
from billhook_common.logs import configure_logs


@dataclass
class Spent:
    """CPU and wall seconds of a block, and this process's largest size in it, in bytes."""

    client: float = 0.0
    database: float = 0.0
    wall: float = 0.0
    peak_bytes: int = 0

    @property
    def cpu(self) -> float:
        """Both sides together."""
        return self.client + self.database


@contextmanager
def private_postgres() -> Iterator[LocalPostgres]:
    """A PostgreSQL of its own that keeps what it has committed (fsync), removed at the end."""
    configure_logs("bench", "console")
    with tempfile.TemporaryDirectory(prefix="billhook-bench-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own account must reach it.
        with LocalPostgres(Path(folder) / "postgres") as server:
            yield server


@contextmanager
def measured(server: LocalPostgres) -> Iterator[Spent]:
    """What the block costs; read it after the block."""
    spent = Spent()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Starts the peak anew.
    before = _now(server)
    yield spent
    spent.client, spent.database, spent.wall = (end - start for end, start in zip(_now(server), before, strict=True))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    spent.peak_bytes = 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _now(server: LocalPostgres) -> tuple[float, float, float]:
    return time.process_time(), _database_cpu(server), time.perf_counter()


def _database_cpu(server: LocalPostgres) -> float:
    """CPU of the server, its living backends, and those that have ended."""
    assert server.pid is not None
    parent = psutil.Process(server.pid)
    own = parent.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in parent.children():
        times = child.cpu_times()
        total += times.user + times.system
    return total
