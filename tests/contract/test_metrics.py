"""The handbook's list of metrics is the code's: names, types, labels, meanings; and no label is without limit."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from billhook import suite
from billhook.data import CHECKOUT
from billhook_common.figures import FIGURES

pytestmark = pytest.mark.contract

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$", re.MULTILINE)
BOUNDED = {"service", "method", "route", "status", "state", "result", "job_name", "subject", "outcome", "stage"}
Line = tuple[str, str, tuple[str, ...], str]


def _in_code() -> Iterator[Line]:
    for package in suite.packages(CHECKOUT):
        module = importlib.import_module(package)
        folder = Path(str(module.__file__)).parent
        for path in folder.rglob("*.py"):
            if "from prometheus_client import" in path.read_text():
                importlib.import_module(".".join([package, *path.relative_to(folder).with_suffix("").parts]))
    for collector in {id(one): one for one in REGISTRY._collector_to_names}.values():
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("billhook_"):
            suffix = "_total" if collector._type == "counter" else ""
            yield collector._name + suffix, collector._type, tuple(collector._labelnames), collector._documentation
    for name, (text, labels) in FIGURES.items():
        yield name, "gauge", labels, text


def _in_handbook() -> list[Line]:
    text = (CHECKOUT / "docs" / "handbook" / "metrics.md").read_text()
    return [
        (name, kind, tuple(filter(None, labels.split(", "))), meaning)
        for name, kind, labels, meaning in ROW.findall(text)
    ]


def test_the_handbook_lists_what_is_measured() -> None:
    assert sorted(_in_handbook()) == sorted(_in_code())


def test_no_label_names_a_person_or_grows_without_limit() -> None:
    assert {label for _, _, labels, _ in _in_code() for label in labels} <= BOUNDED
