"""Services over real sockets: the same answers as in one process, and what breaks on the way."""

import dataclasses
import io
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from flask import Flask
from werkzeug.serving import make_server

from billhook_common.auth import Identity
from billhook_common.testing.harness import TEST_KEY, ServiceHarness
from billhook_gateway.app import service as gateway
from billhook_gateway.backends import Backend, BackendRequest, Http, InProcess, ServiceDown, connection_pool
from billhook_gateway.config import GatewayConfig
from billhook_gateway.signing import create_signing_key
from billhook_gateway.testing import BOOTSTRAP_KEY, Gate

pytestmark = pytest.mark.integration
SOMEBODY = Identity("user:1", "Somebody", frozenset({"crm:read"}))


@pytest.fixture
def pool() -> Iterator[urllib3.PoolManager]:
    item = connection_pool()
    yield item
    item.clear()


@pytest.fixture
def echo_url(harness: ServiceHarness, make_echo: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_echo(harness.config.gateway_keys), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def far(harness: ServiceHarness, echo_url: str, pool: urllib3.PoolManager, make_echo: Any) -> Iterator[Gate]:
    near = {"near": make_echo(harness.config.gateway_keys, "near")}
    item = Gate(harness, near, transports={"echo": Http("echo", echo_url, pool)})
    yield item
    item.close()


def test_over_http_a_service_sees_what_it_would_see_in_one_process(far: Gate) -> None:
    for name in ("echo", "near"):
        answer = far.machine().send(
            "PUT", f"/api/{name}/customers/%C5%BDi%C5%BEka%201;v=2?q=%20a&b", data=b'{"a": 1}',
            content_type="application/json", headers={"Idempotency-Key": "k1"},
        )  # fmt: skip
        seen = answer.json
        assert (seen["path"], seen["query"], seen["body"]) == ("/customers/Žižka 1;v=2", "q=%20a&b", '{"a": 1}')
        assert seen["headers"]["Idempotency-Key"] == "k1"
        assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
        assert "Cookie" not in seen["headers"]


def test_answers_keep_status_and_headers(far: Gate) -> None:
    for name in ("echo", "near"):
        answer = far.machine().post(f"/api/{name}/status/422")
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
        assert answer.headers["Location"] == f"/api/{name}/things/1"
        assert answer.json == {"type": "/problems/made-up"}
        assert "Set-Cookie" not in answer.headers


def test_redirects_of_a_service_are_handed_back_not_followed(far: Gate) -> None:
    assert far.machine().post("/api/echo/status/302").status_code == 302


def test_a_large_upload_is_streamed_with_its_length(far: Gate) -> None:
    upload = {"data": io.BytesIO(b"x" * 1_500_000), "content_type": "text/csv"}
    answer = far.machine().send("POST", "/api/echo/import", **upload, headers={"Content-Length": "1500000"})
    assert answer.status_code == 200
    assert (len(answer.json["body"]), answer.json["headers"]["Content-Length"]) == (1_500_000, "1500000")


def test_a_service_that_is_not_there_is_down_and_comes_back(
    harness: ServiceHarness, pool: urllib3.PoolManager, make_echo: Any
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gate = Gate(harness, transports={"echo": Http("echo", f"http://127.0.0.1:{port}", pool)})
    answer = gate.machine().get("/api/echo/x")
    assert (answer.status_code, answer.json["detail"]) == (503, "echo is not answering.")
    assert gate.backend.down() == {"echo": None}
    server = make_server("127.0.0.1", port, make_echo(harness.config.gateway_keys), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    assert gate.machine().get("/api/echo/x").status_code == 200
    assert gate.backend.down() == {}
    server.shutdown()
    thread.join()
    server.server_close()
    pool.clear()
    assert gate.machine().get("/api/echo/x").status_code == 503
    assert gate.backend.down() == {"echo": gate.clock.now()}
    gate.close()


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("POST", 1)])
def test_a_connection_closed_underneath_is_replaced_for_reads_only(
    harness: ServiceHarness, pool: urllib3.PoolManager, method: str, connections: int
) -> None:
    with _silent_server(answer=b"") as (port, seen):
        backend = Backend({"mute": Http("mute", f"http://127.0.0.1:{port}", pool)}, TEST_KEY, harness.clock)
        with pytest.raises(ServiceDown):
            backend.call("mute", BackendRequest(method=method, path="/x"), SOMEBODY)
    assert len(seen) == connections


def test_a_service_that_says_nothing_is_given_up(harness: ServiceHarness, pool: urllib3.PoolManager) -> None:
    with _silent_server(answer=None) as (port, _seen):
        backend = Backend({"mute": Http("mute", f"http://127.0.0.1:{port}", pool)}, TEST_KEY, harness.clock)
        with pytest.raises(ServiceDown):
            backend.call("mute", BackendRequest(method="GET", path="/x", wait_seconds=0.05), SOMEBODY)


def test_the_front_is_wired_from_settings(harness: ServiceHarness, echo_url: str, tmp_path: Any) -> None:
    private, public = tmp_path / "key.json", tmp_path / "keys.json"
    create_signing_key(private, public)
    config = dataclasses.replace(
        harness.config, signing_key=str(private), gateway_keys=str(public), bootstrap_key=BOOTSTRAP_KEY,
        admin_password="a password that was set", crm_url=echo_url,
    )  # fmt: skip
    assert isinstance(config, GatewayConfig)
    app = gateway.front(config)
    assert app.backend.services == ["crm", "gateway"]
    client, key = app.test_client(), {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}
    users = client.get("/api/gateway/users", headers=key)
    assert [user["login"] for user in users.json["items"]] == ["admin"]
    # The other side knows another key set, so it refuses the token: named, and not taken for a missing sign-in.
    refused = client.get("/api/crm/x", headers=key)
    assert (refused.status_code, refused.json["type"]) == (503, "/problems/service-down")
    app.panels.close()
    app.database.close()


class _silent_server:
    """Accepts connections and answers nothing: closes them (``b""``), or keeps them open (None)."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._seen: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._seen.append(connection)
            connection.recv(65_536)
            if self._answer is not None:
                connection.close()

    def __enter__(self) -> tuple[int, list[socket.socket]]:
        self._thread.start()
        return self._listener.getsockname()[1], self._seen

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()
        for connection in self._seen:
            connection.close()


def test_in_one_process_and_over_http_are_the_same_protocol() -> None:
    app = Flask("x", static_folder=None)
    assert InProcess("x", app).send(BackendRequest(method="GET", path="/nowhere")).status == 404
