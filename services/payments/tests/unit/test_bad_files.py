"""Every file that cannot be read is refused with a code and a place; none gives a wrong total silently."""

import hashlib
import io
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.bank_formats import HEAD_BYTES, HandlerError, Statement
from billhook_payments.domain.identity import identify_entries, statement_identity
from billhook_payments.formats import read, recognise
from billhook_payments.formats.camt import Camt
from billhook_payments.formats.upload import describe, examine

pytestmark = pytest.mark.unit

SAMPLE = (Path(__file__).parents[1] / "data/camt053/v2-two-statements.xml").read_bytes()
DECLARATION, BODY = SAMPLE.split(b"\n", 1)


def upload(content: bytes, name: str = "statement.xml") -> list[Statement]:
    """The whole way of a file: examined, recognised, read."""
    stream = io.BytesIO(content)
    return list(read(stream, recognise(examine(stream), name, [Camt()]), {}))


def parse(content: bytes) -> list[Statement]:
    """The handler alone, as if it had been chosen by hand."""
    return list(Camt().parse(io.BytesIO(content), {}))


WAYS: tuple[Callable[[bytes], list[Statement]], ...] = (upload, parse)


def code_of(content: bytes) -> str:
    with pytest.raises(HandlerError) as caught:
        upload(content)
    return caught.value.code


def totals(statements: list[Statement]) -> list[tuple[Decimal, Decimal, str]]:
    return [(statement.credits, statement.debits, statement.proof.kind) for statement in statements]


WHOLE = [(Decimal("8.85"), Decimal(0), "proved"), (Decimal(0), Decimal("7.00"), "proved")]


def in_encoding(name: str, codec: str) -> bytes:
    text = SAMPLE.decode().replace("Company Name 2", "Žižka Müller" if "8859" not in name else "Müller")
    return text.replace('encoding="UTF-8"', f'encoding="{name}"').encode(codec)


def with_doctype(doctype: str) -> bytes:
    return DECLARATION + doctype.encode() + BODY


LAUGHS = '<!DOCTYPE Document [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_the_sample_itself_is_good() -> None:
    assert totals(upload(SAMPLE)) == WHOLE


@pytest.mark.parametrize(
    "content", [b"", b" \r\n\t ", b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbb\xbf\r\n", b"\xff\xfe \x00"]
)
def test_a_file_without_content_is_empty(content: bytes) -> None:
    assert code_of(content) == "empty_file"


def test_the_size_limit_is_one_of_bytes() -> None:
    assert examine(io.BytesIO(b"x" * 1000), max_bytes=1000).size == 1000
    with pytest.raises(HandlerError) as caught:
        examine(io.BytesIO(b"x" * 1001), max_bytes=1000)
    assert caught.value.code == "too_large"


def test_examining_gives_check_sum_size_and_head_and_rewinds() -> None:
    stream = io.BytesIO(b"x" * 3_000_000)
    upload = examine(stream)
    assert (upload.sha256, upload.size) == (hashlib.sha256(b"x" * 3_000_000).hexdigest(), 3_000_000)
    assert (len(upload.head), stream.tell()) == (HEAD_BYTES, 0)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", "an Excel workbook (XLSX)"),
        (b"PK\x03\x04\x14\x00\x00\x00statement.xml", "a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xff\xd8\xff\xe0JFIF", "a JPEG picture"),
        (b"GIF89a", "a GIF picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"<!DOCTYPE html>\n<html><body>502 Bad Gateway", "a web page (HTML)"),
        (b"<html><body>login", "a web page (HTML)"),
        (b'{"error": "not found"}', "a JSON file"),
        (b"Date;Amount\n24.11.2026;29,90\n", "a text file"),
        (b"\x01\x00\x02\x00", "a binary file"),
        (b'<?xml version="1.0"?><OFX><STMTTRN/></OFX>', "an XML file with the root element OFX"),
        (b"<?xml version='1.0'?>", "an XML file"),
        (
            b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn/>',
            "an ISO 20022 message (pain.001.001.09)",
        ),
    ],
)
def test_another_kind_of_file_is_named(content: bytes, what: str) -> None:
    assert describe(content) == what
    with pytest.raises(HandlerError, match=r"^unrecognised_format") as caught:
        upload(content, "statement.xml")
    assert what in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        with_doctype("<!DOCTYPE Document>"),
        with_doctype(LAUGHS + "]>"),
        with_doctype('<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        with_doctype('<!DOCTYPE Document SYSTEM "http://127.0.0.1/evil.dtd">'),
        with_doctype('<!DOCTYPE Document [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]>'),
        with_doctype(f'<!DOCTYPE Document [<!ENTITY big "{"x" * 5000}">]>').replace(b"Company Name 1", b"&big;" * 1000),
        with_doctype("\n \n<!-- bank <ok> -->\n<?style x?>\n<!-- more --> <!DOCTYPE Document>"),
        with_doctype("<!-- " + "x" * 60_000 + " --><!DOCTYPE Document>"),
        with_doctype("<!doctype Document>"),
        with_doctype("<!DOCTYPE Document>").decode().encode("utf-16"),
        b"\xef\xbb\xbf" + with_doctype("<!DOCTYPE Document>"),
        b"<!DOCTYPE OFX><OFX/>",
    ],
    ids=[
        "alone", "laughs", "external", "system", "parameter", "quadratic", "after comments", "far", "lower case",
        "utf-16", "bom", "other root",
    ],
)  # fmt: skip
def test_a_document_type_is_refused_wherever_it_hides(content: bytes) -> None:
    codes = set()
    for way in WAYS:
        with pytest.raises(HandlerError) as caught:
            way(content)
        codes.add(caught.value.code)
    assert "xml_doctype_forbidden" in codes
    assert codes <= {"xml_doctype_forbidden", "unrecognised_format"}


