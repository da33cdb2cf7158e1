"""Writes constraints.txt: the exact version of everything that running and testing installs.

Usage: python3 tools/constraints.py. Takes the newest versions that the packages' own limits allow,
in a clean environment, so run it on the oldest Python supported and then the tests. Versions only,
never addresses: whoever installs decides from where.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
import venv
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Exact versions of everything installed. Written by tools/constraints.py; do not edit.\n"
PINNED = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+")
# Part of every new environment; pinning pip would downgrade a newer one.
NOT_OURS = {"pip", "setuptools", "wheel"}


def main() -> None:
    """Install everything anew and write down what came."""
    launcher = load_launcher()
    with tempfile.TemporaryDirectory(prefix="billhook-constraints-") as folder:
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-q", *launcher.BUILD_TOOLS], check=True)
        wanted = launcher.editable_arguments("test")
        subprocess.run([*pip, "install", "-q", "--no-build-isolation", *wanted], check=True)
        frozen = subprocess.run([*pip, "freeze", "--exclude-editable"], check=True, capture_output=True, text=True)
    lines = [line for line in frozen.stdout.splitlines() if is_pinned(line)]
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n")
    print(f"constraints.txt: {len(lines)} packages", file=sys.stderr)


def is_pinned(line: str) -> bool:
    """Whether a line of `pip freeze` is a plain `name==version` of something we ask for."""
    return bool(PINNED.fullmatch(line)) and line.split("==", maxsplit=1)[0].lower() not in NOT_OURS


def load_launcher() -> ModuleType:
    """The launcher as a module: it knows the packages of the checkout."""
    loader = SourceFileLoader("billhook_launcher", str(ROOT / "billhook"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
