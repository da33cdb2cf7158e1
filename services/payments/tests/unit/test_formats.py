"""Formats are found as plug-ins and chosen by content; a broken one never stops the others."""

import io
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import BinaryIO

import pytest

from billhook_common.bank_formats import GROUP, BankFormat, HandlerError, Statement
from billhook_payments import formats
from billhook_payments.formats import installed, read, recognise
from billhook_payments.formats.camt import Camt
from billhook_payments.formats.upload import Upload, examine

pytestmark = pytest.mark.unit

SAMPLE = (Path(__file__).parents[1] / "data/camt053/v2-two-statements.xml").read_bytes()


class Rival:
    """A foreign format that claims what CAMT claims."""

    id = "rival"
    label = "Rival"
    formats: tuple[str, ...] = ("rival",)
    version = "1"

    def sniff(self, head: bytes, filename: str) -> int:
        return 60 if filename.endswith(".xml") else 0

    def parse(self, stream: BinaryIO, profile: Mapping[str, str]) -> Iterator[Statement]:
        yield from ()
        raise KeyError("row")


class Broken(Rival):
    """Its sniffing fails."""

    def sniff(self, head: bytes, filename: str) -> int:
        raise RuntimeError("broken")


def an_upload() -> Upload:
    return examine(io.BytesIO(SAMPLE))


def code_of(*found: BankFormat, chosen: str = "", name: str = "a.xml") -> str:
    with pytest.raises(HandlerError) as caught:
        recognise(an_upload(), name, found, chosen)
    return caught.value.code


def test_camt_is_installed_as_a_plug_in() -> None:
    assert "camt" in [one.id for one in installed()]


def test_a_plug_in_that_cannot_be_loaded_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("gone", "billhook_payments.formats.gone:Gone", GROUP),
        EntryPoint("camt", "billhook_payments.formats.camt:Camt", GROUP),
    ]
    monkeypatch.setattr(formats, "entry_points", lambda group: points)
    assert "camt" in [one.id for one in installed()]


def test_content_decides_not_the_name() -> None:
    assert recognise(an_upload(), "statement.pdf", [Camt(), Rival()]).id == "camt"


def test_two_claims_are_for_a_person_to_decide() -> None:
    assert code_of(Camt(), Rival()) == "ambiguous_format"
    assert recognise(an_upload(), "a.xml", [Camt(), Rival()], chosen="rival").id == "rival"
    assert code_of(Camt(), Rival(), chosen="rival", name="a.txt") == "unrecognised_format"


def test_a_format_that_fails_to_sniff_claims_nothing() -> None:
    assert recognise(an_upload(), "a.xml", [Broken(), Camt()]).id == "camt"
    assert code_of(Broken()) == "unrecognised_format"


def test_a_format_that_fails_to_read_is_an_error_for_people() -> None:
    with pytest.raises(HandlerError) as caught:
        list(read(io.BytesIO(SAMPLE), Rival(), {}))
    assert caught.value.code == "handler_failed"
    assert isinstance(caught.value.__cause__, KeyError)
