"""Files that are no list of customers: a clear problem, and nothing is kept."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from billhook_common.imports.models import FileImport, ImportContent
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

Send = Callable[..., TestResponse]
SAMPLE = Path(__file__).parents[1] / "data" / "customers"
WORKBOOK = (SAMPLE / "customers.xlsx").read_bytes()
HEADER = b"login,name\n"


def a_zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


BAD_FILES: dict[str, tuple[bytes, str, int, str]] = {
    "empty": (b"", "a.csv", 422, "empty-file"),
    "blank lines": (b"\r\n \r\n\t\r\n", "a.csv", 422, "empty-file"),
    "only a mark": (b"\xef\xbb\xbf", "a.csv", 422, "empty-file"),
    "wrong extension": (HEADER + b"a,b\n", "a.pdf", 422, "not-a-table"),
    "html": (b"<!DOCTYPE html><html><body>login,name</body></html>", "a.csv", 422, "not-a-table"),
    "xml with entities": (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        "a.csv",
        422,
        "not-a-table",
    ),
    "pdf": (b"%PDF-1.7\n" + bytes(range(256)), "a.csv", 422, "not-a-table"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.csv", 422, "not-a-table"),
    "json": (b'[{"login": "a"}]', "a.csv", 422, "not-a-table"),
    "old excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "a.xls", 422, "not-a-table"),
    "some zip": (a_zip(readme=b"hello"), "a.xlsx", 422, "not-a-table"),
    "cut workbook": (WORKBOOK[: len(WORKBOOK) // 2], "a.xlsx", 422, "damaged-workbook"),
    "nul bytes": (HEADER + b"a,b\x00\n", "a.csv", 422, "nul-bytes"),
    "values first": (b"1,2,3\n4,5,6\n", "a.csv", 422, "header-missing"),
    "same header twice": (b"name,Name\na,b\n", "a.csv", 422, "duplicate-header"),
    "quotes everywhere": (HEADER + b'a,"b"c\n' * 1_100, "a.csv", 422, "broken-quotes"),
    "too wide": (b",".join(b"c%d" % number for number in range(201)) + b"\n", "a.csv", 413, "too-many-columns"),
    "too long": (HEADER + b"a,b\n" * 200_001, "a.csv", 413, "too-many-rows"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_and_not_kept(harness: ServiceHarness, send: Send, name: str) -> None:
    content, filename, status, problem = BAD_FILES[name]
    answer = send(harness.client(), content, filename)
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}"), answer.text
    assert answer.content_type == "application/problem+json"
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(FileImport)) == 0
        assert session.scalar(select(func.count()).select_from(ImportContent)) == 0


def test_a_file_over_the_limit_is_refused(harness: ServiceHarness, send: Send) -> None:
    answer = send(harness.client(), HEADER + b"x" * 20_000_000)
    assert (answer.status_code, answer.json["type"]) == (413, "/problems/request-entity-too-large")


@pytest.mark.parametrize(
    "options",
    [
        {"data": {}, "content_type": "multipart/form-data"},
        {"data": {"file": "text, no file"}, "content_type": "multipart/form-data"},
        {"data": {"other": (io.BytesIO(HEADER), "a.csv")}, "content_type": "multipart/form-data"},
        {"data": HEADER, "content_type": "text/csv"},
        {"data": b"{}", "content_type": "application/json"},
        {"data": b"no multipart at all", "content_type": "multipart/form-data; boundary=x"},
    ],
)
def test_a_request_without_a_file_is_refused(harness: ServiceHarness, options: dict[str, Any]) -> None:
    answer = harness.client().post("/imports", **options)
    assert answer.status_code == 422, answer.text
    assert "/file" in [error["pointer"] for error in answer.json["errors"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1250"])
def test_other_encodings_are_understood(harness: ServiceHarness, send: Send, encoding: str) -> None:
    client = harness.client()
    content = "login;name;city\njan;Jan Žižka;Třebíč\neva;Eva Říhová;Žďár\n".encode(encoding)
    answer = send(client, content)
    assert answer.status_code == 201, answer.text
    shown = client.get(f"/imports/{answer.json['id']}/preview").json
    assert [row["customer"]["name"] for row in shown["sample"]] == ["Jan Žižka", "Eva Říhová"]


def test_a_file_with_a_header_only_imports_nobody(harness: ServiceHarness, send: Send) -> None:
    client = harness.client()
    import_id = send(client, HEADER).json["id"]
    assert client.get(f"/imports/{import_id}/preview").json["rows"] == 0
    done = client.post(f"/imports/{import_id}/confirm", {}).json
    assert (done["state"], done["imported"]) == ("imported", 0)


def test_the_same_upload_sent_again_with_its_key_is_one(harness: ServiceHarness, send: Send) -> None:
    client = harness.client()
    answers = [send(client, HEADER + b"a,A\n", key="upload-1") for _ in range(2)]
    assert answers[0].json == answers[1].json
    refused = send(client, HEADER + b"b,B\n", key="upload-1")
    assert refused.json["type"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"skip_errors": "perhaps"}, "/skip_errors"), ({"skip": True}, "/skip"), ([], "/")],
)
def test_a_bad_confirmation_is_refused(harness: ServiceHarness, send: Send, body: Any, pointer: str) -> None:
    client = harness.client()
    import_id = send(client, HEADER + b"a,A\n").json["id"]
    answer = client.post(f"/imports/{import_id}/confirm", body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
