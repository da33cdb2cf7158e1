"""Bank files come in: all or nothing, each line once, proven, and never a cent lost."""

import datetime as dt
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from billhook_common import migrate
from billhook_common.contracts.payments import EntryUnmatched, PaymentReceived, StatementImported
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_payments.actions import import_file
from billhook_payments.models import BankFile, Entry, Payment, Statement, StatementLine

pytestmark = pytest.mark.integration

DATA = Path(__file__).parents[1] / "data"


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def amounts(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["amount"]["amount"] for entry in entries]


def nothing_is_kept(harness: ServiceHarness) -> bool:
    with harness.session() as session:
        tables = (BankFile, Statement, Entry, StatementLine, Payment)
        return all(session.scalar(select(func.count()).select_from(table)) == 0 for table in tables)


def test_models_and_migrations_agree(harness: ServiceHarness, service: Service) -> None:
    migrate.check(service.migrations, harness.config.database_url, service.metadata)


def test_a_statement_is_kept_with_its_figures_and_told(world: Any) -> None:
    content = world.file(world.line("29.90", "thanks"), world.line("-7.00", "fee"), world.line("0.00", "notice"))
    answer = world.upload(content, "bank/november.xml")
    assert answer.status_code == 201, answer.text
    assert (answer.json["known"], answer.json["added"], answer.json["name"]) == (0, 3, "november.xml")
    statement = world.statement(answer.json["statements"][0]["id"])
    assert (statement["format"], statement["sequence"], statement["account"]) == (
        "camt.053",
        "1",
        "Savings Bank ••3000",
    )
    assert (statement["from"], statement["until"]) == ("2026-11-23", "2026-11-24")
    assert (statement["entries"], statement["credits"], statement["debits"]) == (3, eur("29.90"), eur("7.00"))
    assert (statement["opening"], statement["closing"], statement["proof"]) == (eur("100.00"), eur("122.90"), "proved")
    assert statement["warnings"] == []
    assert statement["files"][0]["uploaded_by"] == "Test"
    assert [(entry["position"], entry["state"], entry["reason"]) for entry in world.entries(statement)] == [
        (1, "queued", "Nothing in the payment names a customer"),
        (2, "information", "debit"),
        (3, "information", "zero"),
    ]
    (told,) = world.harness.published(StatementImported)
    assert (str(told.statement_id), told.account, told.entries, told.proof) == (
        statement["id"], world.iban, 3, "proved",
    )  # fmt: skip
    assert (told.period_from, told.period_until) == (dt.date(2026, 11, 23), dt.date(2026, 11, 24))


def test_the_file_is_given_back_byte_for_byte(world: Any) -> None:
    content = world.file(world.line("29.90"))
    statement = world.imported(content)
    answer = world.client.get(f"/statements/{statement['id']}/file")
    assert answer.data == content
    assert answer.headers["Content-Disposition"] == "attachment; filename=statement.xml"


def test_the_same_file_again_changes_nothing(world: Any) -> None:
    content = world.file(world.line("29.90"), world.line("12.00"))
    first, second = world.upload(content), world.upload(content, "again.xml")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json["created"] is False
    assert [one["id"] for one in second.json["statements"]] == [one["id"] for one in first.json["statements"]]
    assert len(world.walk("/statements")) == 1
    assert len(world.harness.published(EntryUnmatched)) == 2


def test_the_same_file_twice_at_once_is_one_import(world: Any) -> None:
    customer = world.customer()
    content = world.file(*[world.line(f"{n}.00", f"for {customer.payment_reference}") for n in range(1, 200)])
    statuses: list[int] = []

    def send() -> None:
        statuses.append(world.upload(content).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {201: 1, 200: 3}
    assert len(world.harness.published(PaymentReceived)) == 199
    assert len(world.harness.published(StatementImported)) == 1


def test_two_files_of_one_account_at_once_share_their_overlap(world: Any) -> None:
    common = [world.line(f"{n}.00", f"common {n}") for n in range(1, 60)]
    files = [world.file(*common, world.line("99.00", f"own {n}"), sequence=str(n)) for n in range(3)]
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda content=one: answers.append(world.upload(content))) for one in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 3
    assert sorted(answer.json["added"] for answer in answers) == [1, 1, 60]
    assert len(world.harness.published(EntryUnmatched)) == 62


