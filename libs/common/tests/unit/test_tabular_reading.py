"""Reading delimited text: encodings, delimiters, headers, stray quotes, and files that are no tables."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.tabular import Limits, Table, read_table
from billhook_common.tabular.problems import (
    BrokenQuotes,
    DuplicateHeader,
    EmptyFile,
    FileTooLarge,
    HeaderMissing,
    NotATable,
    NulBytes,
    TooManyColumns,
    TooManyRows,
    UndecodableText,
)

pytestmark = pytest.mark.unit

CZECH = "Jméno;Město;Poznámka\r\nŽižka Jan;Třebíč;příliš žluťoučký kůň\r\nDvořák;Plzeň;úpěl ďábelské ódy\r\n"
POLISH = "Nazwa;Miasto\r\nWiśniewski;Łódź\r\nŻak;Kędzierzyn-Koźle\r\n"
FRENCH = "Nom;Ville\r\nLefèvre;Orléans\r\nBenoît Gélinas;Mâcon à côté\r\n"
SPANISH = "Nombre;Ciudad\r\nMuñoz García;Logroño\r\nIbáñez Peña;Ávila\r\n"
GERMAN = "Name;Ort\r\nMüller;Görlitz\r\nGroß;Würzburg\r\n"


def read(text: str, **limits: int) -> Table:
    return read_table(text.encode(), "customers.csv", Limits(**limits))


def cells(table: Table) -> list[list[str]]:
    return [row.cells for row in table.rows()]


def broken(table: Table) -> list[tuple[int, int, str]]:
    return [(row.number, row.line, row.code) for block in table.blocks() for row in block.broken]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CZECH, "utf-8"),
        (CZECH, "utf-8-sig"),
        (CZECH, "utf-16"),
        (CZECH, "cp1250"),
        (POLISH, "cp1250"),
        (FRENCH, "cp1252"),
        (SPANISH, "cp1252"),
        (GERMAN, "cp1252"),
    ],
)
def test_the_encoding_is_told_by_its_mark_or_by_the_letters(text: str, encoding: str) -> None:
    table = read_table(text.encode(encoding), "customers.csv")
    assert table.dialect.encoding == encoding
    assert [list(table.header), *cells(table)] == [line.split(";") for line in text.strip().split("\r\n")]


def test_big_endian_utf16_is_read() -> None:
    table = read_table(codecs.BOM_UTF16_BE + CZECH.encode("utf-16-be"), "customers.csv")
    assert cells(table)[0][1] == "Třebíč"


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_rows_as_wide_as_the_header(delimiter: str) -> None:
    rows = [["login", "name", "note"], ["a", "Žižka", "x"], ["b", "Ann", "y"]]
    table = read("\n".join(delimiter.join(row) for row in rows))
    assert (table.dialect.delimiter, [list(table.header), *cells(table)]) == (delimiter, rows)


def test_commas_inside_cells_do_not_make_a_comma_file() -> None:
    table = read("login;price;gps\na;19,90;49.1,16.6\nb;24,90;49.2,16.7\n")
    assert (table.dialect.delimiter, table.dialect.decimal_sign) == (";", ",")


def test_excels_own_delimiter_line_is_obeyed() -> None:
    assert read("sep=|\nlogin|name;x\na|b;c\n").header == ("login", "name;x")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read_and_line_numbers_are_those_of_the_file(end: str) -> None:
    table = read(end.join(["", "login;note", "a;1", "", ";", 'b;"two', 'lines"', "c;3"]))
    assert [(row.number, row.line, row.cells) for row in table.rows()] == [
        (1, 3, ["a", "1"]),
        (2, 6, ["b", "two\nlines"]),
        (3, 8, ["c", "3"]),
    ]


def test_unicode_line_separators_do_not_end_a_row() -> None:
    assert cells(read("login;note\na;x\u2028y\x85z\n")) == [["a", "x\u2028y\x85z"]]


def test_american_numbers_and_dates_are_detected() -> None:
    dialect = read("login,price,start\na,1.50,12/31/2020\nb,2.25,01/02/2021\n").dialect
    assert (dialect.decimal_sign, dialect.date_order) == (".", "mdy")


def test_blanks_around_names_go_and_nameless_columns_are_called_by_their_place() -> None:
    assert read(" Login ;;Full  name\na;b;c\n").header == ("Login", "Column 2", "Full name")


@pytest.mark.parametrize(
    ("data", "filename", "problem"),
    [
        (b"", "a.csv", EmptyFile),
        (b" \r\n\n\t", "a.csv", EmptyFile),
        (b";;\n;;\n", "a.csv", EmptyFile),
        (b"%PDF-1.7 ...", "a.csv", NotATable),
        (b"\x89PNG\r\n\x1a\n....", "a.csv", NotATable),
        (b"\xff\xd8\xff\xe0....", "a.csv", NotATable),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xlsx", NotATable),
        (b"<!DOCTYPE html><html><body>", "a.csv", NotATable),
        (b"\xef\xbb\xbf <html lang=en>", "a.csv", NotATable),
        (b"<?xml version='1.0'?><Document/>", "a.csv", NotATable),
        (b'[{"login": "a"}]', "a.csv", NotATable),
        (b"login;name\na;b\n", "customers.csv.exe", NotATable),
        (b"login;name\na;\0b\n", "a.csv", NulBytes),
        (CZECH.encode("utf-16-le"), "a.csv", NulBytes),
        ("login;x\0".encode("utf-16"), "a.csv", NulBytes),
        (b"login;name\na;\x81\n", "a.csv", UndecodableText),
        (CZECH.encode() * 3 + b"\xc5", "a.csv", UndecodableText),
        (codecs.BOM_UTF8 + b"login;\xe8", "a.csv", UndecodableText),
        (b"a@example.com;Ann\nb@example.com;Bob\n", "a.csv", HeaderMissing),
        (b"1001;Ann\n1002;Bob\n", "a.csv", HeaderMissing),
        (b"Login;name;LOGIN \na;b;c\n", "a.csv", DuplicateHeader),
        (b"x" * 2_001, "a.csv", FileTooLarge),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(data: bytes, filename: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        read_table(data, filename, Limits(file_bytes=2_000))


def test_an_undecodable_file_names_the_line() -> None:
    with pytest.raises(UndecodableText, match="Line 2"):
        read_table(b"login;name\na;\x81\n", "a.csv")


def test_too_many_rows_columns_and_lines_are_refused() -> None:
    with pytest.raises(TooManyRows):
        list(read("login;name\n" + "a;b\n" * 11, rows=10).rows())
    with pytest.raises(TooManyColumns):
        read(";".join("abcdef"), columns=5)
    with pytest.raises(TooManyRows):
        read("\n" * 50 + "login;name\na;b", lines=20)
    assert len(list(read("login;name\n" + "a;b\n" * 10, rows=10).rows())) == 10


def test_a_row_of_a_million_cells_is_one_wrong_row() -> None:
    table = read("login;name\na;b\n" + ";" * 1_000_000 + "x\nc;d")
    assert (cells(table), broken(table)) == ([["a", "b"], ["c", "d"]], [(2, 3, "wrong-column-count")])


def test_quoted_cells_hold_delimiters_doubled_quotes_and_line_breaks() -> None:
    table = read('login;note\na;"reads ""Netz; Strom"", twice"\nb;"one\ntwo"\n"c";""\n')
    assert cells(table) == [["a", 'reads "Netz; Strom", twice'], ["b", "one\ntwo"], ["c", ""]]


def test_a_row_of_another_width_is_reported_with_its_line() -> None:
    table = read("login;name;note\na;b\nc;d;e;f\ng;h;i\n")
    messages = [row.message for block in table.blocks() for row in block.broken]
    assert broken(table) == [(1, 2, "wrong-column-count"), (2, 3, "wrong-column-count")]
    assert messages == ["2 columns instead of 3", "4 columns instead of 3"]
    assert cells(table) == [["g", "h", "i"]]


@pytest.mark.parametrize(
    "row",
    [
        'b;Mlynska 204 "rear building;x',
        'b;19" rack;x',
        'b;"Key at "U Lva" pub";x',
        'b;"never closed;x',
        'b;x;"never closed',
        '"b;x;y',
        'b;"closed" late;x',
    ],
)
def test_stray_quotes_spoil_their_own_row_only(row: str) -> None:
    table = read(f'login;street;note\na;1;2\n{row}\nc;"quoted";4\nd;5;6\n')
    assert broken(table) == [(2, 3, "stray-quotes")]
    assert cells(table) == [["a", "1", "2"], ["c", "quoted", "4"], ["d", "5", "6"]]


def test_two_stray_quotes_lines_apart_do_not_swallow_what_is_between() -> None:
    table = read('login;street;note\na;"rear;x\nb;1;2\nc;y;19"\nd;3;4\n')
    assert broken(table) == [(1, 2, "stray-quotes"), (3, 4, "stray-quotes")]
    assert cells(table) == [["b", "1", "2"], ["d", "3", "4"]]


def test_a_balanced_pair_in_a_cell_without_quotes_is_text() -> None:
    assert cells(read('login;note\na;Key at "U Lva" pub\n')) == [["a", 'Key at "U Lva" pub']]


def test_a_file_of_stray_quotes_is_given_up() -> None:
    with pytest.raises(BrokenQuotes):
        list(read("login;note\n" + 'a;"b\n' * 60, broken_rows=50).rows())


@given(
    st.lists(st.lists(st.text(alphabet="ab ;\"\n'=,é", max_size=6), min_size=3, max_size=3), min_size=1, max_size=8),
    st.text(alphabet='a";', min_size=1, max_size=12),
)
def test_whatever_quotes_one_row_has_no_other_row_is_lost(rows: list[list[str]], torn: str) -> None:
    def line(row: list[str]) -> str:
        return ";".join('"' + cell.replace('"', '""') + '"' for cell in row)

    good = [["x", *row[1:]] for row in rows]
    table = read("\n".join(["login;street;note", *map(line, good[:4]), torn, *map(line, good[4:])]))
    kept = [row for row in cells(table) if row[0] == "x"]
    assert kept == good
