"""The gateway under test: its resources alone (``harness``), or the whole door with a service behind it (``gate``)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request

from billhook_common.auth import KeySet, verify_token
from billhook_common.errors import BillhookError
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_gateway.app import service as gateway
from billhook_gateway.testing import Gate

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="session")
def service() -> Service:
    """The gateway's own service."""
    return gateway


@pytest.fixture
def gate(harness: ServiceHarness) -> Iterator[Gate]:
    """The door on a fresh database, with the service ``echo`` behind it."""
    item = Gate(harness, {"echo": _echo(harness.config.gateway_keys)})
    yield item
    item.close()


@pytest.fixture(scope="session")
def make_echo() -> Callable[..., Flask]:
    """Makes echo services: ``make_echo(key_file, name)``."""
    return _echo


def _echo(key_file: str, name: str = "echo") -> Flask:
    """A service that tells what it was asked: ``{method, path, query, headers, body, subject, permissions, scope}``."""
    app = Flask(name, static_folder=None)
    keys = KeySet(key_file)

    @app.route("/", defaults={"path": ""}, methods=ANY_METHOD)
    @app.route("/<path:path>", methods=ANY_METHOD)
    def echo(path: str) -> dict[str, Any]:
        identity = verify_token(request.headers["Authorization"].removeprefix("Bearer "), name, keys)
        return {
            "method": request.method,
            "path": request.path,
            "query": request.query_string.decode(),
            "headers": dict(request.headers),
            "body": request.get_data(as_text=True),
            "subject": identity.subject,
            "permissions": sorted(identity.permissions),
            "scope": identity.scope.claims(),
        }

    @app.errorhandler(BillhookError)
    def refuse(error: BillhookError) -> Response:
        return Response(status=error.status)

    @app.post("/status/<int:status>")
    def answer(status: int) -> Response:
        response = Response('{"type": "/problems/made-up"}', status=status, content_type="application/problem+json")
        response.headers["Location"] = "/things/1"
        response.headers["Retry-After"] = "7"
        response.headers["Set-Cookie"] = "sneaky=1"
        response.headers["Server-Secret"] = "x"
        return response

    return app
