"""The sample list of an ISP imports with exactly the errors its README lists."""

import re
from collections import Counter
from pathlib import Path

import pytest

from billhook_common.tabular import Preview, Record, Table, check, read_table, suggest_mapping, validate
from billhook_crm.domain.customer_columns import customer_columns

pytestmark = pytest.mark.unit

SAMPLE = Path(__file__).parent.parent / "data" / "customers"
KINDS = {
    "bad e-mail": "bad-email",
    "duplicate login": "duplicate",
    "impossible date": "impossible-date",
    "missing name": "missing",
    "formula-like text": "formula-like-text",
    "stray quotes": "stray-quotes",
    "wrong column count": "wrong-column-count",
}


def sample(name: str) -> Table:
    return read_table((SAMPLE / name).read_bytes(), name)


def previewed(table: Table) -> Preview:
    columns = customer_columns(table.dialect)
    return validate(table, suggest_mapping(table.header, columns), columns)


def records(table: Table) -> list[Record]:
    columns = customer_columns(table.dialect)
    blocks = check(table, suggest_mapping(table.header, columns), columns)
    return [record for block in blocks for record in block.records()]


def listed_errors() -> list[tuple[int, int, str]]:
    """Data row, CSV line and kind of each dirty row that the README lists."""
    rows = re.findall(
        r"^\| (\d+) \| (\d+) \| `[^`]*` \| ([a-z -]+) \|", (SAMPLE / "README.md").read_text(), re.MULTILINE
    )
    return [(int(row), int(line), KINDS[kind]) for row, line, kind in rows]


def test_the_csv_has_exactly_the_errors_its_readme_lists() -> None:
    found = previewed(sample("customers.csv"))
    assert len(listed_errors()) == 15
    assert [(error.row, error.line, error.code) for error in found.errors] == listed_errors()
    assert (found.counts.rows, found.counts.clean, found.counts.rejected) == (500, 485, 15)


def test_the_errors_say_what_is_wrong_in_words() -> None:
    messages = {error.row: error.message for error in previewed(sample("customers.csv")).errors}
    assert messages[78] == "The e-mail address has no @ sign"
    assert messages[80] == "Login repeats that of row 69"
    assert messages[275] == "18 columns instead of 21"
    assert messages[280] == "The e-mail address has 2 @ signs"
    assert messages[290] == "Login repeats that of row 72"
    assert messages[448] == "22 columns instead of 21"
    assert messages[467] == "The domain of the e-mail address has no dot"


def test_awkward_but_valid_rows_import_without_complaint() -> None:
    notes = {record.row: record.text("note") for record in records(sample("customers.csv"))}
    assert notes[59] == "First line: ring twice\nSecond line: gate code 4711"
    assert notes[119] == 'Sign reads "Netz; Strom", correctly quoted'
    assert notes[227] == "-- called 3x, no answer"
    assert 459 in notes


def test_the_clean_rows_match_the_check_figures() -> None:
    clean = records(sample("customers.csv"))
    assert Counter(record.text("category") for record in clean) == {"company": 80, "person": 405}
    assert Counter(record.text("status") for record in clean) == {
        "active": 411,
        "blocked": 35,
        "inactive": 29,
        "new": 10,
    }
    assert Counter(record.text("country") for record in clean) == {
        "AT": 34, "BE": 38, "CZ": 155, "DE": 99, "ES": 11, "IE": 20, "NL": 41, "PL": 37, "SK": 50,
    }  # fmt: skip
    assert (
        len({record.text("login") for record in clean})
        == len({record.text("contract_number") for record in clean})
        == 485
    )
    since = sorted(str(record.date("created_on")) for record in clean)
    assert (since[0], since[-1]) == ("2008-01-07", "2026-10-29")


def test_the_workbook_has_the_same_errors_but_those_that_only_text_can_have() -> None:
    found = previewed(sample("customers.xlsx"))
    # A cell of a workbook has no quotes to be stray (159, 360); blank cells at the end of a row are just blank (275).
    expected = [(row, row + 1, code) for row, _, code in listed_errors() if row not in (159, 275, 360)]
    assert [(error.row, error.line, error.code) for error in found.errors] == expected


def test_both_files_give_the_same_customers() -> None:
    from_text = {record.row: record.values for record in records(sample("customers.csv"))}
    from_workbook = {record.row: record.values for record in records(sample("customers.xlsx"))}
    assert {row: from_workbook[row] for row in from_text} == from_text


def test_headers_in_german_and_czech_are_recognised() -> None:
    columns = customer_columns(sample("customers.csv").dialect)
    german = suggest_mapping(["Kundennummer", "Name", "Straße", "PLZ", "Ort", "Land", "E-Mail-Adresse"], columns)
    assert set(german) == {"number", "name", "street", "zip", "city", "country", "email"}
    czech = suggest_mapping(["Jméno a příjmení", "Ulice", "PSČ", "Město", "Variabilní symbol", "IČO", "DIČ"], columns)
    assert set(czech) == {"name", "street", "zip", "city", "payment_reference", "company_number", "tax_id"}


def test_only_the_name_is_required() -> None:
    table = read_table("Name\nŽižka\n".encode(), "customers.csv")
    assert previewed(table).counts.clean == 1
