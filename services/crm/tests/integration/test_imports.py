"""A file of customers, from upload to result."""

import csv
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from billhook_common.contracts.crm import CustomerCreated
from billhook_common.ids import uuid7
from billhook_common.imports import store
from billhook_common.imports.models import FileImport, ImportContent, ImportRow
from billhook_common.tables import audit_entry
from billhook_common.testing import Client, ServiceHarness
from billhook_crm.actions.import_customers import CUSTOMERS
from billhook_crm.models import Customer, GivenReference

pytestmark = pytest.mark.integration

Send = Callable[..., TestResponse]
Upload = Callable[..., str]
SAMPLE = Path(__file__).parents[1] / "data" / "customers"
COUNTS = ("state", "rows", "imported", "known", "failed")


@pytest.fixture
def upload(send: Send) -> Upload:
    """Uploads a file; returns the id of its import."""

    def post(client: Client, content: bytes | str, filename: str = "customers.csv") -> str:
        answer = send(client, content, filename)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    return post


def preview(client: Client, import_id: str) -> dict[str, Any]:
    answer = client.get(f"/imports/{import_id}/preview")
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[no-any-return]


def confirm(client: Client, import_id: str, *, skip_errors: bool = False) -> tuple[Any, ...]:
    answer = client.post(f"/imports/{import_id}/confirm", {"skip_errors": skip_errors})
    assert answer.status_code == 200, answer.text
    return tuple(answer.json[name] for name in COUNTS)


def read(client: Client, import_id: str) -> tuple[Any, ...]:
    answer = client.get(f"/imports/{import_id}").json
    return tuple(answer[name] for name in COUNTS)


def a_file(rows: int, first: int = 0) -> str:
    lines = [f"u{number},User {number},u{number}@example.org" for number in range(first, first + rows)]
    return "\r\n".join(["login,name,email", *lines]) + "\r\n"


