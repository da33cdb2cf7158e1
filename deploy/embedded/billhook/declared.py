"""What a package declares and what it imports: a team that takes its folder away must find all of it declared."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHASSIS = Path("libs") / "common"
"""Services build on what the chassis declares: its dependencies are part of what it gives."""
TESTING = "testing"


def package_folders(root: Path) -> list[Path]:
    """The folders of the services and the gateway in the checkout at ``root``."""
    return [path.parent for path in (*sorted(root.glob("services/*/pyproject.toml")), root / "gateway/pyproject.toml")]


def undeclared(root: Path, folder: Path) -> list[str]:
    """Imports of the package or the tests in ``folder`` that neither it nor the chassis declares.

    Each as ``file:line imports module (distribution)``. A library that only comes along with another counts as not
    declared: it goes when the other does without it.
    """
    chassis = root / CHASSIS
    product = {*_requirements(folder), *_requirements(chassis)}
    tested = (
        product | _requirements(folder, TESTING) | _requirements(chassis, TESTING) | _requirements(chassis, "local")
    )
    if folder == chassis:
        product = tested
    found = []
    for module in _modules(folder):
        allowed = tested if "tests" in module.relative_to(folder).parts else product
        for line, name in _imports(module):
            owners = _distributions().get(name, [name])
            if not allowed.intersection(canonicalize_name(owner) for owner in owners):
                found.append(f"{module.relative_to(root)}:{line} imports {name} ({', '.join(sorted(set(owners)))})")
    return found


def closure(project: str, extra: str = "") -> set[str]:
    """Every distribution that ``project`` (with one ``extra``) needs, by canonical name, as far as installed here."""
    found: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(project), extra)]
    while waiting:
        item = waiting.pop()
        if item in found:
            continue
        found.add(item)
        for line in metadata.requires(item[0]) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": item[1]}):
                waiting += [(canonicalize_name(requirement.name), more) for more in ("", *requirement.extras)]
    return {name for name, _ in found}


def _requirements(folder: Path, extra: str = "") -> set[str]:
    project = _project(folder)
    lines = project.get("optional-dependencies", {}).get(extra, []) if extra else project.get("dependencies", [])
    names = {canonicalize_name(Requirement(line).name) for line in lines}
    return names | {canonicalize_name(project["name"])}


def _project(folder: Path) -> dict[str, Any]:
    document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return cast(dict[str, Any], document["project"])


def _modules(folder: Path) -> list[Path]:
    roots = [path for path in (*folder.glob("billhook*"), folder / "tests") if path.is_dir()]
    return [path for root in roots for path in sorted(root.rglob("*.py"))]


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each import of something that Python does not bring itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        else:
            continue
        tops = {name.partition(".")[0] for name in names}
        yield from ((node.lineno, top) for top in sorted(tops - sys.stdlib_module_names))


@cache
def _distributions() -> dict[str, list[str]]:
    return {name: list(owners) for name, owners in metadata.packages_distributions().items()}
