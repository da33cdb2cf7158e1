"""Mapping headers to columns, checking rows, and the file of rejected rows."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.tabular import (
    Column,
    Preview,
    Table,
    check,
    read_table,
    suggest_mapping,
    validate,
)
from billhook_common.tabular.cells import date, decimal, gps, text, whole_number
from billhook_common.tabular.exporting import csv_pieces, rejected_pieces
from billhook_common.tabular.problems import MappingWrong

pytestmark = pytest.mark.unit

COLUMNS = (
    Column("login", "Login", text(50), "user; přihlašovací jméno", unique=True),
    Column("name", "Full name", text(), "name; jméno", required=True),
    Column("since", "Customer since", date(), "start date"),
    Column("balance", "Balance", decimal(",", places=2), "saldo", filled=True),
    Column("day", "Billing day", whole_number(1, 31)),
    Column("gps", "GPS", gps()),
)


def table(*lines: str) -> Table:
    return read_table("\n".join(lines).encode(), "customers.csv")


def preview(*lines: str) -> Preview:
    read = table(*lines)
    return validate(read, suggest_mapping(read.header, COLUMNS), COLUMNS)


def test_headers_are_recognised_in_any_case_and_language() -> None:
    header = ["PŘIHLAŠOVACÍ-JMÉNO", "Full_Name", "Saldo *", "Shoe size", "START DATE"]
    assert suggest_mapping(header, COLUMNS) == {
        "login": "PŘIHLAŠOVACÍ-JMÉNO",
        "name": "Full_Name",
        "since": "START DATE",
        "balance": "Saldo *",
    }


def test_the_first_of_two_fitting_headers_is_suggested() -> None:
    assert suggest_mapping(["Jméno", "Name"], COLUMNS)["name"] in {"Jméno", "Name"}
    assert suggest_mapping(["Billing day", "BILLING-DAY"], COLUMNS)["day"] == "Billing day"


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        ({"login": "Login"}, "/mapping/name"),
        ({"name": "Name", "shoe": "Login"}, "/mapping/shoe"),
        ({"name": "Nickname"}, "/mapping/name"),
        ({"name": "Name", "login": "Name"}, "/mapping/name"),
    ],
)
def test_a_wrong_mapping_points_at_its_place(mapping: dict[str, str], pointer: str) -> None:
    with pytest.raises(MappingWrong) as refusal:
        check(table("Login;Name", "a;Ann"), mapping, COLUMNS)
    assert [error.pointer for error in refusal.value.errors] == [pointer]


def test_good_rows_have_typed_values_and_none_where_blank() -> None:
    found = preview(
        "Login;Name;Start date;Balance;Billing day;GPS", "anna; Ann ;22.11.2026;-1,50;31;49.1,16.6", ";Bob; ;0;;"
    )
    first, second = found.records
    assert (first.row, first.line, first.text("login"), first.text("name")) == (1, 2, "anna", "Ann")
    assert (first.date("since"), first.decimal("balance"), first.number("day")) == (
        dt.date(2026, 11, 22),
        Decimal("-1.50"),
        31,
    )
    assert first.place("gps") == (49.1, 16.6)
    assert dict(second.values) == {"login": None, "name": "Bob", "since": None, "balance": 0, "day": None, "gps": None}
    assert second.place("gps") is None
    assert (found.counts.rows, found.counts.clean, found.counts.rejected, found.errors) == (2, 2, 0, [])


def test_every_error_of_a_row_is_listed_with_line_column_and_value() -> None:
    found = preview("Login;Name;Start date;Balance", "a;Ann;;1", "b;  ;31.02.2021;x")
    assert [(e.row, e.line, e.column, e.header, e.code, e.value) for e in found.errors] == [
        (2, 3, "name", "Name", "missing", "  "),
        (2, 3, "since", "Start date", "impossible-date", "31.02.2021"),
        (2, 3, "balance", "Balance", "not-a-number", "x"),
    ]
    assert (found.counts.clean, found.counts.rejected) == (1, 1)
    assert found.counts.by_code == {"missing": 1, "impossible-date": 1, "not-a-number": 1}


def test_a_filled_column_may_be_left_out_but_not_left_blank() -> None:
    assert preview("Name", "Ann").counts.clean == 1
    assert [(e.code, e.column) for e in preview("Name;Balance", "Ann;").errors] == [("missing", "balance")]


def test_a_repeated_login_is_wrong_in_every_row_but_the_first_letter_case_apart() -> None:
    found = preview("Login;Name", "anna;A", "bob;B", "ANNA;C", ";D", ";E", "Anna;F")
    assert [(e.row, e.code, e.message) for e in found.errors] == [
        (3, "duplicate", "Login repeats that of row 1"),
        (6, "duplicate", "Login repeats that of row 1"),
    ]
    assert [record.text("name") for record in found.records] == ["A", "B", "D", "E"]


def test_repeats_are_seen_across_blocks() -> None:
    lines = [f"login{number};N" for number in range(1_200)]
    found = preview("Login;Name", *lines, "login0;N", "LOGIN1199;N")
    assert [(e.row, e.message) for e in found.errors] == [
        (1201, "Login repeats that of row 1"),
        (1202, "Login repeats that of row 1200"),
    ]


def test_broken_rows_stand_in_file_order_among_the_others() -> None:
    found = preview("Login;Name", "a;Ann;x", "b;", 'c;"Cy" late', "d;Dan")
    assert [(e.row, e.code) for e in found.errors] == [(1, "wrong-column-count"), (2, "missing"), (3, "stray-quotes")]
    assert [record.row for record in found.records] == [4]


def test_errors_and_records_are_capped_but_all_are_counted() -> None:
    read = table("Login;Name", *["a;"] * 700, *[f"x{number};N" for number in range(700)])
    found = validate(read, {"name": "Name"}, COLUMNS, sample=3, most_errors=10)
    assert (len(found.errors), len(found.records), found.counts.rejected, found.counts.clean) == (10, 3, 700, 700)
    assert "Only the first 10 of 700 errors are listed" in found.warnings


def test_what_is_not_imported_and_a_guessed_encoding_are_warned_of() -> None:
    read = read_table("Name;Boty\nŽižka;43\n".encode("cp1250"), "a.csv")
    warnings = validate(read, {"name": "Name"}, COLUMNS).warnings
    assert any("“Boty”" in warning for warning in warnings)
    assert any("cp1250" in warning for warning in warnings)
    assert any("no rows" in warning for warning in preview("Name").warnings)


def test_a_column_of_all_different_values_does_not_grow_without_end() -> None:
    first = dt.date(1950, 1, 1).toordinal()
    lines = [f"N;{dt.date.fromordinal(first + number).isoformat()}" for number in range(21_000)]
    read = table("Name;Start date", *lines)
    assert validate(read, suggest_mapping(read.header, COLUMNS), COLUMNS).counts.clean == 21_000


@given(
    st.lists(
        st.sampled_from(["a;Ann;1", "B;Bob;2,5", "a;Ann;x", "c;;1", "d;Dan;1;2", "'=x;=y;1", "e; Eve ;1"]), max_size=40
    )
)
def test_every_row_is_either_a_record_or_rejected(rows: list[str]) -> None:
    read = table("Login;Name;Balance", *rows)
    blocks = list(check(read, suggest_mapping(read.header, COLUMNS), COLUMNS))
    seen = [record.row for block in blocks for record in block.records()]
    seen += [row.row for block in blocks for row in block.rejected]
    assert sorted(seen) == list(range(1, len(rows) + 1))


def test_the_file_of_rejected_rows_opens_safely_and_names_the_reasons() -> None:
    read = table("Login;Name", "a;=1+1", "b;Bob", "c;Cy;x")
    blocks = check(read, suggest_mapping(read.header, COLUMNS), COLUMNS)
    rejected = [row for block in blocks for row in block.rejected]
    again = read_table(b"".join(rejected_pieces(read.header, rejected)), "failed.csv")
    assert again.header == ("Row in file", "Problem", "Login", "Name")
    assert [row.cells for row in again.rows()] == [
        [
            "1",
            "Name: Looks like a spreadsheet formula; put an apostrophe (') before it to import it as text",
            "a",
            "'=1+1",
        ]
    ]
    assert [(row.number, row.cells) for block in again.blocks() for row in block.broken] == [
        (2, ("3", "3 columns instead of 2", "c", "Cy", "x"))
    ]


def test_an_export_is_imported_again_unchanged() -> None:
    texts = ["=1+1", "'=x", "-- note", "line\nbreak", 'say "x"; y', "Žižka", "+420 555"]
    data = b"".join(csv_pieces(["Name"], ([text_] for text_ in texts)))
    read = read_table(data, "export.csv")
    assert [record.text("name") for record in validate(read, {"name": "Name"}, COLUMNS).records] == texts
