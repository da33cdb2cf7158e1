"""What a request pays for passing the gateway: the same request to the service itself is the yardstick."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server
from werkzeug.test import create_environ, run_wsgi_app

from billhook_common.auth import Identity
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import TEST_KEY
from billhook_gateway.backends import BackendRequest, Http, InProcess, connection_pool
from billhook_gateway.testing import BOOTSTRAP_KEY, Gate

pytestmark = pytest.mark.perf

ROUNDS = 150
CALLS_A_ROUND = 8


@pytest.fixture
def gate(harness: ServiceHarness, make_echo: Callable[..., Flask]) -> Iterator[tuple[Gate, dict[str, Any]]]:
    """The door with one service in this process and the same one over HTTP, and the two without the door."""
    near, far = (make_echo(harness.config.gateway_keys, name) for name in ("near", "far"))
    server = make_server("127.0.0.1", 0, far, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    pool = connection_pool()
    transport = Http("far", f"http://127.0.0.1:{server.server_port}", pool)
    item = Gate(harness, {"near": near}, transports={"far": transport})
    yield item, {"near": InProcess("near", near), "far": transport}
    item.close()
    pool.clear()
    server.shutdown()
    thread.join()
    server.server_close()


def test_hop(gate: tuple[Gate, dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    door, direct = gate
    cookie = door.browser("support").client.get_cookie("billhook")
    assert cookie is not None
    lines = []
    for name, transport in direct.items():
        token = TEST_KEY.sign(Identity("user:x", "X", frozenset({"*"})), name)
        request = BackendRequest(method="GET", path="/x", headers={"Authorization": f"Bearer {token}"})
        spent = _spent(
            {
                "direct": lambda transport=transport, request=request: transport.send(request).read(),
                "key": _through(door.app, f"/api/{name}/x", {"Authorization": f"Bearer {BOOTSTRAP_KEY}"}),
                "session": _through(door.app, f"/api/{name}/x", {"Cookie": f"billhook={cookie.value}"}),
            }
        )
        for kind in ("key", "session"):
            hop, yardstick = spent[kind] - spent["direct"], spent["direct"]
            lines.append(
                f"gateway hop {name} {kind}: {hop:.2f} ms CPU (direct {yardstick:.2f} ms, +{hop / yardstick:.1%})"
            )
    with capsys.disabled():
        print("", *lines, sep="\n")


def _through(app: Flask, path: str, headers: dict[str, str]) -> Callable[[], object]:
    def call() -> bytes:
        chunks, status, _ = run_wsgi_app(app, create_environ(path, "http://localhost", headers=headers))
        assert status == "200 OK"
        body = b"".join(chunks)
        chunks.close()  # type: ignore[attr-defined]
        return body

    return call


def _spent(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median CPU milliseconds of this process a call; the kinds take turns, so that a busy machine hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begun = time.process_time()
            for _ in range(CALLS_A_ROUND):
                call()
            times[name].append((time.process_time() - begun) / CALLS_A_ROUND * 1_000)
    return {name: statistics.median(values) for name, values in times.items()}
