"""``./billhook test``: brings what the tests need onto the machine and runs them."""

import os
import subprocess
import sys

from billhook.data import CHECKOUT
from billhook_common.local import rabbitmq
from billhook_common.local.packages import CannotInstall, ensure_chromium, ensure_promtool

LONG_FAULTS = "--faults"
_NEEDS = {"broker": rabbitmq.ensure_installed, "e2e": ensure_chromium, "alerts": ensure_promtool}
"""What the tests with a marker need from the system's package manager. PostgreSQL comes with our packages."""


def run(arguments: list[str]) -> int:
    """Run pytest with ``arguments`` over the whole repository; its exit status.

    Without ``--faults`` the long fault tests are left out. A marker's tests are left out, and that is
    said, when what they need is missing and may not be installed; on a CI machine that is a failure.
    """
    left_out = ["perf"] if LONG_FAULTS in arguments else ["perf", "slow"]
    arguments = [argument for argument in arguments if argument != LONG_FAULTS]
    missing: list[str] = []
    for marker, ensure in _NEEDS.items():
        try:
            ensure()
        except CannotInstall as error:
            missing.append(f"tests marked {marker} were left out: {error}")
            left_out.append(marker)
    for line in missing:
        print(f"billhook: {line}", file=sys.stderr, flush=True)
    if missing and os.environ.get("CI"):
        return 1
    if not any(argument.startswith("-m") for argument in arguments):
        arguments = ["-m", " and ".join(f"not {marker}" for marker in left_out), *arguments]
    if not any(argument.startswith(("-n", "--pdb")) for argument in arguments):
        # A file's tests stay together: they share what is slow to start.
        arguments = ["-n", str(os.cpu_count() or 1), "--dist", "loadfile", *arguments]
    # Named, for pytest would take those of a single service whose folder is asked for.
    settings = ["-c", str(CHECKOUT / "pyproject.toml")]
    status = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *arguments], check=False, cwd=CHECKOUT
    ).returncode
    for line in missing:
        print(f"billhook: {line}", file=sys.stderr, flush=True)
    return status
