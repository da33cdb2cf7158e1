"""The demo's bank file is a camt.053 that the payments service reads back, entry by entry."""

import datetime as dt
import io
from decimal import Decimal

import pytest

from billhook.demo.bank_file import NAMESPACE, BankEntry, BankStatement, write_statement
from billhook_common.bank_formats import Statement
from billhook_payments.formats.camt import Camt

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)
ENTRIES = (
    BankEntry(Decimal("29.90"), DAY, "Žižka & Söhne <GmbH>", "DE89370400440532013000", reference="RF18539007547034"),
    BankEntry(Decimal("-4.20"), DAY, "Bank", text="Account fee"),
    BankEntry(Decimal("19.90"), DAY, "Anna Nováková", text="Invoice INV-2026-000123 " * 8, end_to_end="E-1"),
)
STATEMENT = BankStatement("CZ6508000000192000145399", "EUR", Decimal("-10.00"), DAY, DAY, ENTRIES, sequence=11)


def read_back(content: bytes) -> Statement:
    (statement,) = Camt().parse(io.BytesIO(content), {})
    return statement


def test_balances_prove_and_follow_from_the_entries() -> None:
    statement = read_back(write_statement(STATEMENT))
    assert statement.proof.kind == "proved"
    assert statement.opening is not None and statement.closing is not None
    assert (statement.opening.amount, statement.closing.amount) == (Decimal("-10.00"), Decimal("35.60"))
    assert (statement.account, statement.currency, statement.sequence) == ("CZ6508000000192000145399", "EUR", "11")
    assert (statement.from_date, statement.to_date) == (DAY, DAY)
    assert statement.warnings == ()


def test_entries_are_what_was_given() -> None:
    first, fee, last = read_back(write_statement(STATEMENT)).entries
    assert (first.amount, first.counterparty.name) == (Decimal("29.90"), "Žižka & Söhne <GmbH>")
    assert (first.counterparty.account, first.references.creditor_ref) == (ENTRIES[0].account, "RF18539007547034")
    assert (fee.amount, fee.counterparty.name, fee.remittance) == (Decimal("-4.20"), "Bank", ("Account fee",))
    assert (last.references.end_to_end, last.text) == ("E-1", ENTRIES[2].text.strip())
    assert all(len(line) <= 140 for line in last.remittance)
    assert len({entry.references.bank_ref for entry in (first, fee, last)}) == 3


def test_the_same_month_gives_the_same_bytes() -> None:
    content = write_statement(STATEMENT)
    assert content == write_statement(STATEMENT)
    assert NAMESPACE.encode() in content


def test_a_month_without_entries_is_a_statement_too() -> None:
    empty = BankStatement("CZ6508000000192000145399", "EUR", Decimal("1.00"), DAY, DAY, ())
    assert read_back(write_statement(empty)).proof.kind == "proved"