def test_a_statement_that_stands_in_a_file_twice_is_one(world: Any) -> None:
    content = world.file(world.line("29.90", "a"), world.line("29.90", "a")).decode()
    head, rest = content.split("<Stmt>")
    body, tail = rest.split("</Stmt>")
    answer = world.upload(f"{head}<Stmt>{body}</Stmt><Stmt>{body}</Stmt>{tail}".encode())
    assert (answer.status_code, answer.json["known"], answer.json["added"]) == (201, 2, 2)
    (statement,) = answer.json["statements"]
    assert (statement["entries"], statement["credits"], statement["proof"]) == (2, eur("59.80"), "proved")
    assert len(world.harness.published(EntryUnmatched)) == 2


def test_two_equal_payments_on_one_day_are_two(world: Any) -> None:
    statement = world.imported(world.file(world.line("29.90", "Internet"), world.line("29.90", "Internet")))
    assert statement["queued"] == {"count": 2, "sum": eur("59.80")}


def test_an_overlapping_export_adds_only_what_is_missing(world: Any) -> None:
    first, second, third = (world.line(f"{n}.00", f"payment {n}") for n in (1, 2, 3))
    world.imported(world.file(first, second, second, sequence="1"))
    answer = world.upload(world.file(second, second, third, first, sequence="2"))
    assert (answer.status_code, answer.json["known"], answer.json["added"]) == (201, 3, 1)
    overlapping = world.statement(answer.json["statements"][0]["id"])
    assert amounts(world.entries(overlapping)) == ["2.00", "2.00", "3.00", "1.00"]
    assert (overlapping["credits"], overlapping["queued"]) == (eur("8.00"), {"count": 4, "sum": eur("8.00")})
    assert [str(one.amount) for one in world.harness.published(EntryUnmatched)] == [
        "1.00 EUR", "2.00 EUR", "2.00 EUR", "3.00 EUR",
    ]  # fmt: skip


def test_a_statement_exported_again_gains_the_lines_it_lacked(world: Any) -> None:
    lines = [world.line("10.00", "a"), world.line("20.00", "b")]
    incomplete = world.imported(world.file(lines[0], opening="0.00", closing="30.00"))
    assert (incomplete["proof"], incomplete["gap"]) == ("gap", eur("20.00"))
    assert [warning["code"] for warning in incomplete["warnings"]] == ["balance_gap"]
    answer = world.upload(world.file(*lines, opening="0.00", closing="30.00"))
    assert (answer.json["known"], answer.json["added"]) == (1, 1)
    complete = world.statement(incomplete["id"])
    assert [one["id"] for one in answer.json["statements"]] == [incomplete["id"]]
    assert (complete["entries"], complete["credits"], complete["proof"]) == (2, eur("30.00"), "proved")
    assert (complete["gap"], complete["warnings"]) == (eur("0.00"), [])
    assert [(file["known"], file["added"]) for file in complete["files"]] == [(0, 1), (1, 1)]
    assert amounts(world.entries(complete)) == ["10.00", "20.00"]


def test_other_white_space_is_the_same_statement(world: Any) -> None:
    content = world.file(world.line("10.00", "a"))
    world.imported(content)
    answer = world.upload(content.replace(b"<Ntry>", b"<Ntry>\n  "))
    assert (answer.status_code, answer.json["known"], answer.json["added"]) == (201, 1, 0)
    assert len(world.walk("/statements")) == 1


