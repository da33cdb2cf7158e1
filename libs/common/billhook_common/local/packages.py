"""Programs from the system's package manager that only tests need: RabbitMQ's server, a browser, promtool."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from billhook_common.local import LocalError

APT_LOCK_SECONDS = 300
INSTALL_SECONDS = 900
_POLICY = Path("/usr/sbin/policy-rc.d")
_POLICY_TEXT = "#!/bin/sh\n# Put here by Billhook while it installs a package, so that no service starts.\nexit 101\n"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_ERROR_LINES = 8


class CannotInstall(LocalError):
    """A program is missing and may not be installed from here; says what to run."""


def ensure_chromium() -> Path:
    """The browser for end-to-end tests, installed from Debian when it is missing and we may. Raises CannotInstall."""
    return ensure_program(_BROWSERS, ["chromium", "fonts-liberation"], "End-to-end tests need the browser Chromium")


def ensure_promtool() -> Path:
    """Prometheus' checker of rules, installed from Debian when it is missing and we may. Raises CannotInstall."""
    return ensure_program(["promtool"], ["prometheus"], "Tests of the alert rules need promtool, of Prometheus")


def ensure_program(names: Sequence[str], packages: Sequence[str], need: str) -> Path:
    """The first of ``names`` that is installed; else install Debian's ``packages``, starting none of their services.

    A name with a slash is a path. ``need`` says what for. Raises CannotInstall.
    """
    found = find_program(names)
    if found is not None:
        return found
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise CannotInstall(f"{need}. Install it with this system's package manager ({packages[0]} in Debian).")
    if os.geteuid() != 0:
        raise CannotInstall(f"{need}, which only root may install: sudo {by_hand}")
    with _one_at_a_time(), _no_service_starts():
        found = find_program(names)  # perhaps installed while we waited
        if found is None:
            print(f"billhook: {need}: installing {' '.join(packages)} …", file=sys.stderr, flush=True)
            _apt(["update", "-q"], need, by_hand)
            _apt(["install", "-q", "-y", "--no-install-recommends", *packages], need, by_hand)
            found = find_program(names)
    if found is None:
        raise CannotInstall(f"{need}; the package {packages[0]} was installed but brought no {names[0]}")
    return found


def find_program(names: Sequence[str]) -> Path | None:
    """The first of ``names`` that is there."""
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def _apt(arguments: list[str], need: str, by_hand: str) -> None:
    # RUNLEVEL=1 keeps invoke-rc.d from starting services even where policy-rc.d would let it.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "LC_ALL": "C.UTF-8"}
    command = ["apt-get", "-o", f"DPkg::Lock::Timeout={APT_LOCK_SECONDS}", *arguments]
    done = subprocess.run(
        command,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode != 0:
        said = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-_ERROR_LINES:])
        raise CannotInstall(f"{need}, and apt-get {arguments[0]} failed:\n{said}\nTry it by hand: {by_hand}")


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "billhook-apt.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian's packages start their service when installed, unless this file, asked for leave, says no."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text(_POLICY_TEXT)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
