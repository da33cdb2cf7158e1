"""The demo's way in: the gateway's HTTP API with a key, like any program of the operator's."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from billhook_common.local import LocalError

CALL_SECONDS = 120
POLL_SECONDS = 0.2
_BOUNDARY = "billhook-demo-boundary"


class DemoFailed(LocalError):
    """Something refused what the demo asked for; says what."""


class Client:
    """Calls ``/api/…`` of the installation at ``url`` with an API key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def get(self, path: str, **query: object) -> Any:
        """GET, decoded."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object = None, *, key: str) -> Any:
        """POST JSON under an Idempotency-Key, so that a demo that was cut off goes on where it stood."""
        return self._call("POST", path, json.dumps(body or {}).encode(), {"Idempotency-Key": key})

    def put(self, path: str, body: object) -> Any:
        """PUT JSON, whatever is there: the demo is alone in its house."""
        return self._call("PUT", path, json.dumps(body).encode(), {"If-Match": "*"})

    def patch(self, path: str, body: object) -> Any:
        """PATCH with JSON."""
        return self._call("PATCH", path, json.dumps(body).encode())

    def upload(self, path: str, filename: str, content: bytes, *, key: str, **fields: str) -> Any:
        """POST a file as a browser does."""
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        disposition = f'Content-Disposition: form-data; name="file"; filename="{filename}"'
        head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
        body = b"".join(parts) + head.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        return self._call("POST", path, body, {"Idempotency-Key": key, "Content-Type": kind})

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        after: dict[str, object] = {}
        while True:
            page = self.get(path, **query, **after, limit=500)
            yield from page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def until(self, what: str, done: Callable[[], bool], seconds: float = 120) -> None:
        """Wait for something that other processes do. Raises DemoFailed."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise DemoFailed(f"the demo waited {seconds:.0f} s for {what} in vain; see the logs")
            time.sleep(POLL_SECONDS)

    def _call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own installation
            f"{self._url}/api{path}",
            data=body,
            method=method,
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:  # noqa: S310 - our own installation
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise DemoFailed(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from error