def test_a_missing_statement_is_noticed_until_it_comes(world: Any) -> None:
    def of(day: int, opening: str, closing: str) -> dict[str, Any]:
        amount = str(Decimal(closing) - Decimal(opening))
        on = dt.date(2026, 11, day)
        return dict(world.imported(
            world.file(world.line(amount, on=on), opening=opening, sequence=str(day), on=on)
        ))  # fmt: skip

    assert of(20, "0.00", "10.00")["warnings"] == []
    later = of(22, "15.00", "20.00")
    assert [warning["code"] for warning in later["warnings"]] == ["chain_gap"]
    assert "10.00 on 2026-11-20" in later["warnings"][0]["message"]
    assert of(21, "10.00", "15.00")["warnings"] == []
    assert world.statement(later["id"])["warnings"] == []


def test_an_unknown_account_is_named_and_nothing_is_imported(empty_world: Any) -> None:
    answer = empty_world.upload(empty_world.file(empty_world.line("29.90")))
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/unknown-account")
    assert empty_world.iban in answer.json["detail"]
    assert nothing_is_kept(empty_world.harness)
    empty_world.account()
    assert empty_world.upload(empty_world.file(empty_world.line("29.90"))).status_code == 201


def test_one_unknown_account_of_two_stops_the_whole_file(empty_world: Any) -> None:
    empty_world.account("NL26 VAYB 8060 4768 90")
    content = (DATA / "camt053/v2-two-statements.xml").read_bytes()
    first, last = content.find(b"NL26VAYB8060476890"), content.rfind(b"NL26VAYB8060476890")
    assert first != last
    other = content[:last] + empty_world.iban[:18].encode() + content[last + 18 :]
    answer = empty_world.upload(other)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/unknown-account")
    assert nothing_is_kept(empty_world.harness)


def test_a_file_of_another_account_than_asked_for_is_refused(world: Any) -> None:
    other = world.account("CZ6508000000192000145399")
    answer = world.upload(world.file(world.line("1.00")), account_id=other["id"])
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/other-account")
    mine = world.walk("/bank-accounts")[0]
    assert world.upload(world.file(world.line("1.00")), account_id=mine["id"]).status_code == 201


def test_an_account_is_known_by_its_national_number_too(world: Any) -> None:
    content = world.file(world.line("1.00")).replace(world.iban.encode(), world.iban[4:].encode())
    assert world.upload(content).status_code == 201


def test_announcements_are_shown_and_posted_only_when_a_statement_confirms_them(world: Any) -> None:
    customer = world.customer()
    line = world.line("29.90", f"for {customer.payment_reference}")
    report = world.imported(world.file(line, kind="Rpt", sequence="r1"))
    assert (report["format"], report["kind"], report["counts"]["pending"]) == ("camt.052", "report", 1)
    assert world.harness.published(PaymentReceived) == world.harness.published(StatementImported) == []
    statement = world.imported(world.file(line, sequence="2"))
    assert statement["counts"]["processed"] == 1
    assert world.statement(report["id"])["counts"]["processed"] == 1
    notification = world.imported(world.file(line, kind="Ntfctn", sequence="n1"))
    assert (notification["format"], notification["counts"]["processed"]) == ("camt.054", 1)
    assert len(world.harness.published(PaymentReceived)) == 1
    with world.harness.session() as session:
        assert session.scalar(select(func.count()).select_from(Entry)) == 1


def test_a_pending_line_of_a_statement_waits_until_it_is_booked(world: Any) -> None:
    pending = world.line("29.90", "a", status="PDNG")
    first = world.imported(world.file(pending, sequence="1"))
    assert (first["counts"]["pending"], first["credits"], first["proof"]) == (1, eur("0.00"), "proved")
    booked = world.line("29.90", "a")
    second = world.imported(world.file(booked, pending, booked, sequence="2"))
    assert (second["counts"]["queued"], second["counts"]["pending"]) == (2, 0)
    assert len(world.harness.published(EntryUnmatched)) == 2


