"""The launcher installs when something it depends on has changed, and only then."""

import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = '[project]\nname = "{name}"\nversion = "1"\n'
EXTRA = '[project.optional-dependencies]\ntesting = ["pytest"]\n'


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher of a small checkout with three packages."""
    for folder, text in {
        "libs/common": PROJECT.format(name="common") + EXTRA,
        "services/billing": PROJECT.format(name="billing"),
        "deploy/embedded": PROJECT.format(name="billhook") + EXTRA,
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "pyproject.toml").write_text(text)
    (tmp_path / "constraints.txt").write_text("flask==3.1.3\n")
    loader = SourceFileLoader("billhook_launcher", str(CHECKOUT / "billhook"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv/bin/python")
    return module


def pretend_installed(launcher: ModuleType, kind: str) -> None:
    launcher.PYTHON.parent.mkdir(parents=True, exist_ok=True)
    launcher.PYTHON.touch()
    launcher.stamp(kind).write_text(launcher.fingerprint(kind))


def test_a_fresh_checkout_is_not_installed(launcher: ModuleType) -> None:
    assert not launcher.is_installed("run")


def test_what_tests_need_includes_what_running_needs(launcher: ModuleType) -> None:
    pretend_installed(launcher, "run")
    assert launcher.is_installed("run")
    assert not launcher.is_installed("test")
    launcher.stamp("run").unlink()
    pretend_installed(launcher, "test")
    assert launcher.is_installed("run")
    assert launcher.is_installed("test")


@pytest.mark.parametrize("changed", ["constraints.txt", "services/billing/pyproject.toml"])
def test_a_changed_dependency_is_noticed(launcher: ModuleType, changed: str) -> None:
    pretend_installed(launcher, "run")
    with (launcher.ROOT / changed).open("a") as file:
        file.write("# changed\n")
    assert not launcher.is_installed("run")


def test_a_new_package_is_noticed(launcher: ModuleType) -> None:
    pretend_installed(launcher, "run")
    (launcher.ROOT / "services/crm").mkdir()
    (launcher.ROOT / "services/crm/pyproject.toml").write_text(PROJECT.format(name="crm"))
    assert not launcher.is_installed("run")


def test_a_moved_checkout_is_noticed(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pretend_installed(launcher, "run")
    before = launcher.fingerprint("run")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    tmp_path.rename(elsewhere)
    monkeypatch.setattr(launcher, "ROOT", elsewhere)
    assert launcher.fingerprint("run") != before


def test_another_python_is_noticed(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(launcher, "run")
    monkeypatch.setattr(launcher.sys, "version_info", (3, 99, 0))
    assert not launcher.is_installed("run")


def test_a_vanished_interpreter_is_noticed(launcher: ModuleType) -> None:
    pretend_installed(launcher, "run")
    launcher.PYTHON.unlink()
    assert not launcher.is_installed("run")


def test_test_packages_are_asked_for_where_a_package_has_some(launcher: ModuleType) -> None:
    root = launcher.ROOT
    assert launcher.editable_arguments("run") == [
        *("-e", f"{root}/libs/common"),
        *("-e", f"{root}/services/billing"),
        *("-e", f"{root}/deploy/embedded"),
    ]
    assert launcher.editable_arguments("test") == [
        *("-e", f"{root}/libs/common[testing]"),
        *("-e", f"{root}/services/billing"),
        *("-e", f"{root}/deploy/embedded[testing]"),
    ]


def test_a_failure_shows_the_error_without_the_noise_and_what_to_do(
    launcher: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "Looking in indexes: somewhere\nWARNING: Location 'x' is ignored\nERROR: No matching distribution\n"
    with pytest.raises(SystemExit, match="1"):
        launcher.fail("could not install:", said, "do this")
    assert capsys.readouterr().err == ("billhook: could not install:\n    ERROR: No matching distribution\ndo this\n")


def test_an_incomplete_venv_module_names_the_package_to_install(
    launcher: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (1, "The virtual environment was not created successfully because ensurepip is not\navailable.")
    monkeypatch.setattr(launcher, "run_step", lambda step, command: answer)
    with pytest.raises(SystemExit):
        launcher.make_venv()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in capsys.readouterr().err


def test_an_old_python_can_read_it_far_enough_to_say_so(launcher: ModuleType) -> None:
    text = (CHECKOUT / "billhook").read_text()
    # No syntax newer than Python 3.7: the feature version makes the parser refuse it.
    code = f"import ast; ast.parse({text!r}, feature_version=(3, 7))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert launcher.OLDEST_PYTHON == (3, 11)


def test_constraints_hold_versions_and_no_addresses() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert len(pinned) > 30
    assert [line for line in pinned if "==" not in line or "/" in line or "@" in line] == []
