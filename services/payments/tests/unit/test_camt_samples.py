"""The public sample files give the figures of their README."""

import io
from decimal import Decimal
from pathlib import Path

import pytest

from billhook_common.bank_formats import Statement
from billhook_payments.formats.camt import Camt

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[1] / "data"


def read(name: str) -> list[Statement]:
    return list(Camt().parse(io.BytesIO((DATA / name).read_bytes()), {}))


def test_camt053_two_statements_prove_and_chain() -> None:
    first, second = read("camt053/v2-two-statements.xml")
    assert {first.account, second.account} == {"NL26VAYB8060476890"}
    assert {first.currency, second.currency} == {"EUR"}
    assert (len(first.entries), first.credits, first.debits) == (1, Decimal("8.85"), Decimal(0))
    assert (len(second.entries), second.credits, second.debits) == (1, Decimal(0), Decimal("7.00"))
    assert first.opening and first.closing and second.opening and second.closing
    assert [first.opening.amount, first.closing.amount] == [Decimal("18.15"), Decimal("27.00")]
    assert [second.opening.amount, second.closing.amount] == [Decimal("27.00"), Decimal("20.00")]
    assert first.proof.kind == second.proof.kind == "proved"
    assert first.warnings == second.warnings == ()
    assert (first.kind, first.sequence, first.reference) == ("statement", "12312", "253EURNL26VAYB8060476890")
    assert first.entries[0].references.end_to_end == "000000001"
    assert first.entries[0].text == "Transaction Description 1"
    assert second.entries[0].counterparty.name == "Company Name 2"
    assert second.entries[0].counterparty.account == "NL56AGDH9619008421"


def test_camt054_the_entry_counts_not_its_details() -> None:
    (notification,) = read("camt054/v8.xml")
    (entry,) = notification.entries
    assert (notification.kind, notification.account, notification.currency) == (
        "notification",
        "CH2801234000123456789",
        "",
    )
    assert (entry.amount, entry.currency) == (Decimal(-200_000), "SEK")
    assert [detail.amount for detail in entry.details] == [Decimal("3.1"), Decimal("3.2"), Decimal("3.2")]
    assert {detail.currency for detail in entry.details} == {"CHF"}
    assert len(entry.payments()) == 1
    assert entry.details[0].references.creditor_ref == "ISR ref number V1"
    assert notification.proof.kind == "no_balances"
    assert [warning.code for warning in notification.warnings] == ["details_do_not_sum", "currency_not_stated"]


def test_camt052_a_batch_without_details() -> None:
    (report,) = read("camt052/v8.xml")
    (entry,) = report.entries
    assert (report.kind, report.account, report.currency) == ("report", "CH2801234000123456789", "")
    assert (entry.amount, entry.currency, entry.details) == (Decimal(-200_000), "SEK", ())
    assert entry.booking_date == entry.value_date
    assert entry.references.bank_ref == "AAAASESS-FP-ACCR-01"
    assert report.proof.kind == "no_balances"
    assert [warning.code for warning in report.warnings] == ["batch_without_details", "currency_not_stated"]
