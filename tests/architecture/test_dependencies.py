"""What a package imports it declares, or the chassis does; what only comes along with a library is not there."""

from pathlib import Path

import pytest

from billhook.declared import CHASSIS, closure, package_folders, undeclared

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / CHASSIS, *package_folders(ROOT), ROOT / "deploy/embedded"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_package_imports_only_what_is_declared(folder: Path) -> None:
    assert undeclared(ROOT, folder) == []


@pytest.mark.parametrize("folder", package_folders(ROOT), ids=lambda folder: folder.name)
def test_a_service_needs_no_package_of_ours_but_the_chassis(folder: Path) -> None:
    needed = closure(f"billhook-{folder.name}", "testing")
    assert {name for name in needed if name.startswith("billhook")} == {f"billhook-{folder.name}", "billhook-common"}


def a_checkout(place: Path, source: str, dependencies: str = "") -> Path:
    """A checkout with the chassis and one service of one module."""
    for name, folder in (("billhook-common", CHASSIS), ("billhook-shop", Path("services/shop"))):
        (place / folder).mkdir(parents=True)
        text = f'[project]\nname = "{name}"\ndependencies = [{dependencies}]\n'
        (place / folder / "pyproject.toml").write_text(text)
    (place / "services/shop/billhook_shop").mkdir()
    (place / "services/shop/billhook_shop/app.py").write_text(source)
    return place / "services/shop"


@pytest.mark.parametrize(
    ("source", "dependencies", "found"),
    [
        (
            "import billhook_crm.models\n",
            "",
            ["services/shop/billhook_shop/app.py:1 imports billhook_crm (billhook_crm)"],
        ),
        ("def f():\n    from lxml import etree\n", "", ["services/shop/billhook_shop/app.py:2 imports lxml (lxml)"]),
        ("import werkzeug\n", '"flask"', ["services/shop/billhook_shop/app.py:1 imports werkzeug (Werkzeug)"]),
        ("import flask, json\nfrom billhook_shop import app\nfrom . import app\n", '"Flask>=3"', []),
    ],
)
def test_an_import_that_nobody_declares_is_named(
    tmp_path: Path, source: str, dependencies: str, found: list[str]
) -> None:
    assert undeclared(tmp_path, a_checkout(tmp_path, source, dependencies)) == found
