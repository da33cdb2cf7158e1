"""The house rules that no linter knows: shape of services, sizes, SQL that stays at home."""

import ast
import re
from pathlib import Path

import pytest

from billhook_common.tables import chassis as chassis_tables

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
SERVICES = ("billing", "crm", "inventory", "invoicing", "payments", "tickets")
MODULE_LINES = 400
FUNCTION_LINES = 70
FUNCTION_LINES_P95 = 45


def product_modules() -> list[Path]:
    roots = ("libs", "services", "gateway", "deploy/embedded")
    return [
        path
        for root in roots
        for path in sorted((ROOT / root).rglob("*.py"))
        if "tests" not in path.parts and "migrations" not in path.parts
    ]


def functions(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (node.end_lineno - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno
    ]


def test_no_module_is_longer_than_the_limit() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in product_modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_functions_are_short() -> None:
    found = sorted(item for path in product_modules() for item in functions(path))
    assert [item for item in found if item[0] > FUNCTION_LINES] == []
    assert found[int(len(found) * 0.95)][0] <= FUNCTION_LINES_P95


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_shape(service: str) -> None:
    package = ROOT / "services" / service / f"billhook_{service}"
    wanted = ["app.py", "models.py", "handlers.py", "actions", "api", "domain", "migrations/versions", "py.typed"]
    assert [name for name in wanted if not (package / name).exists()] == []
    assert (package.parent / "README.md").exists()


def test_nobody_but_the_edge_commits() -> None:
    pattern = re.compile(r"\.commit\(\)")
    found = [
        f"{path.relative_to(ROOT)}"
        for path in product_modules()
        if pattern.search(path.read_text(encoding="utf-8")) and path.name not in {"db.py"}
    ]
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_only_its_own_tables(service: str) -> None:
    package = ROOT / "services" / service / f"billhook_{service}"
    tables = set(re.findall(r'__tablename__ = "(\w+)"', _text(package)))
    chassis = set(chassis_tables.tables)
    others = {
        name
        for other in SERVICES
        if other != service
        for name in re.findall(r'__tablename__ = "(\w+)"', _text(ROOT / "services" / other / f"billhook_{other}"))
    }
    foreign = others - tables - chassis
    named = set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+\"?([a-z_]+)", _text(package)))
    assert named & foreign == set()


def _text(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py")))
