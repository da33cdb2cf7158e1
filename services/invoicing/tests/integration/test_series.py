"""Number series: what may be changed, what stays gapless, and how a gap would be seen."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text

from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry
from billhook_common.testing import ServiceHarness
from billhook_invoicing.actions.verify import audit_documents, verify_documents

pytestmark = pytest.mark.integration

Desk = Any


def the_series(harness: ServiceHarness) -> dict[str, Any]:
    (series,) = harness.client().get("/series").json["items"]
    return series  # type: ignore[no-any-return]


def change(harness: ServiceHarness, **changes: Any) -> Any:
    series = the_series(harness)
    return harness.client().patch(f"/series/{series['id']}", changes, seen=series["version"])


def audit(harness: ServiceHarness) -> dict[str, Any]:
    return harness.client().get(f"/series/{the_series(harness)['id']}/audit").json  # type: ignore[no-any-return]


def test_a_series_says_what_comes_next(harness: ServiceHarness, desk: Desk) -> None:
    series = the_series(harness)
    assert {name: series[name] for name in ("kind", "pattern", "reset", "next", "next_number", "last_issued_on")} == {
        "kind": "invoice", "pattern": "INV-{year}-{next|6}", "reset": "year", "next": 1,
        "next_number": "INV-2026-000001", "last_issued_on": None,
    }  # fmt: skip
    desk.charged()
    series = the_series(harness)
    assert (series["next"], series["next_number"]) == (2, "INV-2026-000002")
    assert series["last_issued_on"] == "2026-11-24"
    assert harness.client().get(f"/series/{series['id']}").json == series


def test_numbers_go_on_where_another_program_stopped(harness: ServiceHarness, desk: Desk) -> None:
    answer = change(harness, pattern="{year}01{next|6}", next=409)
    assert answer.status_code == 200, answer.text
    assert answer.json["next_number"] == "202601000409"
    assert change(harness, next=408).status_code == 200
    desk.charged()
    desk.charged()
    assert desk.numbers() == ["202601000408", "202601000409"]
    refused = change(harness, next=500)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/numbers-were-given")
    assert change(harness, next=410).status_code == 200
    harness.clock.set(dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC))
    desk.charged()
    assert desk.numbers()[-1] == "202701000001"
    assert audit(harness)["gapless"] is True


def test_a_new_pattern_is_for_the_documents_to_come(harness: ServiceHarness, desk: Desk) -> None:
    first = desk.charged()
    assert change(harness, pattern="{year}{month}-{next|4}", reset="month").json["next_number"] == "202611-0001"
    desk.charged()
    harness.clock.set(dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC))
    desk.charged()
    assert desk.numbers() == ["INV-2026-000001", "202611-0001", "202612-0001"]
    assert desk.invoice(first)["number"] == "INV-2026-000001"
    assert audit(harness)["gapless"] is True
    with harness.session() as session:
        rows = session.execute(select(audit_entry.c.action, audit_entry.c.before, audit_entry.c.after)).all()
    assert [tuple(row) for row in rows] == [
        (
            "series_changed",
            {"pattern": "INV-{year}-{next|6}", "reset": "year", "next": 2},
            {"pattern": "{year}{month}-{next|4}", "reset": "month", "next": 1},
        )
    ]


def test_a_pattern_that_would_repeat_a_number_is_refused(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    change(harness, pattern="OTHER-{year}-{month}-{next|6}", reset="month")
    refused = change(harness, pattern="INV-{year}-{next|6}", reset="never")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/number-is-taken")
    assert the_series(harness)["pattern"] == "OTHER-{year}-{month}-{next|6}"


BAD_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"pattern": "{year}"}, "/pattern"),
    ({"pattern": "{year}{rand_string|4}{next|6}"}, "/pattern"),
    ({"pattern": "{next|6}"}, "/pattern"),
    ({"pattern": "{year}-{customer_id}-{next}"}, "/pattern"),
    ({"pattern": "{year}{partner_id|2}{next|6}"}, "/pattern"),
    ({"pattern": ""}, "/pattern"),
    ({"pattern": "x" * 101}, "/pattern"),
    ({"reset": "month"}, "/pattern"),
    ({"reset": "week"}, "/reset"),
    ({"next": 0}, "/next"),
    ({"next": "5"}, "/next"),
    ({"next": 10**16}, "/next"),
    ({"kind": "invoice"}, "/kind"),
    ({"version": 1}, "/version"),
]


def test_a_bad_change_is_refused_by_name(harness: ServiceHarness) -> None:
    for changes, pointer in BAD_CHANGES:
        answer = change(harness, **changes)
        assert answer.status_code == 422, (changes, answer.text)
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer], changes
    assert the_series(harness)["version"] == 1


def test_a_number_that_would_be_too_long_is_refused(harness: ServiceHarness) -> None:
    answer = change(harness, pattern="A" * 40 + "{year}{next}")
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/number-too-long")


def test_a_change_of_what_somebody_else_changed_is_refused(harness: ServiceHarness) -> None:
    series = the_series(harness)
    change(harness, pattern="F{year}-{next|6}")
    answer = harness.client().patch(f"/series/{series['id']}", {"next": 5}, seen=series["version"])
    assert (answer.status_code, answer.json["type"]) == (412, "/problems/version-gone")


def test_a_series_that_is_not_there_cannot_be_changed(harness: ServiceHarness) -> None:
    assert harness.client().patch(f"/series/{uuid7()}", {}, seen=1).status_code == 404


def test_numbers_that_do_not_fit_set_the_charges_aside(harness: ServiceHarness, desk: Desk) -> None:
    assert change(harness, pattern="{year}{next|2}{month}", next=98).status_code == 200
    for _ in range(3):
        desk.charged()
    assert desk.numbers() == ["20269811", "20269911"]
    assert [event["fingerprint"].split()[0] for event in harness.unfinished()] == ["NumberTooLong"]
    assert (the_series(harness)["next"], the_series(harness)["next_number"]) == (100, None)
    change(harness, pattern="{year}{next|6}{month}")
    harness.retry()
    assert desk.numbers()[-1] == "202600010011"
    assert audit(harness)["gapless"] is True


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("DELETE FROM document WHERE counter = 2", "numbers_follow_one_another"),
        ("DELETE FROM document WHERE counter = 1", "numbers_follow_one_another"),
        ("DELETE FROM document WHERE counter = 3", "numbers_follow_one_another"),
        ("UPDATE counter SET next = 9", "numbers_follow_one_another"),
        ("UPDATE document SET counter = 7 WHERE counter = 3", "numbers_follow_one_another"),
        ("UPDATE document SET issued_on = issued_on - 1 WHERE counter = 2", "days_never_go_back"),
        ("UPDATE document SET net = net + 1, tax = tax - 1 WHERE counter = 2", "document_is_its_lines"),
        ("DELETE FROM document_line", "document_is_its_lines"),
        ("DELETE FROM open_item", "document_has_its_item"),
        ("UPDATE issued_day SET gross = gross + 1", "day_is_its_documents"),
        ("DELETE FROM issued_day", "day_is_its_documents"),
    ],
)
def test_damage_is_found(harness: ServiceHarness, desk: Desk, damage: str, rule: str) -> None:
    for _ in range(3):
        desk.charged()
    assert audit(harness) == {"checked_at": "2026-11-24T09:00:00Z", "gapless": True, "differences": []}
    with harness.session() as session:
        assert verify_documents(session) == []
    # As somebody with all rights on the database would do it.
    with harness.session() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(damage))
    with harness.session() as session:
        assert rule in {difference.rule for difference in verify_documents(session)}
    if rule in ("numbers_follow_one_another", "days_never_go_back"):
        assert audit(harness)["gapless"] is False
        assert {difference["rule"] for difference in audit(harness)["differences"]} == {rule}


def test_the_daily_audit_runs_and_says_nothing_of_good_books(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    assert harness.run_jobs(audit_documents.name) is False
