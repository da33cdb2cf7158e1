"""``/api/<service>/…``: what passes and what does not."""

import io
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, Response, request

from billhook_gateway.backends import BackendRequest, BackendResponse, ServiceDown
from billhook_gateway.testing import BOOTSTRAP_KEY, Gate

pytestmark = pytest.mark.integration


class Down:
    """A service that is not there."""

    def send(self, request: BackendRequest) -> BackendResponse:
        raise ServiceDown("gone")


def test_a_request_reaches_its_service_with_the_callers_rights_and_nothing_else(gate: Gate) -> None:
    browser = gate.browser("cashier")
    sent = {
        "Accept-Language": "cs",
        "If-Match": '"3"',
        "Idempotency-Key": "k1",
        "X-Forwarded-For": "6.6.6.6",
        "X-Real-Ip": "6.6.6.6",
        "X-User": "admin",
        "Connection": "X-User",
        "Transfer-Encoding": "",
        "Content-Type": "application/json",
        "X-Request-Id": "click-0001",
    }
    answer = browser.client.patch(
        "/api/echo/customers/7?limit=5&q=%C5%BDi%C5%BEka%0d%0aX:1", data=b'{"a": 1}',
        headers={**sent, "X-CSRF-Token": browser.csrf_token},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    seen = answer.json
    assert (seen["method"], seen["path"]) == ("PATCH", "/customers/7")
    assert (seen["query"], seen["body"]) == ("limit=5&q=%C5%BDi%C5%BEka%0d%0aX:1", '{"a": 1}')
    assert seen["subject"].startswith("user:")
    assert "payments:write" in seen["permissions"]
    headers = seen["headers"]
    assert headers.pop("Authorization").startswith("Bearer ey")
    assert headers.pop("Traceparent").startswith("00-")
    assert headers == {
        "Accept-Language": "cs",
        "Content-Length": "8",
        "Content-Type": "application/json",
        "Host": "echo",
        "Idempotency-Key": "k1",
        "If-Match": '"3"',
        "X-Forwarded-For": "127.0.0.1",
        "X-Request-Id": "click-0001",
    }
    assert answer.headers["X-Request-Id"] == "click-0001"


def test_the_key_that_came_is_not_the_token_that_goes_on(gate: Gate) -> None:
    seen = gate.machine().get("/api/echo/x").json
    assert BOOTSTRAP_KEY not in str(seen)
    assert seen["subject"] == "key:bootstrap"


def test_an_answer_comes_back_with_its_own_headers_and_no_others(gate: Gate) -> None:
    answer = gate.machine().post("/api/echo/status/422")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.headers["Location"] == "/api/echo/things/1"
    assert answer.headers["Retry-After"] == "7"
    assert "Set-Cookie" not in answer.headers
    assert "Server-Secret" not in answer.headers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 301, 400, 404, 409, 412, 413, 429, 500, 501])
def test_every_status_passes_through(gate: Gate, status: int) -> None:
    assert gate.machine().post(f"/api/echo/status/{status}").status_code == status


def test_a_service_that_does_not_trust_the_gateway_is_down_not_the_caller_unknown(gate: Gate) -> None:
    answer = gate.machine().post("/api/echo/status/401")
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/service-down")
    assert "echo" in answer.json["detail"]


def test_nobody_is_handed_on(gate: Gate) -> None:
    assert gate.browser().get("/api/echo/things").status_code == 401


@pytest.mark.parametrize(
    "name", ["nothing", "gateway2", "echo%00", "ECHO", "%2e%2e", "localhost:5432", "echo@evil.example"]
)
def test_an_unknown_service_is_not_found(gate: Gate, name: str) -> None:
    answer = gate.machine().get(f"/api/{name}/things")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/api/echo/../gateway/users",
        "/api/echo/..",
        "/api/echo/./x",
        "/api/echo/%2e%2e/gateway/users",
        "/api/echo/%2E%2E%2Fgateway",
        "/api/echo/a/..%2f..%2fgateway",
        "/api/echo/..\\gateway",
        "/api/echo/%5c..%5cgateway",
        "/api/echo/a%00b",
        "/api/echo/a%0d%0aX-Injected:%201",
        "/api/echo/%c0%ae%c0%ae/gateway",
        "/api/echo/%ff",
        "/api/echo/a%7f",
    ],
)
def test_a_path_with_a_double_meaning_is_not_found(gate: Gate, path: str) -> None:
    answer = gate.machine().get(path)
    assert answer.status_code == 404
    assert answer.json["type"] in {"/problems/no-such-path", "/problems/not-found"}
    assert "X-Injected" not in answer.headers


def test_double_slashes_stay_in_the_house(gate: Gate) -> None:
    answer = gate.machine().get("/api/echo//evil.example/x")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "http://localhost/api/echo/evil.example/x"


@pytest.mark.parametrize(
    "path", ["customers/Žižka 1", "a/%252e%252e/b", "a;b=c,d", "x/%", "a?b", "a+b", "~me", "a@b:c"]
)
def test_odd_but_honest_paths_arrive_as_they_were(gate: Gate, path: str) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    seen = gate.machine().get(f"/api/echo/{quote(path)}").json
    assert seen["path"] == f"/{path}"