def test_text_that_looks_like_a_document_type_is_no_reason() -> None:
    content = SAMPLE.replace(b"Company Name 2", b"<![CDATA[<!DOCTYPE x>]]>")
    assert totals(upload(content)) == WHOLE
    assert totals(upload(with_doctype("<!-- <!DOCTYPE x> -->"))) == WHOLE


def test_nesting_without_end_is_refused() -> None:
    deep = SAMPLE.replace(b"<GrpHdr>", b"<GrpHdr>" + b"<x>" * 100_000)
    assert code_of(deep) == "too_deep"
    closed = SAMPLE.replace(b"<GrpHdr>", b"<GrpHdr>" + b"<x>" * 100_000 + b"</x>" * 100_000)
    assert code_of(closed) == "too_deep"


@pytest.mark.parametrize("percent", range(100))
def test_a_file_cut_anywhere_never_gives_wrong_totals(percent: int) -> None:
    content = SAMPLE[: len(SAMPLE) * percent // 100]
    assert code_of(content) in {"truncated", "unrecognised_format", "empty_file"}


def test_only_white_space_may_be_missing_at_the_end() -> None:
    assert totals(upload(SAMPLE.rstrip())) == WHOLE
    assert code_of(SAMPLE.rstrip()[:-1]) == "truncated"


def test_cut_in_the_middle_of_a_character_is_truncated() -> None:
    content = SAMPLE.replace(b"Company Name 2", "Žižka".encode())
    cut = content[: content.index("Žižka".encode()) + 1]
    assert code_of(cut) == "truncated"


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-16", "utf-16"),
        ("UTF-16", "utf-16-be"),
        ("UTF-8", "utf-16"),
        ("UTF-8", "utf-8-sig"),
        ("windows-1250", "cp1250"),
        ("ISO-8859-1", "latin-1"),
    ],
)
def test_declared_and_marked_encodings_are_read(name: str, codec: str) -> None:
    statements = upload(in_encoding(name, codec))
    assert totals(statements) == WHOLE
    assert statements[1].entries[0].counterparty.name in {"Žižka Müller", "Müller"}


@pytest.mark.parametrize(
    "content",
    [
        SAMPLE.replace(b"Company Name 2", b"\xc5\xbd\xff"),
        SAMPLE.replace(b"Company Name 2", "Žižka".encode("cp1250")),
        SAMPLE.replace(b"Company Name 2", "Žižka".encode("cp852")),
        SAMPLE.replace(b"Company Name 2", "Müller".encode("mac-roman")),
        SAMPLE.replace(b"Company Name 2", b"NUL\x00NUL"),
        SAMPLE.replace(b"Company Name 2", b"\x01"),
        SAMPLE.replace(b"UTF-8", b"UTF-7"),
        SAMPLE.replace(b"UTF-8", b"EBCDIC-CP-US"),
        SAMPLE.replace(b"UTF-8", b"ISO-8859-99"),
    ],
)
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    assert code_of(content) == "bad_encoding"


