"""A service that needs another, or something that nobody declares, does not stand alone."""

import shutil
from pathlib import Path

import pytest

from billhook import alone
from billhook.data import CHECKOUT

pytestmark = pytest.mark.integration

SERVICE = Path("services/tickets")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The chassis, tickets and crm of this checkout, to be broken."""
    tmp_path.chmod(0o755)
    for folder in ("libs/common", SERVICE, "services/crm"):
        leave_out = shutil.ignore_patterns("__pycache__", "tests" if folder != SERVICE else "no")
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=leave_out)
    return tmp_path


def proof_of(checkout: Path) -> alone.Proof:
    place = checkout / "proof"
    place.mkdir()
    return alone.prove(checkout, checkout / SERVICE, place, quick=True)


def add(checkout: Path, module: str, line: str) -> None:
    with open(checkout / SERVICE / module, "a") as file:
        file.write(f"\n{line}\n")


def test_a_service_stands_alone(checkout: Path) -> None:
    proof = proof_of(checkout)
    assert proof.well, proof.said
    assert " passed" in proof.said


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('__import__("billhook_crm.app")', "No module named 'billhook_crm'"),  # its folder lies beside
        ('__import__("lxml")', "No module named 'lxml'"),  # installed here, declared by another service
    ],
)
def test_what_is_not_declared_cannot_be_imported(checkout: Path, line: str, name: str) -> None:
    add(checkout, "billhook_tickets/handlers.py", line)
    proof = proof_of(checkout)
    assert not proof.well
    assert name in proof.said


def test_an_import_that_is_not_declared_is_named_before_anything_is_installed(checkout: Path) -> None:
    add(checkout, "billhook_tickets/handlers.py", "import billhook_crm")
    proof = proof_of(checkout)
    assert not proof.well
    assert "services/tickets/billhook_tickets/handlers.py" in proof.said
    assert "imports billhook_crm" in proof.said


def test_a_failing_test_fails_the_proof(checkout: Path) -> None:
    add(checkout, "tests/integration/test_tickets.py", "def test_nothing() -> None:\n    assert False")
    proof = proof_of(checkout)
    assert not proof.well
    assert "test_nothing" in proof.said


def test_a_name_that_is_no_service_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert alone.run(["shop"]) == 2
    assert "no such service: shop" in capsys.readouterr().err
