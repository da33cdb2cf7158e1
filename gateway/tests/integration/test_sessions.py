"""What a session cookie is good for, and what not."""

import datetime as dt

import pytest

from billhook_gateway.testing import BOOTSTRAP_KEY, ORIGIN, Gate

pytestmark = pytest.mark.integration
HERE = "/api/gateway/company"
COMMAND = "/api/echo/things"


def test_a_session_ends_half_an_hour_after_the_last_click(gate: Gate) -> None:
    browser = gate.browser("support")
    for _ in range(5):
        gate.clock.advance(dt.timedelta(minutes=29))
        assert browser.get(HERE).status_code == 200
    gate.clock.advance(dt.timedelta(minutes=30))
    assert browser.get(HERE).status_code == 401


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(gate: Gate) -> None:
    browser = gate.browser()
    for _ in range(2):
        gate.clock.advance(dt.timedelta(minutes=12))
        browser.get(HERE, headers={"X-Billhook-Unattended": "1"})
    gate.clock.advance(dt.timedelta(minutes=12))
    assert browser.get(HERE).status_code == 401


def test_an_administrator_decides_how_long_a_session_waits(gate: Gate) -> None:
    browser = gate.browser("support")
    body, headers = {"value": 45}, {"If-Match": '"0"'}
    assert (
        gate.machine().send("PUT", "/api/gateway/settings/session_idle_minutes", body, headers=headers).status_code
        == 200
    )
    gate.clock.advance(dt.timedelta(minutes=44))
    assert browser.get(HERE).status_code == 200
    gate.clock.advance(dt.timedelta(minutes=45))
    assert browser.get(HERE).status_code == 401


def test_a_session_ends_after_twelve_hours_however_busy(gate: Gate) -> None:
    browser = gate.browser("support")
    for _ in range(35):
        gate.clock.advance(dt.timedelta(minutes=20))
        assert browser.get(HERE).status_code == 200
    gate.clock.advance(dt.timedelta(minutes=20))
    assert browser.get(HERE).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "é" * 43, "'; DROP TABLE session; --", "A" * 4_000])
def test_a_made_up_cookie_is_nobody(gate: Gate, token: str) -> None:
    answer = gate.app.test_client(use_cookies=False).get(HERE, headers={"Cookie": f"billhook={token}"})
    assert answer.status_code == 401


def test_a_command_needs_the_token_of_its_own_session(gate: Gate) -> None:
    browser, other = gate.browser("support"), gate.browser("finance")
    for token in ("", "x", "A" * 43, other.csrf_token, browser.csrf_token + "x", "\u017e"):
        headers = {"X-CSRF-Token": token.encode().decode("latin-1"), "Origin": ORIGIN}
        answer = browser.client.post(COMMAND, json={}, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/csrf-token-wrong"), token
    assert browser.client.post(COMMAND, json={}).status_code == 403
    assert browser.client.post(COMMAND, json={}, headers={"X-CSRF-Token": browser.csrf_token}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_changing_method_needs_the_token(gate: Gate, method: str) -> None:
    browser = gate.browser("support")
    assert browser.client.open(COMMAND, method=method).status_code == 403
    assert browser.send(method, COMMAND, {}).status_code == 200


def test_a_form_may_bring_the_token_as_a_field_but_the_api_reads_only_the_header(gate: Gate) -> None:
    browser = gate.browser("support")
    assert browser.client.post(COMMAND, data={"csrf_token": browser.csrf_token}).status_code == 403
    assert browser.client.post("/sign-out", data={"csrf_token": "wrong"}).status_code == 403
    assert browser.client.post("/sign-out", data={"csrf_token": browser.csrf_token}).status_code == 303


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_method_cannot_be_disguised(gate: Gate, override: str) -> None:
    browser = gate.browser("support")
    assert browser.client.post(COMMAND, json={}, headers={override: "GET"}).status_code == 403
    read = browser.get(f"{COMMAND}?_method=DELETE", headers={override: "DELETE"}).json
    assert read["method"] == "GET"
    assert override not in read["headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost@evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_a_cookie_counts_for_nothing_on_another_sites_request(gate: Gate, headers: dict[str, str]) -> None:
    browser = gate.browser("support")
    for method in ("GET", "POST"):
        sent = {**headers, "X-CSRF-Token": browser.csrf_token}
        answer = browser.client.open(COMMAND, method=method, headers=sent)
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/foreign-origin")
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_link_on_another_site_may_lead_here_but_a_form_there_may_not_send(gate: Gate) -> None:
    browser = gate.browser("support")
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert browser.client.get(HERE, headers=elsewhere).status_code == 200
    sent = {**elsewhere, "X-CSRF-Token": browser.csrf_token}
    assert browser.client.post(COMMAND, headers=sent).status_code == 403


def test_a_key_needs_no_token_and_wins_over_a_cookie(gate: Gate) -> None:
    browser = gate.browser("support")
    headers = {"Authorization": f"Bearer {BOOTSTRAP_KEY}", "Origin": "https://evil.example"}
    assert browser.client.post(COMMAND, json={}, headers=headers).json["subject"] == "key:bootstrap"
    wrong = browser.client.get(HERE, headers={"Authorization": "Bearer not-the-key-of-the-first-hour"})
    assert wrong.status_code == 401


def test_own_sessions_are_listed_and_ended(gate: Gate) -> None:
    browser, other = gate.browser("support"), gate.browser()
    other.sign_in("support")
    stranger = gate.browser("finance")
    items = browser.get("/api/gateway/sessions").json["items"]
    assert len(items) == 2
    assert {item["ip"] for item in items} == {"127.0.0.1"}
    newest = items[0]["id"]
    assert stranger.post(f"/api/gateway/sessions/{newest}/end").status_code == 404
    assert browser.post(f"/api/gateway/sessions/{newest}/end").status_code == 204
    assert other.get(HERE).status_code == 401
    assert browser.get(HERE).status_code == 200


def test_a_person_without_a_session_is_led_to_the_sign_in_and_back(gate: Gate) -> None:
    page = gate.browser().get("/password", headers={"Accept": "text/html"})
    assert page.status_code == 405
    left = gate.browser().client.post("/sign-out", headers={"Accept": "text/html"})
    assert (left.status_code, left.headers["Location"]) == (303, "/sign-in")
    fragment = gate.browser().client.post(
        "/sign-out", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/customers?after=x"}
    )
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/sign-in?next=%2Fcustomers%3Fafter%3Dx")
