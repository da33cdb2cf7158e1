"""Settings: typed, versioned, audited, reset, for one partner alone."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billhook_common.config import ConfigError
from billhook_common.ids import uuid7
from billhook_common.settings import Amount, SomeOf, WholeNumber, YesNo, read_setting
from billhook_common.settings.declared import check_settings
from billhook_common.tables import audit_entry
from billhook_common.testing import ServiceHarness
from billhook_common.testing.sample import PACE

pytestmark = pytest.mark.integration

BY = {"name": "Petra"}


def put(harness: ServiceHarness, name: str, value: Any, version: int | str | None = 0, query: str = "") -> Any:
    headers = {} if version is None else {"If-Match": version if isinstance(version, str) else f'"{version}"'}
    return harness.client(**BY).put(f"/settings/{name}{query}", {"value": value}, headers=headers)


def test_every_setting_says_what_it_is(harness: ServiceHarness) -> None:
    items = harness.client("settings:read").get("/settings").json["items"]
    assert [(item["name"], item["type"], item["default"], item["value"]) for item in items] == [
        ("pace", "whole_number", 1, 1),
        ("ceiling", "amount", None, None),
        ("loud", "yes_no", False, False),
        ("colours", "some_of", [], []),
    ]
    assert items[0] == {
        "name": "pace", "title": "Pace", "doc": "How far a counter moves at once.", "type": "whole_number",
        "limits": {"least": 1, "most": 10, "unit": "steps"}, "default": 1, "value": 1, "is_default": True,
        "by_partner": True, "partners": [], "version": 0, "changed_at": None, "changed_by": "",
    }  # fmt: skip
    assert items[3]["limits"] == {"options": ["red", "green", "blue"]}


def test_a_decision_counts_at_once_and_says_who_made_it(harness: ServiceHarness) -> None:
    answer = put(harness, "pace", 7)
    assert (answer.status_code, answer.json["value"], answer.json["version"]) == (200, 7, 1)
    assert answer.headers["ETag"] == '"1"'
    read = harness.client().get("/settings/pace")
    assert (read.json["changed_by"], read.json["is_default"], read.headers["ETag"]) == ("Petra", False, '"1"')
    with harness.session() as session:
        assert read_setting(session, harness.config, PACE) == 7
        noted = session.execute(select(audit_entry).where(audit_entry.c.action == "setting_changed")).one()
    assert (noted.actor, noted.before, noted.after) == ("user:petra", {"pace": 1}, {"pace": 7})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("pace", [0, 11, "7", 7.0, True, None, 10**30, [], {}]),
        ("ceiling", [0, 5, "0", "0.00", "-1", "1e3", "1.005", "", "NaN", True, "9" * 13]),
        ("loud", [0, 1, "true", None]),
        ("colours", ["red", ["pink"], [1], None, {"red": True}]),
    ],
)
def test_a_value_of_the_wrong_type_or_out_of_range_is_refused(
    harness: ServiceHarness, name: str, values: list[Any]
) -> None:
    for value in values:
        answer = put(harness, name, value)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/value"), value
    missing = harness.client().put(f"/settings/{name}", {}, headers={"If-Match": '"0"'})
    assert (missing.status_code, missing.json["errors"][0]["pointer"]) == (422, "/value")
    assert harness.client().get(f"/settings/{name}").json["version"] == 0
    with harness.session() as session:
        assert session.execute(select(audit_entry)).all() == []


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [("ceiling", "500", "500.00"), ("loud", True, True), ("colours", ["blue", "red", "blue"], ["red", "blue"])],
)
def test_every_type_comes_back_as_it_is_written(harness: ServiceHarness, name: str, value: Any, kept: Any) -> None:
    assert put(harness, name, value).json["value"] == kept
    assert harness.client().get(f"/settings/{name}").json["value"] == kept


@pytest.mark.parametrize(
    ("setting", "decided", "kept"),
    [
        (WholeNumber(name="n", title="", doc="", default=3, least=1, most=5, unit=""), 9, 5),
        (WholeNumber(name="n", title="", doc="", default=3, least=1, most=5, unit=""), "many", 3),
        (SomeOf(name="s", title="", doc="", default=frozenset(), options=("a", "b")), ["b", "gone"], {"b"}),
    ],
)
def test_a_decision_beyond_the_limits_of_a_later_release_counts_as_far_as_it_may(
    harness: ServiceHarness, setting: Any, decided: Any, kept: Any
) -> None:
    assert setting.kept(decided, harness.config) == kept


def test_a_stale_decision_names_who_made_the_last_one(harness: ServiceHarness) -> None:
    put(harness, "pace", 3)
    harness.client(name="Somebody Else").post("/counters", {"name": "unrelated"})
    stale = put(harness, "pace", 4)
    assert (stale.status_code, stale.json["changed_by"], stale.json["version"]) == (412, "Petra", 1)


def test_who_has_not_seen_the_last_change_overwrites_nothing(harness: ServiceHarness) -> None:
    assert put(harness, "pace", 2).status_code == 200
    stale, blind, odd = put(harness, "pace", 3), put(harness, "pace", 3, None), put(harness, "pace", 3, 'W/"1"')
    assert [answer.status_code for answer in (stale, blind, odd)] == [412, 428, 400]
    assert (stale.json["type"], stale.json["version"]) == ("/problems/version-gone", 1)
    assert harness.client().get("/settings/pace").json["value"] == 2


def test_back_to_the_default_keeps_the_history(harness: ServiceHarness) -> None:
    put(harness, "pace", 2)
    put(harness, "pace", 9, 1)
    reset = harness.client(**BY).post("/settings/pace/reset", headers={"If-Match": '"2"'})
    assert (reset.json["value"], reset.json["is_default"], reset.json["version"]) == (1, True, 3)
    first = harness.client().get("/settings/pace/history", limit="2").json
    rest = harness.client().get("/settings/pace/history", after=first["next"]).json
    told = [(item["version"], item["value"], item["reset"], item["changed_by"]) for item in first["items"]]
    assert told == [(3, None, True, "Petra"), (2, 9, False, "Petra")]
    assert [item["version"] for item in rest["items"]] == [1]


def test_a_partner_may_have_a_value_of_its_own(harness: ServiceHarness) -> None:
    partner, other = uuid7(), uuid7()
    assert put(harness, "pace", 5, query=f"?partner_id={partner}").json["value"] == 5
    put(harness, "pace", 3)
    shown = harness.client().get("/settings/pace").json
    assert (shown["value"], shown["partners"]) == (3, [{"partner_id": str(partner), "value": 5, "version": 1}])
    with harness.session() as session:
        values = [read_setting(session, harness.config, PACE, partner_id=one) for one in (partner, other, None)]
    assert values == [5, 3, 3]
    reset = harness.client().post(f"/settings/pace/reset?partner_id={partner}", headers={"If-Match": '"1"'})
    assert (reset.json["value"], reset.json["default"]) == (3, 3)
    refused = put(harness, "loud", True, query=f"?partner_id={partner}")
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, "/partner_id")


def test_rights_and_names(harness: ServiceHarness) -> None:
    reader = harness.client("settings:read")
    assert reader.put("/settings/pace", {"value": 2}, headers={"If-Match": '"0"'}).status_code == 403
    assert harness.client("sample:write").get("/settings").status_code == 403
    assert harness.stranger().get("/settings").status_code == 401
    assert [reader.get(f"/settings/nothing{end}").status_code for end in ("", "/history")] == [404, 404]


@pytest.mark.parametrize("statement", ["UPDATE setting_change SET changed_by = 'x'", "DELETE FROM setting_change"])
def test_decisions_are_never_rewritten(harness: ServiceHarness, statement: str) -> None:
    put(harness, "pace", 2)
    with pytest.raises(DBAPIError, match="append-only"), harness.session() as session:
        session.execute(text(statement))


def test_a_default_from_the_environment_has_the_same_limits(harness: ServiceHarness) -> None:
    told: dict[str, Any] = {"name": "x", "title": "", "doc": "", "config_field": "log_format"}
    settings = {
        "77": WholeNumber(default=1, least=1, most=100, unit="", **told),
        "500.50": Amount(default=None, **told),
        "True": YesNo(default=False, **told),
        "red, blue": SomeOf(default=frozenset(), options=("red", "blue"), **told),
    }
    for given, setting in settings.items():
        config = type(harness.config)(log_format=given)
        assert setting.write(setting.default_in(config)) in (77, "500.50", True, ["red", "blue"])
        with pytest.raises(ConfigError, match="x: the default from the environment"):
            check_settings([setting], type(harness.config)(log_format="purple"))
