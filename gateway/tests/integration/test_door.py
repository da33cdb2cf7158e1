"""Headers on every answer, hosts, health, and doors that lead nowhere."""

from contextlib import closing
from typing import Any

import pytest
from flask import Flask, request

from billhook_common.auth import public, requires
from billhook_gateway.answers import ApiProblem
from billhook_gateway.security_headers import CONTENT_POLICY
from billhook_gateway.testing import ORIGIN, Gate

pytestmark = pytest.mark.integration


def test_every_answer_protects_the_browser(gate: Gate) -> None:
    browser = gate.browser("support")
    answers = [
        browser.get("/livez"),
        browser.get("/readyz"),
        browser.get("/metrics"),
        browser.get("/nowhere"),
        browser.get("/api/echo/x"),
        browser.get("/api/nothing/x"),
        browser.get("/api/gateway/users"),
        browser.post("/sign-in", {}),
        browser.post("/sign-out"),
        gate.browser().get("/api/echo/x"),
        gate.browser().get("/", headers={"Host": "evil.example"}),
    ]
    for answer in answers:
        headers = answer.headers
        assert headers["Content-Security-Policy"] == CONTENT_POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert len(headers.getlist("X-Request-Id")) == 1
        assert "Strict-Transport-Security" not in headers
        assert "Server" not in headers
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 200, 404, 403, 422, 204, 401, 400]


def test_the_policy_is_the_one_that_pages_are_made_for() -> None:
    assert CONTENT_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.2", "localhost@evil", "", "a b"])
def test_other_host_names_are_refused(gate: Gate, host: str) -> None:
    answer = gate.app.test_client().get("/livez", headers={"Host": host})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:8080"])
def test_the_machines_own_names_are_trusted(gate: Gate, host: str) -> None:
    assert gate.app.test_client().get("/livez", headers={"Host": host}).status_code == 200


def test_ready_means_that_the_gateways_own_database_answers(gate: Gate) -> None:
    assert gate.browser().get("/readyz").json == {"status": "ok"}
    with gate.harness.session() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    answer = gate.browser().get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "migrate"})


def test_request_ids_are_made_here_unless_they_are_plain(gate: Gate) -> None:
    for given, kept in (("click-0001", True), ("x", False), ("a b c d e f g h", False), ("x" * 65, False)):
        answer = gate.machine().get("/api/echo/x", headers={"X-Request-Id": given})
        assert (answer.headers["X-Request-Id"] == given) is kept
        assert answer.json["headers"]["X-Request-Id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("name", ["Cookie", "X-CSRF-Token", "Accept", "X-Request-Id", "Idempotency-Key", "User-Agent"])
def test_huge_headers_do_no_harm(gate: Gate, name: str) -> None:
    browser = gate.browser("support")
    answer = browser.get("/api/gateway/company", headers={name: "x" * 200_000})
    assert answer.status_code in {200, 400, 401}


def test_a_client_is_known_by_its_address_not_by_what_it_says(gate: Gate) -> None:
    seen = gate.machine().get("/api/echo/x", headers={"X-Forwarded-For": "6.6.6.6"}).json
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"


def test_behind_one_own_proxy_the_last_address_counts(harness: Any) -> None:
    with closing(Gate(harness, {"where": _where()}, trusted_proxies=1)) as gate:
        seen = gate.machine().get("/api/where/x", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"})
        assert seen.json == {"from": "192.0.2.7"}


def test_over_https_redirects_stay_there(harness: Any) -> None:
    gate = Gate(harness, https=True)
    assert gate.machine().get("/api//x").headers["Location"] == "https://localhost/api/x"
    gate.close()


def test_a_view_without_a_policy_is_refused(gate: Gate) -> None:
    gate.app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = gate.machine().get("/forgotten")
    assert (answer.status_code, "secret" in answer.text) == (403, False)


def test_people_get_pages_for_problems_and_programs_get_problems(gate: Gate) -> None:
    @requires("billing:run")
    def run() -> str:
        return "runs"

    @public
    def broken() -> str:
        raise ApiProblem(
            "billing", 409, {"type": "/problems/period-closed", "title": "The period is closed", "status": 409}
        )

    @public
    def defect() -> str:
        raise RuntimeError("a secret detail")

    for path, view in (("/run", run), ("/broken", broken), ("/defect", defect)):
        gate.app.add_url_rule(path, path, view)
    gate.app.error_page = lambda problem: f"<h1>{problem['title']}</h1> {problem.get('detail', '')} {problem['status']}"
    browser, html = gate.browser("support"), {"Accept": "text/html,*/*"}
    page = browser.get("/run", headers=html)
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "The right billing:run is missing." in page.text
    assert browser.get("/run").json["type"] == "/problems/forbidden"
    assert browser.get("/broken", headers=html).text.startswith("<h1>The period is closed</h1>")
    assert browser.get("/broken").json["type"] == "/problems/period-closed"
    assert browser.get("/nowhere", headers=html).text.startswith("<h1>Not Found</h1>")
    assert browser.get("/api/nothing/x", headers=html).content_type == "application/problem+json"
    for headers in (html, {}):
        answer = browser.get("/defect", headers=headers)
        assert answer.status_code == 500
        assert "a secret detail" not in answer.text
    asked = gate.browser().get("/run?month=2026-11", headers=html)
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?next=%2Frun%3Fmonth%3D2026-11")
    wrong = gate.browser().client.post(
        "/sign-in", data={"login": "x", "password": "y"}, headers={**html, "Origin": ORIGIN}
    )
    assert (wrong.status_code, wrong.mimetype) == (401, "text/html")


def _where() -> Flask:
    app = Flask("where", static_folder=None)
    app.add_url_rule("/x", "x", lambda: {"from": request.headers["X-Forwarded-For"]})
    return app


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"name":' * 50_000])
def test_json_nested_beyond_reason_is_refused(gate: Gate, body: bytes) -> None:
    answer = gate.machine().send("POST", "/api/gateway/api-keys", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/bad-request")
