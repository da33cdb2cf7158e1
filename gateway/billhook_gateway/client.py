"""How pages ask the services: JSON in and out, problems as exceptions, several panels at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO
from urllib.parse import urlencode

import msgspec
from urllib3.filepost import encode_multipart_formdata

from billhook_common.auth import Identity
from billhook_gateway.answers import ApiProblem, decoded
from billhook_gateway.backends import Backend, BackendRequest, BackendResponse, ServiceDown
from billhook_gateway.panels import Panel, Panels, Unavailable, Wanted

__all__ = ["ApiProblem", "ServiceClient", "ServiceDown", "Unavailable"]


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """The services as one caller sees them; ``headers`` travel with each request (request id, address)."""

    backend: Backend
    identity: Identity
    headers: Mapping[str, str]
    panels: Panels

    def get(self, service: str, path: str, **query: Any) -> Any:
        """The decoded answer of a GET; query values that are None are left out. Raises ApiProblem, ServiceDown."""
        return self._json(service, BackendRequest(method="GET", path=path, query=query_text(query)))

    def post(self, service: str, path: str, body: object = None, *, seen: str = "", key: str | None = None) -> Any:
        """POST ``body`` as JSON. ``key``: the Idempotency-Key, which commands that move money must bring.

        A form carries its key in a hidden field, so that pressing twice, or reloading, has one effect.
        """
        return self._json(service, self._command("POST", path, body, key, seen))

    def put(self, service: str, path: str, body: object = None, *, seen: str = "", key: str | None = None) -> Any:
        """PUT ``body`` as JSON. ``seen``: the version that the form was made from, for If-Match."""
        return self._json(service, self._command("PUT", path, body, key, seen))

    def patch(self, service: str, path: str, body: object = None, *, seen: str = "", key: str | None = None) -> Any:
        """PATCH with ``body`` as JSON. ``seen``: the version that the form was made from, for If-Match."""
        return self._json(service, self._command("PATCH", path, body, key, seen))

    def delete(self, service: str, path: str, *, key: str | None = None) -> Any:
        """DELETE."""
        return self._json(service, self._command("DELETE", path, None, key))

    def upload(
        self, service: str, path: str, fields: Mapping[str, str], file: tuple[str, BinaryIO], *, key: str | None = None
    ) -> Any:
        """POST a file (its name and content) as the form field ``file``, with other fields, as a browser would."""
        name, content = file
        body, content_type = encode_multipart_formdata({**fields, "file": (name, content.read())})
        return self._json(service, self._request("POST", path, body, content_type, key))

    def open(self, service: str, path: str, **query: Any) -> BackendResponse:
        """The answer of a GET as it came, for files to pass on; close it. Raises ServiceDown."""
        return self._call(service, BackendRequest(method="GET", path=path, query=query_text(query)))

    def gather(self, **wanted: tuple[str, str] | tuple[str, str, Mapping[str, Any]]) -> dict[str, Panel]:
        """Several GETs at once, two seconds each: ``gather(open=("tickets", "/panels/tickets"))``.

        Each is ``(service, path)`` or ``(service, path, query)``. Under each name stands the decoded answer, or
        Unavailable with the reason and the last good answer: one service down is its panels only.
        """
        return self.panels.gather(
            f"{self.identity.subject} {self.identity.scope.claims()}",
            {name: _wanted(*what) for name, what in wanted.items()},
            self._json,
        )

    def _command(self, method: str, path: str, body: object, key: str | None, seen: str = "") -> BackendRequest:
        encoded = msgspec.json.encode(body) if body is not None else b""
        request = self._request(method, path, encoded, "application/json" if body is not None else "", key)
        return replace(request, headers={**request.headers, "If-Match": f'"{seen}"'}) if seen else request

    def _request(self, method: str, path: str, body: bytes, content_type: str, key: str | None) -> BackendRequest:
        headers = {"Content-Type": content_type} if content_type else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        return BackendRequest(method=method, path=path, headers=headers, body=body)

    def _json(self, service: str, request: BackendRequest) -> Any:
        return decoded(service, self._call(service, request))

    def _call(self, service: str, request: BackendRequest) -> BackendResponse:
        headers = {"Accept": "application/json", **self.headers, **request.headers}
        return self.backend.call(service, replace(request, headers=headers), self.identity)


def query_text(query: Mapping[str, Any]) -> str:
    """Query values as they stand in a URL: None is left out, true and false are lower case, lists repeat the name."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if item is not None:
                pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return urlencode(pairs)


def _wanted(service: str, path: str, query: Mapping[str, Any] | None = None) -> Wanted:
    return Wanted(service, path, query_text(query or {}))
