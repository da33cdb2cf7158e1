"""A backup of the running demo, brought back elsewhere; and files that are refused before anything is touched."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billhook_common.local.ports import free_port
from billhook_common.local.processes import wait_until

pytestmark = pytest.mark.integration

KEY = "the-key-of-the-backup-test"
START_SECONDS = 120.0


def billhook(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "billhook", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=START_SECONDS)


class Demo:
    """``./billhook demo`` on a folder, until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        environment = {**os.environ, "BILLHOOK_BOOTSTRAP_KEY": KEY}
        command = [sys.executable, "-m", "billhook", "demo", "--data", str(folder), "--port", str(self.port)]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said.append(line)
            if line.startswith("ready "):
                return
        pytest.fail("".join(said))

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api{path}", headers={"Authorization": f"Bearer {KEY}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def is_quiet(self) -> bool:
        return not any(self.get("/ops/messaging").values())

    def state(self) -> dict[str, Any]:
        assert wait_until(self.is_quiet, 60)
        balance = self.get("/billing/trial-balance")
        return {
            "balance": balance,
            "customers": self.get("/crm/customers/count"),
            "last": self.get("/billing/transactions?limit=5"),
            "invoices": self.get("/invoicing/invoices?limit=5"),
            "payments": self.get("/payments/payments?limit=5"),
        }

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="billhook-backup-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(scope="module")
def saved(place: Path) -> tuple[Path, dict[str, Any]]:
    """A backup, made while the demo ran, and what was in the demo."""
    demo = Demo(place / "demo")
    try:
        state = demo.state()
        done = billhook("backup", "--data", str(place / "demo"), "--to", str(place / "backup.zip"))
        assert done.returncode == 0, done.stderr
        assert demo.get("/billing/trial-balance")
    finally:
        demo.stop()
    return place / "backup.zip", state


def test_a_restored_installation_is_the_same_and_goes_on(place: Path, saved: tuple[Path, dict[str, Any]]) -> None:
    file, state = saved
    assert file.stat().st_mode & 0o777 == 0o600, "it holds keys"
    done = billhook("restore", str(file), "--data", str(place / "again"))
    assert done.returncode == 0, done.stderr
    assert (place / "again/keys/gateway.json").stat().st_mode & 0o777 == 0o600
    again = Demo(place / "again")
    try:
        assert again.state() == state
    finally:
        again.stop()


def _refused(file: Path, folder: Path) -> str:
    done = billhook("restore", str(file), "--data", str(folder))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not folder.exists() or not any(folder.iterdir()), "nothing was touched"
    return done.stderr


def test_a_backup_that_is_cut_off_is_refused(place: Path, saved: tuple[Path, dict[str, Any]]) -> None:
    cut = place / "cut.zip"
    whole = saved[0].read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 30):
        cut.write_bytes(whole[:length])
        assert "no whole backup" in _refused(cut, place / "refused")


def test_a_backup_that_was_changed_is_refused(place: Path, saved: tuple[Path, dict[str, Any]]) -> None:
    changed = place / "changed.zip"
    content = bytearray(saved[0].read_bytes())
    content[len(content) // 3] ^= 1
    changed.write_bytes(content)
    said = _refused(changed, place / "refused")
    assert "changed or damaged" in said or "no whole backup" in said


def _rewritten(source: Path, target: Path, **changes: Any) -> Path:
    """The backup with another manifest, or with parts replaced (``part_…``)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                data = json.dumps(json.loads(data) | changes.get("manifest", {})).encode()
            new.writestr(name, changes.get("parts", {}).get(name, data))
        for name in changes.get("more", ()):
            new.writestr(name, b"x")
    return target


def test_a_backup_with_another_content_under_good_checksums_is_refused(
    place: Path, saved: tuple[Path, dict[str, Any]]
) -> None:
    swapped = {"files/keys/gateway.json": b"{}"}
    changed = _rewritten(saved[0], place / "swapped.zip", parts=swapped)
    assert "keys/gateway.json is not what was backed up" in _refused(changed, place / "refused")
    more = _rewritten(saved[0], place / "more.zip", more=["files/../../evil"])
    assert "other parts than its manifest says" in _refused(more, place / "refused")


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"billhook": "99.0"}, "made by Billhook 99.0"),
        ({"format": 2}, "newer release"),
        ({"postgresql": "99.1"}, "made with PostgreSQL 99"),
        ({"parts": "many"}, "no backup of Billhook"),
    ],
)
def test_a_backup_of_a_newer_release_is_refused(
    place: Path, saved: tuple[Path, dict[str, Any]], manifest: dict[str, Any], words: str
) -> None:
    assert words in _refused(_rewritten(saved[0], place / "newer.zip", manifest=manifest), place / "refused")


def test_a_folder_with_something_in_it_is_left_alone(place: Path, saved: tuple[Path, dict[str, Any]]) -> None:
    full = place / "full"
    full.mkdir()
    (full / "letter").write_text("dear")
    done = billhook("restore", str(saved[0]), "--data", str(full))
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in full.iterdir()] == ["letter"]


def test_a_backup_replaces_no_other_and_does_not_lie_in_the_data(
    place: Path, saved: tuple[Path, dict[str, Any]]
) -> None:
    before = saved[0].read_bytes()
    again = billhook("backup", "--data", str(place / "demo"), "--to", str(saved[0]))
    assert (again.returncode, saved[0].read_bytes() == before) == (1, True)
    inside = billhook("backup", "--data", str(place / "demo"), "--to", str(place / "demo" / "b.zip"))
    assert inside.returncode == 1
    assert "belongs on another disk" in inside.stderr


def test_a_backup_of_nothing_is_refused(place: Path) -> None:
    assert "holds no installation" in billhook("backup", "--data", str(place / "nowhere")).stderr
