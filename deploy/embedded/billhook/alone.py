"""``./billhook alone``: each service's folder installs and passes its tests with only the chassis beside it.

A fresh virtual environment gets wheels of the service and of ``billhook-common``, and of everything else only what
their pyproject.toml files declare, linked from the environment that runs this: a second or two instead of downloads.
The tests run in a copy of the folder, with the service's own pytest settings, where no other package can be seen.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from billhook import declared
from billhook.data import CHECKOUT

INTEGRATION_FILES = 1
"""How many of a quick proof."""
SECONDS_MOST = 1_200
"""Longest run of one service's tests."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one service, and everything that its tools said."""

    name: str
    well: bool
    said: str
    seconds: float


def run(names: Sequence[str], *, quick: bool = False) -> int:
    """Prove the named services, or all, two at a time; exit status 1 when one of them needs another.

    ``quick``: its unit tests and its shortest file of integration tests instead of all.
    """
    folders = {path.name: path for path in declared.package_folders(CHECKOUT)}
    unknown = sorted(set(names) - set(folders))
    if unknown:
        print(f"billhook: no such service: {', '.join(unknown)}; there are {', '.join(folders)}", file=sys.stderr)
        return 2
    chosen = [folders[name] for name in names or folders]
    with tempfile.TemporaryDirectory(prefix="billhook-alone-") as scratch:
        place = Path(scratch)
        place.chmod(0o755)  # the tests' PostgreSQL runs as somebody else
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            running = [pool.submit(prove, CHECKOUT, folder, place, quick=quick) for folder in chosen]
            proofs = []
            for future in running:
                proofs.append(proof := future.result())
                print(f"{'ok    ' if proof.well else 'FAILED'} {proof.name} alone, {proof.seconds:.0f} s", flush=True)
                print(proof.said.rstrip() if not proof.well else f"       {_last_line(proof.said)}", flush=True)
    failed = sum(not proof.well for proof in proofs)
    print(f"{len(proofs) - failed} services stand alone, {failed} do not")
    return 1 if failed else 0


def prove(root: Path, folder: Path, place: Path, *, quick: bool = False) -> Proof:
    """Install the service in ``folder`` of the checkout ``root`` in a fresh environment below ``place`` and test it."""
    began = time.monotonic()
    home = place / folder.name
    home.mkdir()
    missing = declared.undeclared(root, folder)
    said = [f"not declared in {folder.name}/pyproject.toml: {line}" for line in missing]
    well = not missing
    for step in (_install, _test):
        if well:
            done = step(root, folder, home, quick)
            well = done.returncode == 0
            said.append(done.stdout)
    return Proof(folder.name, well, "\n".join(said), time.monotonic() - began)


def _install(root: Path, folder: Path, home: Path, quick: bool) -> "subprocess.CompletedProcess[str]":
    """Make the environment; what the wheels require must be there, in versions that fit."""
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python, wheels = home / "venv/bin/python", home / "wheels"
    built = _said(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index",
         "-w", str(wheels), str(root / declared.CHASSIS), str(folder)],
        home,
    )  # fmt: skip
    if built.returncode != 0:
        return built
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    project = f"billhook-{folder.name}"
    _link(declared.closure(project, declared.TESTING), home / "venv")
    for command in (
        [*pip, "install", "-q", "--no-deps", "--no-index", *(str(wheel) for wheel in sorted(wheels.iterdir()))],
        [*pip, "check"],
    ):
        done = _said(command, home)
        if done.returncode != 0:
            break
    return done


def _link(names: set[str], environment: Path) -> None:
    """Link the files of the distributions ``names``, but none of ours, from this environment into another."""
    [target] = (environment / "lib").glob("python*/site-packages")
    for name in sorted(names):
        if name.startswith("billhook"):
            continue
        distribution = metadata.distribution(name)
        tops = {path.parts[0] for path in distribution.files or () if path.parts[0] not in ("..", "__pycache__")}
        for top in sorted(tops):
            (target / top).symlink_to(Path(str(distribution.locate_file(top))))


def _test(root: Path, folder: Path, home: Path, quick: bool) -> "subprocess.CompletedProcess[str]":
    copy = home / folder.name
    copy.mkdir()
    shutil.copy(folder / "pyproject.toml", copy)
    shutil.copytree(folder / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    chosen = ["tests"]
    if quick:
        integration = sorted((copy / "tests/integration").glob("test_*.py"), key=lambda path: path.stat().st_size)
        files = [*(copy / "tests/unit").glob("test_*.py"), *integration[:INTEGRATION_FILES]]
        chosen = sorted(str(path.relative_to(copy)) for path in files)
    pytest = [str(home / "venv/bin/python"), "-P", "-m", "pytest", "-q", "-m", "not perf and not slow"]
    return _said([*pytest, *chosen], copy)


def _said(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that sees nothing of this environment or checkout."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        command, check=False, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MOST,
    )  # fmt: skip


def _last_line(said: str) -> str:
    return said.rstrip().rpartition("\n")[2]
