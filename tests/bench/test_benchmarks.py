"""Every benchmark runs to its figures on a small case, through the command that people use; none is timed here."""

import re
import subprocess
import sys

import pytest

from billhook.bench import NAMES

SMALL = {
    "posting": ["--posts", "20", "--customers", "40", "--months", "1"],
    "billing_run": ["50"],
    "invoicing": ["--invoices", "40", "--yardstick", "10", "--bundle", "20"],
    "run_to_invoices": ["--customers", "60"],
    "payments": ["--payments", "60"],
    "events": ["--events", "120", "--yardstick", "20", "--seconds", "1"],
    "lists": ["--requests", "10", "--customers", "60"],
}
MARKS = {
    "events": [pytest.mark.broker],
    "run_to_invoices": [pytest.mark.broker, pytest.mark.slow],
    "payments": [pytest.mark.broker, pytest.mark.slow],
}


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "billhook", "bench", *arguments], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, [])) for name in NAMES])
def test_a_benchmark_prints_its_figures(name: str) -> None:
    done = bench(name, *SMALL[name])
    assert done.returncode == 0, done.stderr
    assert re.search(r"[0-9]\.[0-9]+ ms CPU", done.stdout), done.stdout


def test_an_unknown_benchmark_is_answered_with_the_known_ones() -> None:
    done = bench("speed")
    assert done.returncode == 2
    assert all(name in done.stdout for name in NAMES)