def test_the_sample_list_imports_with_exactly_the_errors_it_documents(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    import_id = upload(client, (SAMPLE / "customers.csv").read_bytes())
    shown = preview(client, import_id)
    assert (shown["rows"], shown["new"], shown["known"], shown["failed"]) == (500, 485, 0, 15)
    assert shown["by_code"] == {
        "bad-email": 3, "duplicate": 2, "impossible-date": 2, "missing": 2, "formula-like-text": 2, "stray-quotes": 2,
        "wrong-column-count": 2,
    }  # fmt: skip
    assert [error["row"] for error in shown["errors"]] == [
        78, 80, 88, 96, 105, 159, 275, 280, 290, 299, 320, 356, 360, 448, 467,
    ]  # fmt: skip
    assert shown["errors"][0] == {
        "row": 78, "line": 80, "column": "email", "header": "E-mail", "code": "bad-email",
        "message": "The e-mail address has no @ sign", "value": "anja.schafer.example.com",
    }  # fmt: skip
    assert shown["unused"] == ["Plan", "Plan price", "VAT %", "Billing day", "Balance"]
    assert len(shown["sample"]) == 20
    refused = client.post(f"/imports/{import_id}/confirm", {})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/import-has-errors")
    assert "15 of 500" in refused.json["detail"]
    assert client.get("/customers/count").json["total"] == 0
    assert confirm(client, import_id, skip_errors=True) == ("imported", 500, 485, 0, 15)
    panel = client.get("/panels/customers").json
    assert panel["by_status"] == {"active": 411, "blocked": 35, "inactive": 29, "new": 10, "archived": 0}
    assert client.get("/customers/count", category="company").json["filtered"] == 80
    assert len(harness.published(CustomerCreated)) == 485


def test_the_sample_workbook_gives_the_same_customers(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    import_id = upload(client, (SAMPLE / "customers.xlsx").read_bytes(), "customers.xlsx")
    # Quotes cannot stray in a cell, and cells missing at the end of a row are blank: three rows less than in the CSV.
    assert confirm(client, import_id, skip_errors=True) == ("imported", 500, 488, 0, 12)
    again = upload(client, (SAMPLE / "customers.csv").read_bytes())
    assert confirm(client, again, skip_errors=True) == ("imported", 500, 0, 485, 15)


def test_a_row_is_stored_as_it_was_written(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    confirm(client, upload(client, (SAMPLE / "customers.csv").read_bytes()), skip_errors=True)
    found = client.get("/customers", q="juraj.simko").json["items"]
    (listed,) = [item for item in found if item["login"] == "juraj.simko"]
    one = client.get(f"/customers/{listed['id']}").json
    assert (one["name"], one["status"], one["created_on"], one["birth_date"]) == (
        "Juraj Šimko", "blocked", "2014-03-29", "1957-09-01",
    )  # fmt: skip
    assert one["gps"] == {"lat": 48.283088, "lon": 18.101403}
    assert one["address"] == {"street": "Štúrova 154", "city": "Nitra", "zip": "949 01", "country": "SK"}
    assert (one["contract_number"], one["phone"]) == ("10000074", "+421 555 268 685")
    assert one["number"] == one["payment_reference"]


def test_the_file_is_kept_as_it_came(harness: ServiceHarness, send: Send) -> None:
    content = (SAMPLE / "customers.csv").read_bytes()
    answer = send(harness.client(name="Eva"), content, "../secret/list\u202e.csv").json
    assert (answer["filename"], answer["size_bytes"], answer["uploaded_by"]) == ("list.csv", len(content), "Eva")
    assert answer["sha256"] == "a79b5248af035c6fef30f2dbc61cfa23a542e0847205c91b484338a619d78e87"
    assert answer["mapping"]["created_on"] == "Start date"
    assert answer["rows"] == 500
    with harness.session() as session:
        assert session.scalars(select(ImportContent.content)).one() == content


def test_a_mapping_is_changed_and_checked(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    import_id = upload(client, "who;mail;when\nEva;eva@example.org;02/03/2020\n")
    assert client.get(f"/imports/{import_id}").json["mapping"] == {"email": "mail"}
    assert client.get(f"/imports/{import_id}/preview").json["type"] == "/problems/mapping-wrong"
    path = f"/imports/{import_id}/mapping"
    bad = client.put(path, {"mapping": {"name": "nobody", "planet": "who", "email": "mail", "phone": "mail"}})
    assert bad.status_code == 422
    assert {error["pointer"] for error in bad.json["errors"]} == {"/mapping/name", "/mapping/planet", "/mapping/phone"}
    mapping = {"name": "who", "email": "mail", "created_on": "when"}
    for order, day in (("mdy", "2020-02-03"), ("dmy", "2020-03-02")):
        answer = client.put(path, {"mapping": mapping, "date_order": order})
        assert (answer.json["mapping"], answer.json["dialect"]["date_order"]) == (mapping, order)
        assert preview(client, import_id)["sample"][0]["customer"]["created_on"] == day
    assert confirm(client, import_id)[2] == 1
    assert client.put(path, {"mapping": mapping}).json["type"] == "/problems/import-confirmed"


def test_confirming_again_changes_nothing(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    import_id = upload(client, a_file(3))
    assert confirm(client, import_id) == confirm(client, import_id) == ("imported", 3, 3, 0, 0)
    assert len(harness.published(CustomerCreated)) == 3


def test_the_same_file_again_makes_nobody_twice(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    first, second = upload(client, a_file(3)), upload(client, a_file(3))
    assert [item["id"] for item in client.get(f"/imports/{second}").json["same_file"]] == [first]
    assert confirm(client, first) == ("imported", 3, 3, 0, 0)
    assert (preview(client, second)["new"], preview(client, second)["known"]) == (0, 3)
    assert confirm(client, second) == ("imported", 3, 0, 3, 0)
    assert len(harness.published(CustomerCreated)) == 3


def test_the_same_file_twice_at_once_has_one_effect(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    content = (SAMPLE / "customers.csv").read_bytes()
    ids = [upload(client, content) for _ in range(3)]
    answers: list[int] = []

    def run(import_id: str) -> None:
        answer = harness.client().post(f"/imports/{import_id}/confirm", {"skip_errors": True})
        answers.append(answer.status_code)

    threads = [threading.Thread(target=run, args=(import_id,)) for import_id in (*ids, ids[0])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    harness.run_jobs()
    assert answers == [200] * 4
    results = [read(client, import_id) for import_id in ids]
    assert sorted(result[2:] for result in results) == [(0, 485, 15), (0, 485, 15), (485, 0, 15)]
    assert client.get("/customers/count").json["total"] == len(harness.published(CustomerCreated)) == 485


def test_a_long_file_is_stored_in_chunks_by_the_job(
    harness: ServiceHarness, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 4)
    client = harness.client()
    import_id = upload(client, a_file(10))
    assert confirm(client, import_id) == ("importing", 10, 4, 0, 0)
    assert client.get("/customers/count").json["total"] == 4
    assert harness.run_jobs()
    assert read(client, import_id) == ("imported", 10, 10, 0, 0)
    assert not harness.run_jobs()
    numbers = [item["number"] for item in client.get("/customers", sort="created").json["items"]]
    assert len(set(numbers)) == 10
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(ImportRow)) == 0
        actions = session.scalars(select(audit_entry.c.action).order_by(audit_entry.c.id)).all()
    assert actions == ["customer_file_uploaded", "customer_import_confirmed", "customers_imported"]


def test_a_chunk_that_fails_leaves_nothing_half_done(
    harness: ServiceHarness, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 4)
    client = harness.client()
    import_id = upload(client, a_file(10))
    confirm(client, import_id)

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken, pytest.raises(RuntimeError), harness.session() as session:
        broken.setattr(store, "keep_failures", break_down)
        store.store_next_import(session, harness.clock, CUSTOMERS)
    assert read(client, import_id) == ("importing", 10, 4, 0, 0)
    assert client.get("/customers/count").json["total"] == len(harness.published(CustomerCreated)) == 4
    harness.run_jobs()
    assert read(client, import_id) == ("imported", 10, 10, 0, 0)
    assert len(harness.published(CustomerCreated)) == 10


def test_names_that_go_to_others_meanwhile_are_reported(
    harness: ServiceHarness, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 1)
    client = harness.client()
    import_id = upload(client, "login,name,variable symbol\na,A,1\nb,B,2\nc,C,3\nd,D,4\n")
    assert confirm(client, import_id) == ("importing", 4, 1, 0, 0)
    assert client.post("/customers", {"name": "Faster", "login": "B"}).status_code == 201
    assert client.post("/customers", {"name": "Faster", "payment_reference": "03"}).status_code == 201
    harness.run_jobs()
    assert read(client, import_id) == ("imported", 4, 2, 1, 1)
    failures = client.get(f"/imports/{import_id}/failures.csv").text
    assert failures.splitlines()[1] == '3,4,"Another customer has it, or had it",c,C,3'


def test_given_numbers_keep_clear_of_those_in_the_file(
    harness: ServiceHarness, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 2)
    client = harness.client()
    rows = ["a,,", "b,10000001,", "c,,", "10000004,,", "e,10000002,", "f,7,10000003"]
    import_id = upload(client, "login,customer number,reference,name\n" + "".join(f"{row},X\n" for row in rows))
    confirm(client, import_id)
    assert client.post("/customers", {"name": "Between"}).json["number"] == "10000006"
    harness.run_jobs()
    assert read(client, import_id) == ("imported", 6, 6, 0, 0)
    numbers = {item["login"]: item["number"] for item in client.get("/customers").json["items"]}
    assert numbers == {
        "a": "10000005", "b": "10000001", "10000006": "10000006", "c": "10000007", "10000004": "10000008",
        "e": "10000002", "f": "7",
    }  # fmt: skip
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(GivenReference)) == 8


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        (["a,7,,X", "b,007,,X"], {2: ["duplicate"]}),
        (["a,7,,X", "b,,7,X"], {2: ["duplicate"]}),
        (["a,,55-5,X", "b,555,,X"], {2: ["duplicate"]}),
        (["a,,,X", ",a,,X"], {2: ["duplicate"]}),
        (["a,--,,X"], {1: ["bad-reference"]}),
        (["a,,žš,X"], {1: ["bad-reference"]}),
        (["a,9,,X"], {1: ["taken"]}),
        (["a,,09,X"], {1: ["taken"]}),
        (["a,,99,X"], {1: ["taken"]}),
        (["ab,99,9,X"], {1: ["taken", "taken"]}),
        ([",THERE,,X"], {1: ["taken"]}),
    ],
)
def test_references_are_checked_within_the_file_and_against_customers(
    harness: ServiceHarness, upload: Upload, rows: list[str], codes: dict[int, list[str]]
) -> None:
    client = harness.client()
    client.post("/customers", {"name": "There", "login": "there", "number": "9", "payment_reference": "99"})
    import_id = upload(client, "\n".join(["login,customer number,reference,name", *rows]))
    found: dict[int, list[str]] = {}
    for error in preview(client, import_id)["errors"]:
        found.setdefault(error["row"], []).append(error["code"])
    assert found == codes


def test_rows_are_known_by_login_else_number_else_reference(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    file = "login,customer number,reference,name\na,1,,A\n,2,,B\n,,3,C\n,,,D\n"
    first = upload(client, file)
    assert preview(client, first)["nameless"] == 1
    confirm(client, first)
    again = preview(client, upload(client, file))
    assert (again["known"], again["new"], again["failed"]) == (3, 1, 0)


def test_too_many_addresses_for_one_customer_are_an_error(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    addresses = ";".join(f"a{number}@example.org" for number in range(40))
    shown = preview(client, upload(client, f'name,email\nEva,"{addresses}"\n'))
    assert shown["by_code"] == {"too-long": 1}


def test_failed_rows_come_back_as_a_file_that_can_be_mended(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    import_id = upload(client, (SAMPLE / "customers.csv").read_bytes())
    expected = client.get(f"/imports/{import_id}/failures.csv").data
    confirm(client, import_id, skip_errors=True)
    answer = client.get(f"/imports/{import_id}/failures.csv")
    assert answer.data == expected
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][:5] == ["Row", "Line", "Error", "Login", "Full name"]
    assert len(rows) == 16
    by_row = {row[0]: row for row in rows[1:]}
    assert by_row["78"][:4] == ["78", "80", "The e-mail address has no @ sign", "anja.schafer"]
    assert by_row["356"][4] == "'=1+1|' /C calc'!A0"
    assert by_row["105"][-1].startswith("'=HYPERLINK")
    assert len(by_row["275"]) == 3 + 18
    assert len(by_row["448"]) == 3 + 22
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    mended = answer.data.replace(b"anja.schafer.example.com", b"anja.schafer@example.com")
    again = upload(client, mended)
    assert confirm(client, again, skip_errors=True)[2] >= 1
    assert client.get("/customers", q="anja.schafer@example.com").json["items"][0]["phone"].startswith("+49")


def test_the_history_is_paged_newest_first(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    ids = [upload(client, a_file(1, first=number)) for number in range(3)]
    first = client.get("/imports", limit=2).json
    rest = client.get("/imports", limit=2, after=first["next"]).json
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


def test_a_customer_in_a_file_costs_no_request_of_its_own(harness: ServiceHarness, upload: Upload) -> None:
    client = harness.client()
    confirm(client, upload(client, a_file(2_500)))
    harness.run_jobs()
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 2_500
        assert session.scalars(select(FileImport.imported)).one() == 2_500


def test_an_unknown_import_is_not_found(harness: ServiceHarness) -> None:
    client, path = harness.client(), f"/imports/{uuid7()}"
    answers = (
        client.get(path),
        client.get(f"{path}/preview"),
        client.get(f"{path}/failures.csv"),
        client.put(f"{path}/mapping", {"mapping": {}}),
        client.post(f"{path}/confirm", {}),
    )
    assert [answer.status_code for answer in answers] == [404] * 5
