"""The services behind the gateway: in this process, or over HTTP. One way to call them, one token a call.

A request passes exactly one service (ADR 1). In one process a service is called as a WSGI app, never through a socket
back into our own threads.
"""

import datetime as dt
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Protocol
from urllib.parse import quote

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, ProtocolError
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app

from billhook_common.auth import Identity, SigningKey
from billhook_common.clock import Clock
from billhook_common.errors import NotFound, Unavailable
from billhook_common.logs import get_logger

log = get_logger()

WAIT_SECONDS = 30.0
CONNECT_SECONDS = 1.0
"""Services are near; one that takes longer to say hello is not there."""
CONNECTIONS_A_SERVICE = 64
CHUNK_BYTES = 65_536
NOT_KNOWN_YET_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.45)
"""Three seconds in all; an event is usually there after the first pause (events.md, rule 10)."""
REMEMBER_FAILURE = dt.timedelta(seconds=30)

Body = bytes | IO[bytes]
_PLAIN = "/:@!$&'()*+,;=~"
"""Characters that need no percent-encoding in a path (RFC 3986)."""


class NoSuchService(NotFound):
    """No service of that name stands behind this gateway."""

    title = "There is no such service"


class ServiceDown(Unavailable):
    """The service does not answer; whatever it was asked is not known to have happened."""

    title = "A service is not answering"

    def __init__(self, service: str, detail: str = "") -> None:
        super().__init__(detail or f"{service} is not answering.")
        self.service = service


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRequest:
    """What is asked of a service: ``path`` begins with a slash and is not percent-encoded, ``query`` is raw.

    A body that is bytes can be sent again, a stream cannot.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = b""
    wait_seconds: float = WAIT_SECONDS


def _nothing() -> None:
    """There is no connection to give back."""


@dataclass(slots=True)
class BackendResponse:
    """What a service answered; ``chunks`` can be read once, ``close`` gives its connection back."""

    status: int
    headers: Headers
    chunks: Iterable[bytes]
    close: Callable[[], object] = _nothing

    def read(self) -> bytes:
        """The whole body, which can be read again."""
        try:
            body = b"".join(self.chunks)
        finally:
            self.close()
        self.chunks, self.close = [body], _nothing
        return body


class Transport(Protocol):
    """A way to one service; raises ServiceDown."""

    def send(self, request: BackendRequest) -> BackendResponse:
        """Hand the request over. ``Location`` comes back as a path of the service."""
        ...


class InProcess:
    """A service whose WSGI app lives in this process."""

    def __init__(self, name: str, app: Any) -> None:
        self._name = name
        self._app = app

    def send(self, request: BackendRequest) -> BackendResponse:
        """Call the app in this thread."""
        iterator, status, headers = run_wsgi_app(self._app, self._environ(request), buffered=False)
        _keep_own_location(headers, f"http://{self._name}")
        return BackendResponse(int(status[:3]), headers, iterator, getattr(iterator, "close", _nothing))

    def _environ(self, request: BackendRequest) -> dict[str, Any]:
        body = io.BytesIO(request.body) if isinstance(request.body, bytes) else request.body
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            # PEP 3333: the bytes of the path, each as one character.
            "PATH_INFO": request.path.encode().decode("latin-1"),
            "QUERY_STRING": request.query,
            "SERVER_NAME": self._name,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self._name,
            "REMOTE_ADDR": "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
        if isinstance(request.body, bytes):
            environ["CONTENT_LENGTH"] = str(len(request.body))
        return environ


class Http:
    """A service at a base URL; all services of a process share one pool of connections."""

    def __init__(self, name: str, base_url: str, pool: urllib3.PoolManager) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._pool = pool

    def send(self, request: BackendRequest) -> BackendResponse:
        """One request; a kept connection that turns out to be closed is replaced once, for reads only."""
        try:
            try:
                answer = self._open(request)
            except ProtocolError:
                if request.method not in {"GET", "HEAD"}:
                    raise
                answer = self._open(request)
        except HTTPError as error:
            log.warning("service_unreachable", target=self._name, error=type(error).__name__)
            raise ServiceDown(self._name) from error
        headers = Headers(answer.headers.items())
        _keep_own_location(headers, self._base_url)
        return BackendResponse(answer.status, headers, answer.stream(CHUNK_BYTES), answer.close)

    def _open(self, request: BackendRequest) -> urllib3.BaseHTTPResponse:
        query = f"?{request.query}" if request.query else ""
        return self._pool.request(
            request.method,
            f"{self._base_url}{quote(request.path, safe=_PLAIN)}{query}",
            body=request.body or None,
            headers=dict(request.headers),
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=request.wait_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )


def connection_pool() -> urllib3.PoolManager:
    """The process's connections to services; a proxy in the environment is not meant for them."""
    return urllib3.PoolManager(num_pools=16, maxsize=CONNECTIONS_A_SERVICE)


class Backend:
    """All services by name; signs a token for each call and waits for events that are on their way."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        key: SigningKey,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transports = dict(transports)
        self._key = key
        self._clock = clock
        self._sleep = sleep
        self._answered: dict[str, dt.datetime] = {}
        self._failed: dict[str, dt.datetime] = {}

    @property
    def services(self) -> Sequence[str]:
        """The names of all services, in alphabetical order."""
        return sorted(self._transports)

    def call(self, service: str, request: BackendRequest, identity: Identity | None) -> BackendResponse:
        """The service's answer, whatever its status. Without an identity only public routes answer.

        A command on a record whose event has not arrived there yet is repeated for three seconds, when its body can be.
        Raises NoSuchService, ServiceDown.
        """
        transport = self._transports.get(service)
        if transport is None:
            raise NoSuchService(f"There is no service named {service!r} here.")
        if identity is not None:
            token = self._key.sign(identity, service)
            request = replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})
        pauses = iter(NOT_KNOWN_YET_PAUSES if isinstance(request.body, bytes) else ())
        while True:
            answer = self._watched(service, transport, request)
            if answer.status != 409 or not _is_not_known_yet(answer):
                return answer
            pause = next(pauses, None)
            if pause is None:
                return answer
            self._sleep(pause)

    def down(self) -> dict[str, dt.datetime | None]:
        """Services that failed a moment ago and have not answered since, with the time of their last answer."""
        now = self._clock.now()
        return {
            service: self._answered.get(service)
            for service, failed in sorted(self._failed.items())
            if failed + REMEMBER_FAILURE > now and failed >= self._answered.get(service, failed)
        }

    def _watched(self, service: str, transport: Transport, request: BackendRequest) -> BackendResponse:
        try:
            answer = transport.send(request)
        except ServiceDown:
            self._failed[service] = self._clock.now()
            raise
        if answer.status == 401:
            answer.close()
            log.error("token_refused", target=service)
            raise ServiceDown(service, f"{service} does not accept the tokens of this gateway.")
        if answer.status == 503:
            self._failed[service] = self._clock.now()
        else:
            self._failed.pop(service, None)
            self._answered[service] = self._clock.now()
        return answer


def _is_not_known_yet(answer: BackendResponse) -> bool:
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return False
    try:
        problem = msgspec.json.decode(answer.read())
    except msgspec.DecodeError:
        return False
    return isinstance(problem, dict) and problem.get("type") == "/problems/not-known-yet"


def _keep_own_location(headers: Headers, base_url: str) -> None:
    """A redirect within the service becomes a path; where it leads outside, it stays."""
    location = headers.get("Location")
    if location is not None and location.startswith(f"{base_url}/"):
        headers["Location"] = location.removeprefix(base_url)