def test_a_batch_becomes_the_payments_inside_it(world: Any) -> None:
    anna, jan = world.customer("Anna Nováková"), world.customer("Jan Dvořák")
    parts = [
        world.line("10.00", f"for {anna.payment_reference}", name="Anna Nováková"),
        world.line("20.00", f"for {jan.payment_reference}", name="Jan Dvořák"),
        world.line("5.00", "who knows"),
    ]
    statement = world.imported(world.file(world.line("35.00", details=parts)))
    assert (statement["entries"], statement["credits"]) == (1, eur("35.00"))
    assert statement["paired"] == {"count": 2, "sum": eur("30.00")}
    assert statement["queued"] == {"count": 1, "sum": eur("5.00")}
    assert [(one["position"], one["part"]) for one in world.entries(statement)] == [(1, 0), (1, 1), (1, 2)]
    received = world.harness.published(PaymentReceived)
    assert [(one.customer_id, str(one.amount)) for one in received] == [
        (anna.customer_id, "10.00 EUR"), (jan.customer_id, "20.00 EUR"),
    ]  # fmt: skip
    assert world.upload(world.file(world.line("35.00", details=parts), sequence="2")).json["added"] == 0


def test_money_that_came_back_and_other_currencies_are_queued_never_paired(world: Any) -> None:
    customer = world.customer()
    reference = f"for {customer.payment_reference}"
    statement = world.imported(
        world.file(world.line("29.90", reference, returned="AC04"), world.line("500.00", reference, currency="CZK"))
    )
    assert [entry["state"] for entry in world.entries(statement)] == ["queued", "queued"]
    assert (statement["credits"], statement["queued"]["sum"]) == (eur("29.90"), eur("29.90"))
    assert [str(one.amount) for one in world.harness.published(EntryUnmatched)] == ["29.90 EUR", "500.00 CZK"]
    assert world.harness.published(PaymentReceived) == []


def test_figures_are_those_of_the_lists_behind_them(world: Any) -> None:
    anna = world.customer()
    closed = world.customer("Jan Dvořák", lifecycle="archived")
    lines = [
        world.line("29.90", f"for {anna.payment_reference}"), world.line("11.00", f"for {closed.payment_reference}"),
        world.line("12.00", "a"), world.line("13.00", "b"), world.line("14.00", "c"), world.line("-5.00", "fee"),
    ]  # fmt: skip
    statement = world.imported(world.file(*lines))
    first, second, _ = world.entries(statement, state="queued")
    world.client.post(f"/entries/{first['id']}/accept", {"customer_id": str(anna.customer_id)})
    world.client.post(f"/entries/{second['id']}/ignore", {"reason": "x"})
    statement = world.statement(statement["id"])
    assert {state: number for state, number in statement["counts"].items() if number} == {
        "information": 1, "proposed": 1, "queued": 1, "processed": 1, "manually_paired": 1, "ignored": 1,
    }  # fmt: skip
    for state, number in statement["counts"].items():
        assert len(world.entries(statement, state=state, limit=1)) == number
    groups = {"paired": "matched", "queued": "to_check", "ignored": "ignored"}
    total = Decimal(0)
    for name, view in groups.items():
        listed = [Decimal(amount) for amount in amounts(world.entries(statement, state=view, limit=1))]
        assert statement[name] == {"count": len(listed), "sum": eur(str(sum(listed)))}
        total += sum(listed)
    assert eur(str(total)) == statement["credits"]
    (listed,) = world.walk("/statements")
    assert listed["counts"] == {name: statement["counts"][name] for name in ("auto", "proposed", "queued")}


