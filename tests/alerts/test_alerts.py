"""The alert rules: promtool's own tests of them, and that they speak of metrics that there are."""

import re
import subprocess
from pathlib import Path

import pytest

from billhook.data import CHECKOUT
from billhook_common.local.packages import ensure_promtool

FOLDER = CHECKOUT / "deploy" / "prometheus"
LISTED = re.compile(r"^\| `(billhook_\w+)` \| (\w+) \|", re.MULTILINE)


@pytest.fixture(scope="session")
def promtool() -> Path:
    return ensure_promtool()


def _run(promtool: Path, *arguments: str) -> None:
    done = subprocess.run([promtool, *arguments], cwd=FOLDER, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.alerts
def test_the_rules_fire_when_they_should(promtool: Path) -> None:
    _run(promtool, "test", "rules", "alerts_test.yml")


@pytest.mark.alerts
def test_prometheus_takes_the_example(promtool: Path) -> None:
    _run(promtool, "check", "config", "prometheus.yml")


@pytest.mark.contract
def test_alerts_speak_of_metrics_that_there_are_and_each_is_explained_and_tested() -> None:
    rules = (FOLDER / "alerts.yml").read_text()
    listed = {name for name, _ in LISTED.findall((CHECKOUT / "docs/handbook/metrics.md").read_text())}
    assert set(re.findall(r"billhook_\w+", rules)) <= listed
    alerts = re.findall(r"- alert: (\w+)", rules)
    handbook = (CHECKOUT / "docs/handbook/monitoring.md").read_text()
    tests = (FOLDER / "alerts_test.yml").read_text()
    assert [name for name in alerts if f"`{name}`" not in handbook] == []
    assert [name for name in alerts if not re.search(rf"alertname: {name}\n", tests)] == []
