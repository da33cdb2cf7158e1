"""``./billhook bench``: figures beside their yardsticks, each from one run on this machine."""

import ast
import subprocess
import sys
from pathlib import Path

from billhook.data import CHECKOUT

FOLDER = CHECKOUT / "tests" / "bench"
NAMES = ("posting", "billing_run", "invoicing", "run_to_invoices", "payments", "events", "lists")
"""In the order in which they run when none is named."""
WRONG_NAME = 2


def run(arguments: list[str]) -> int:
    """Run one benchmark with its own options, or all of them; exit status 1 when one could not finish."""
    if arguments and arguments[0] in NAMES:
        return _run(arguments[0], arguments[1:])
    if arguments:
        wrong = "" if arguments[0] in ("-h", "--help") else f"there is no benchmark {arguments[0]!r}\n\n"
        print(f"{wrong}usage: ./billhook bench [NAME [OPTIONS]]\n")
        for name in NAMES:
            print(f"  {name:16} {_about(FOLDER / f'{name}.py')}")
        return WRONG_NAME if wrong else 0
    return max([_run(name, []) for name in NAMES])


def _run(name: str, options: list[str]) -> int:
    command = [sys.executable, str(FOLDER / f"{name}.py"), *options]
    return min(1, abs(subprocess.run(command, check=False, cwd=CHECKOUT).returncode))


def _about(path: Path) -> str:
    """The first line of what a benchmark says of itself."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