def test_with_review_first_nothing_is_posted_until_somebody_says_so(empty_world: Any) -> None:
    world = empty_world
    world.account(review_first=True)
    customer = world.customer()
    lines = [world.line("29.90", f"for {customer.payment_reference}"), world.line("5.00", "a"), world.line("6.00", "b")]
    statement = world.imported(world.file(*lines))
    assert statement["to_post"] == {"count": 1, "sum": eur("29.90")}
    assert (statement["counts"]["auto"], statement["posted_at"]) == (1, None)
    ignored = world.entries(statement, state="queued")[1]
    assert world.client.post(f"/entries/{ignored['id']}/ignore", {"reason": "own transfer"}).status_code == 200
    assert world.harness.published(PaymentReceived) == world.harness.published(EntryUnmatched) == []
    posted = world.client.post(f"/statements/{statement['id']}/post").json
    assert (posted["to_post"]["count"], posted["counts"]["processed"]) == (0, 1)
    assert posted["posted_at"] is not None
    (payment,) = world.harness.published(PaymentReceived)
    assert (payment.customer_id, payment.from_suspense) == (customer.customer_id, None)
    assert sorted(str(one.amount) for one in world.harness.published(EntryUnmatched)) == ["5.00 EUR", "6.00 EUR"]
    assert world.client.post(f"/statements/{statement['id']}/post").status_code == 200
    assert len(world.harness.published(PaymentReceived)) == 1
    assert len(world.harness.published(EntryUnmatched)) == 2


def test_a_statement_in_another_currency_than_its_account_says_so(world: Any) -> None:
    koruna = world.imported(world.file(world.line("5.00", currency="CZK"), currency="CZK", sequence="1"))
    assert [warning["code"] for warning in koruna["warnings"]] == ["currency_mismatch"]
    five = {"amount": "5.00", "currency": "CZK"}
    assert (koruna["credits"], koruna["proof"], koruna["queued"]) == (five, "proved", {"count": 1, "sum": five})


def test_a_balance_that_its_currency_cannot_hold_is_refused(empty_world: Any) -> None:
    empty_world.account(currency="JPY")
    answer = empty_world.upload(empty_world.file(currency="JPY", opening="0.50", closing="0.50"))
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/bad-amount")
    assert nothing_is_kept(empty_world.harness)


def test_of_very_many_warnings_the_first_hundred_are_kept(world: Any) -> None:
    late = dt.date(2027, 11, 23)
    statement = world.imported(world.file(*[world.line("1.00", f"{n}", on=late) for n in range(120)]))
    assert len(statement["warnings"]) == 101
    assert statement["warnings"][0]["code"] == "future_booking_date"
    assert statement["warnings"][-1] == {"code": "more_warnings", "position": "", "message": "And 20 more"}


def test_statements_are_listed_by_account(world: Any) -> None:
    other = world.account("CZ6508000000192000145399")
    world.imported(world.file(world.line("1.00")))
    mine = world.imported(world.file(world.line("2.00"), account=other["iban"]))
    assert [one["id"] for one in world.walk("/statements", account_id=other["id"])] == [mine["id"]]
    assert len(world.walk("/statements", limit=1)) == 2