def test_utf_16_without_a_mark_and_utf_32_are_refused_or_read_right() -> None:
    assert code_of(SAMPLE.decode().encode("utf-32")) in {"bad_encoding", "unrecognised_format"}
    with pytest.raises(HandlerError, match="bad_encoding"):
        parse(SAMPLE.decode().encode("utf-32"))
    bare = SAMPLE.decode().split("\n", 1)[1].encode("utf-16-le")
    assert code_of(bare) == "unrecognised_format"
    cut = SAMPLE.decode().encode("utf-16")
    assert code_of(cut[: len(cut) // 2 + 1]) == "truncated"


@pytest.mark.parametrize(
    "amount",
    [
        "NaN", "Infinity", "-Infinity", "1e5", "1E+5", "٨.٨٥", "8,85", "1.234,56", "1,234.56", "1 234.56",
        "1\u00a0234.56", "-8.85", "+8.85", "\u22128.85", "8.85-", "(8.85)", "8.", ".85", "0x8", "8_85", "",
        "12345678901234567890", "8.855", "8.123456",
    ],
)  # fmt: skip
def test_an_amount_that_is_no_plain_decimal_is_refused(amount: str) -> None:
    code = code_of(SAMPLE.replace(b">8.85<", f">{amount}<".encode()))
    assert code == ("bad_amount" if amount else "missing_field")


@pytest.mark.parametrize("amount", ["8.8500", " 8.85 ", "08.85"])
def test_harmless_spellings_of_an_amount_are_read(amount: str) -> None:
    assert totals(upload(SAMPLE.replace(b">8.85<", f">{amount}<".encode()))) == WHOLE


@pytest.mark.parametrize(
    "day",
    ["1989-12-31", "0000-01-01", "2026-13-01", "2026-00-10", "2026-01-32", "24.11.2026", "26-11-24", "٢٠٢٦-١١-٢٤"],
)
def test_a_day_that_is_no_day_is_refused(day: str) -> None:
    assert code_of(SAMPLE.replace(b"<Dt>2014-12-31</Dt>", f"<Dt>{day}</Dt>".encode())) == "bad_date"


@pytest.mark.parametrize(
    "content",
    [
        SAMPLE.replace(b"</Ntry>", b"</Entry>"),
        SAMPLE.replace(b"Company Name 2", b"Smith & Sons"),
        SAMPLE.replace(b"Company Name 2", b"&undefined;"),
        SAMPLE + b"<Document/>",
        SAMPLE + SAMPLE,
    ],
)
def test_broken_markup_is_refused(content: bytes) -> None:
    assert code_of(content) == "malformed"


def test_missing_entries_are_a_gap_not_a_wrong_total() -> None:
    start, end = SAMPLE.index(b"<Ntry>"), SAMPLE.index(b"</Ntry>") + len(b"</Ntry>")
    first, second = upload(SAMPLE[:start] + SAMPLE[end:])
    assert (first.proof.kind, first.proof.gap) == ("gap", Decimal("8.85"))
    assert second.proof.kind == "proved"


def test_reading_twice_gives_the_same_identities() -> None:
    def identities() -> list[str]:
        seen: Counter[str] = Counter()
        statements = upload(SAMPLE)
        entries = [identify_entries(one.account, one.entries, seen) for one in statements]
        return [statement_identity(one) for one in statements] + [name for each in entries for _, name in each]

    assert identities() == identities()
    assert len(set(identities())) == 4


@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.integers(0, 40))
def test_damaged_bytes_raise_nothing_but_the_handlers_error(noise: bytes, at: int, replaced: int) -> None:
    content = SAMPLE[:at] + noise + SAMPLE[at + replaced :]
    for way in WAYS:
        try:
            statements = way(content)
        except HandlerError:
            continue
        assert all(isinstance(statement, Statement) for statement in statements)


@given(
    st.sampled_from(
        ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1250", "cp852", "latin-1", "mac-roman", "utf-7", "cp037"]
    ),
    st.sampled_from(["UTF-8", "UTF-16", "ISO-8859-2", "windows-1250", "UTF-7", "IBM037", "nonsense"]),
    st.text(max_size=20),
)
def test_wrong_encodings_raise_nothing_but_the_handlers_error(codec: str, declared: str, name: str) -> None:
    text = SAMPLE.decode().replace("UTF-8", declared).replace("Company Name 2", name)
    content = text.encode(codec, errors="replace")
    try:
        statements = upload(content)
    except HandlerError:
        return
    assert totals(statements) == WHOLE


@given(st.binary(max_size=HEAD_BYTES))
def test_sniffing_and_describing_never_fail(head: bytes) -> None:
    assert Camt().sniff(head, "x") in range(101)
    assert describe(head)
