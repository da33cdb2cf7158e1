"""What a benchmark costs: CPU of this process, of all of PostgreSQL's and of others, from the kernel's accounting."""

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

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.client + other.client,
            self.database + other.database,
            self.wall + other.wall,
            max(self.peak_bytes, other.peak_bytes),
        )

    def each(self, count: int) -> float:
        """CPU milliseconds of one of ``count`` items."""
        return self.cpu / count * 1000

    def line(self, name: str, count: int) -> str:
        """Figures of one item."""
        return (
            f"{name}: {self.each(count):.3f} ms CPU (client {self.client / count * 1000:.3f} + database "
            f"{self.database / count * 1000:.3f}), {count / self.wall:,.0f}/s"
        )


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
    assert server.pid is not None
    return time.process_time(), family_cpu(server.pid), time.perf_counter()


def family_cpu(pid: int) -> float:
    """CPU seconds of a process, its living descendants, and its children that have ended."""
    parent = psutil.Process(pid)
    own = parent.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for child in parent.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its parent has its time by now
        total += times.user + times.system
    return total