def test_bodies_have_limits_and_uploads_larger_ones(harness: Any) -> None:
    sizes: list[int] = []
    with closing(Gate(harness, {"sink": _sink(sizes)}, body_limit_bytes=1_000, upload_limit_bytes=10_000)) as gate:
        machine = gate.machine()

        def send(size: int, content_type: str) -> int:
            return machine.send("POST", "/api/sink/x", data=b"x" * size, content_type=content_type).status_code

        assert [send(1_000, "application/json"), send(1_001, "application/json")] == [200, 413]
        assert [send(1_000, ""), send(1_001, "")] == [200, 413]
        assert [send(10_000, "text/csv"), send(10_001, "text/csv")] == [200, 413]
        assert sizes == [1_000, 1_000, 10_000]
        form = {"file": (io.BytesIO(b"a;b\n" * 2_000), "list.csv")}
        assert machine.send("POST", "/api/sink/x", data=form).status_code == 200
        assert sizes[-1] > 8_000


def test_a_body_of_unknown_length_is_refused_whole_instead_of_taken_in_half(gate: Gate) -> None:
    answer = gate.machine().send(
        "POST", "/api/echo/x", input_stream=io.BytesIO(b"x" * 2_000_000), content_type="text/csv",
        headers={"Transfer-Encoding": "chunked"}, environ_overrides={"wsgi.input_terminated": True},
    )  # fmt: skip
    assert (answer.status_code, answer.json["type"]) == (411, "/problems/length-missing")


def test_a_command_waits_for_an_event_that_is_on_its_way(harness: Any) -> None:
    tries: list[bytes] = []
    with closing(Gate(harness, {"late": _late(tries, arrives_at=4)})) as gate:
        answer = gate.machine().post("/api/late/x", {"n": 1}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, len(tries), set(tries)) == (200, 4, {b'{"n": 1}'})
        assert gate.slept == [0.05, 0.1, 0.2]


def test_it_does_not_wait_for_more_than_three_seconds(harness: Any) -> None:
    tries: list[bytes] = []
    with closing(Gate(harness, {"late": _late(tries, arrives_at=1_000)})) as gate:
        answer = gate.machine().post("/api/late/x", {"n": 1})
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-known-yet")
        assert answer.headers["Retry-After"] == "1"
        assert sum(gate.slept) == pytest.approx(3.0)


def test_other_conflicts_are_answered_at_once(gate: Gate) -> None:
    assert gate.machine().post("/api/echo/status/409").status_code == 409
    assert gate.slept == []


def test_a_large_upload_is_not_sent_twice(harness: Any) -> None:
    tries: list[bytes] = []
    with closing(Gate(harness, {"late": _late(tries, arrives_at=4)}, body_limit_bytes=1_000)) as gate:
        answer = gate.machine().send("POST", "/api/late/x", data=b"x" * 1_001, content_type="text/csv")
        assert (answer.status_code, len(tries)) == (409, 1)


def test_a_service_that_is_down_is_named_and_the_others_go_on(harness: Any) -> None:
    with closing(Gate(harness, transports={"gone": Down()})) as gate:
        answer = gate.machine().post("/api/gone/x")
        assert (answer.status_code, answer.json["type"]) == (503, "/problems/service-down")
        assert answer.json["detail"] == "gone is not answering."
        assert "Retry-After" in answer.headers
        assert gate.machine().get("/api/gateway/company").status_code == 200
        assert gate.backend.down() == {"gone": None}


def test_a_file_comes_through_in_pieces_and_with_its_name(harness: Any) -> None:
    app = Flask("files", static_folder=None)

    @app.get("/invoice.pdf")
    def invoice() -> Response:
        pieces = (b"%PDF" + b"x" * 10_000 for _ in range(10))
        headers = {"Content-Disposition": 'attachment; filename="invoice.pdf"', "ETag": '"1"'}
        return Response(pieces, content_type="application/pdf", headers=headers)

    with closing(Gate(harness, {"files": app})) as gate:
        answer = gate.machine().get("/api/files/invoice.pdf")
        assert len(answer.data) == 100_040
        assert answer.content_type == "application/pdf"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
        assert answer.headers["ETag"] == '"1"'
        head = gate.machine().send("HEAD", "/api/files/invoice.pdf")
        assert (head.status_code, head.data) == (200, b"")


def test_a_redirect_inside_a_service_stays_below_its_name(harness: Any) -> None:
    app = Flask("moved", static_folder=None)
    app.add_url_rule("/things/", "things", lambda: "here")
    with closing(Gate(harness, {"moved": app})) as gate:
        answer = gate.machine().get("/api/moved/things")
        assert (answer.status_code, answer.headers["Location"]) == (308, "/api/moved/things/")


def test_options_tell_the_methods_and_trace_is_none(gate: Gate) -> None:
    assert gate.machine().send("OPTIONS", "/api/echo/x").status_code == 200
    assert gate.machine().send("TRACE", "/api/echo/x").status_code == 405
    assert gate.machine().send("CONNECT", "/api/echo/x").status_code == 405


def _sink(sizes: list[int]) -> Flask:
    app = Flask("sink", static_folder=None)

    @app.post("/x")
    def swallow() -> dict[str, int]:
        sizes.append(len(request.get_data()))
        return {"size": sizes[-1]}

    return app


def _late(tries: list[bytes], arrives_at: int) -> Flask:
    app = Flask("late", static_folder=None)

    @app.post("/x")
    def command() -> Response:
        tries.append(request.get_data())
        if len(tries) < arrives_at:
            body = '{"type": "/problems/not-known-yet"}'
            return Response(body, 409, {"Retry-After": "1"}, content_type="application/problem+json")
        return Response("{}", content_type="application/json")

    return app