def test_a_file_waits_for_another_of_its_account_but_not_for_ever(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_file, "_WAIT_SECONDS", 0.1)
    (account,) = world.walk("/bank-accounts")
    with world.harness.session() as session:
        key = {"key": f"import {account['id']}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)
        answer = world.upload(world.file(world.line("1.00")))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/import-running")
    assert answer.headers["Retry-After"] == "5"
    assert nothing_is_kept(world.harness)


SAMPLES = {
    "camt053/v2-two-statements.xml": ("NL26VAYB8060476890", "EUR", 2, 2, "8.85", "7.00", ["proved", "proved"]),
    "camt054/v8.xml": ("CH2801234000123456789", "SEK", 1, 1, "0.00", "200000.00", ["no_balances"]),
    "camt052/v8.xml": ("CH2801234000123456789", "SEK", 1, 1, "0.00", "200000.00", ["no_balances"]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample_files_give_the_figures_of_their_readme(empty_world: Any, name: str) -> None:
    iban, currency, statements, entries, credits, debits, proofs = SAMPLES[name]
    empty_world.account(iban, currency=currency)
    answer = empty_world.upload((DATA / name).read_bytes())
    assert answer.status_code == 201, answer.text
    found = answer.json["statements"]
    assert (len(found), sum(one["entries"] for one in found)) == (statements, entries)
    assert sum(Decimal(one["credits"]["amount"]) for one in found) == Decimal(credits)
    assert sum(Decimal(one["debits"]["amount"]) for one in found) == Decimal(debits)
    assert [one["proof"] for one in found] == proofs
    assert {one["credits"]["currency"] for one in found} == {currency}
    assert sum(one["warnings_count"] for one in found) == (0 if name.startswith("camt053") else 2)


SAMPLE = (DATA / "camt053/v2-two-statements.xml").read_bytes()
DECLARATION, BODY = SAMPLE.split(b"\n", 1)
DEEP = b"<Document><BkToCstmrStmt>" + b"<a>" * 100_000
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty-file"),
    "blanks": (b"\xef\xbb\xbf\r\n \t", "empty-file"),
    "pdf": (b"%PDF-1.7\n" + bytes(range(256)), "unrecognised-format"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "unrecognised-format"),
    "web page": (b"<html><body>BkToCstmrStmt</body></html>", "unrecognised-format"),
    "json": (b'{"BkToCstmrStmt": 1}', "unrecognised-format"),
    "payment order": (b'<?xml version="1.0"?><Document><CstmrCdtTrfInitn/></Document>', "unrecognised-format"),
    "cut": (SAMPLE[: len(SAMPLE) // 2], "truncated"),
    "doctype": (DECLARATION + b"<!DOCTYPE Document>" + BODY, "xml-doctype-forbidden"),
    "external entity": (
        DECLARATION + b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BODY,
        "xml-doctype-forbidden",
    ),
    "too deep": (DECLARATION + DEEP, "too-deep"),
    "amount": (SAMPLE.replace(b">8.85<", b">8,85<"), "bad-amount"),
    "not a number": (SAMPLE.replace(b">8.85<", b">NaN<"), "bad-amount"),
    "parts of a cent": (SAMPLE.replace(b">8.85<", b">8.855<"), "bad-amount"),
    "date": (SAMPLE.replace(b"<BookgDt><Dt>2", b"<BookgDt><Dt>X").replace(b"<Dt>20", b"<Dt>99-"), "bad-date"),
    "currency": (SAMPLE.replace(b'Ccy="EUR"', b'Ccy="XYZ"'), "bad-value"),
    "no account": (SAMPLE.replace(b"NL26VAYB8060476890", b""), "missing-field"),
    "encoding": (SAMPLE.replace(b"Transaction Description 1", b"\xff\xfe\xff"), "bad-encoding"),
    "damaged": (SAMPLE.replace(b"</Acct>", b"</Accounts>", 1), "malformed"),
    "no statement": (
        b'<?xml version="1.0"?><Document><BkToCstmrStmt><GrpHdr/></BkToCstmrStmt></Document>', "missing-field",
    ),
}  # fmt: skip


def test_a_bad_file_is_refused_with_its_reason_and_leaves_nothing(empty_world: Any) -> None:
    empty_world.account("NL26VAYB8060476890")
    for name, (content, problem) in BAD_FILES.items():
        answer = empty_world.upload(content)
        assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{problem}"), (name, answer.text)
        assert answer.content_type == "application/problem+json"
        assert answer.json["errors"][0]["pointer"] == "/file"
        assert answer.json["detail"]
        assert nothing_is_kept(empty_world.harness), name


@pytest.mark.parametrize(("size", "problem"), [(50_000_001, "too-large"), (51_000_001, "request-entity-too-large")])
def test_a_file_that_is_too_large_is_refused(world: Any, size: int, problem: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.xml"\r\n\r\n'
    body = head + b"x" * size + b"\r\n--x--\r\n"
    answer = world.client.post("/statements", data=body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json["type"]) == (413, f"/problems/{problem}")
    assert nothing_is_kept(world.harness)


@pytest.mark.parametrize(
    "options",
    [
        {"data": {}, "content_type": "multipart/form-data"},
        {"data": {"file": "text, no file"}, "content_type": "multipart/form-data"},
        {"body": {"file": "x"}},
    ],
)
def test_a_request_without_a_file_is_refused(world: Any, options: dict[str, Any]) -> None:
    answer = world.client.post("/statements", options.pop("body", None), **options)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/file"]
