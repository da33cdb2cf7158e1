"""The door: recognises who comes, checks the right that each route names, and hands the visitor in.

Pages and the proxy never touch a database: they ask services, the gateway's own resources like any other's. The door
itself needs short transactions of its own: to find a session, to sign somebody in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString, cast
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Flask, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from billhook_common import problems
from billhook_common.auth import check, policy_of
from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_common.errors import BillhookError, Forbidden, Unauthenticated
from billhook_common.scope import EVERYTHING
from billhook_common.settings import latest_value
from billhook_common.trace import Trace, onward_traceparent, tracing
from billhook_gateway.answers import ApiProblem
from billhook_gateway.authentication import Authenticator, check_csrf
from billhook_gateway.backends import Backend
from billhook_gateway.caller import NOBODY, Caller
from billhook_gateway.client import ServiceClient
from billhook_gateway.config import GatewayConfig
from billhook_gateway.decided import demanding_roles
from billhook_gateway.lookups import Lookups
from billhook_gateway.panels import Panels
from billhook_gateway.sealing import Sealer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ErrorPage = Callable[[Mapping[str, Any]], ResponseReturnValue]
"""Makes a page of a problem+json document, which names the ``service`` if one is to blame; ``request`` failed."""

CodesPage = Callable[[Sequence[str], str], str]
"""Makes the page that shows recovery codes once, with where to go on from there."""

API_PREFIX = "/api/"
SIGN_IN = "/sign-in"
SIGN_IN_CODE = "/sign-in/code"
TWO_FACTOR = "/two-factor"
STEPS = {"code": SIGN_IN_CODE, "enrol": TWO_FACTOR}
"""Where a half session becomes a whole one."""


_DEMANDING: LiteralString = f"SELECT {latest_value('two_factor_roles')} AS roles"

_NAME: LiteralString = """
    SELECT name FROM (
        SELECT 'user:' || id AS subject, name FROM "user"
        UNION ALL SELECT 'key:' || prefix, name FROM api_key
        UNION ALL VALUES ('key:bootstrap', 'Bootstrap key')
    ) AS known WHERE subject = %(subject)s
"""


class SecondFactorMissing(Forbidden):
    """The password alone opens nothing."""

    title = "A second factor is needed"


class Door(Flask):
    """Flask with the gateway's edge round every view; a view without a policy is refused."""

    def __init__(self, settings: GatewayConfig, clock: Clock, database: Database, backend: Backend) -> None:
        super().__init__("billhook_gateway", static_folder=None)
        self.settings = settings
        self.clock = clock
        self.database = database
        self.backend = backend
        self.panels = Panels(clock)
        self._lookups = Lookups(settings.database_url, settings.statement_timeout_ms)
        self.authenticator = Authenticator(settings, clock, database, self._lookups)
        self.sealer = Sealer(settings.sealing_key)
        self.error_page: ErrorPage | None = None
        self.codes_page: CodesPage | None = None
        self.register_error_handler(Exception, self.answer_error)

    def close(self) -> None:
        """Give threads and connections back; the database belongs to whoever made it."""
        self.panels.close()
        self._lookups.close()

    def company_name(self) -> str:
        """The operator's name, also for people who are not signed in; empty before it was ever saved."""
        row = self._lookups.one("SELECT name FROM company", {})
        return str(row["name"]) if row else ""

    def name_of(self, subject: str) -> str:
        """Who an audit row means: the name of a user or an API key; blank for anything else."""
        row = self._lookups.one(_NAME, {"subject": subject}) if subject else None
        return str(row["name"]) if row else ""

    def demanding_roles(self) -> frozenset[str]:
        """The roles that need a second factor."""
        row = self._lookups.one(_DEMANDING, {})
        return demanding_roles(row["roles"] if row else None, self.settings)

    def wsgi_app(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Where browsers come over https, redirects lead there, though a proxy before us ended the encryption."""
        if self.settings.https:
            environ["wsgi.url_scheme"] = "https"
        return super().wsgi_app(environ, start_response)

    def dispatch_request(self) -> ResponseReturnValue:
        """Who is it, may they, did they mean it; then the view."""
        rule = request.url_rule
        if request.routing_exception is not None or rule is None:
            return super().dispatch_request()
        policy = policy_of(self.view_functions[rule.endpoint])
        if policy is None:
            raise Forbidden("This route names no right.")
        if policy.upload:
            request.max_content_length = self.settings.upload_limit_bytes
        self.authenticator.refuse_tricks(request)
        if policy.permission is not None:
            g.caller = self.authenticator.recognise(request)
        identity = caller().identity
        if not caller().step:
            # Pages and the proxy own no records: the services apply the caller's scope to theirs.
            check(identity and replace(identity, scope=EVERYTHING), policy)
        elif not policy.half:
            raise SecondFactorMissing("Send the code of your second factor first.")
        check_csrf(request, caller(), form=not _is_api())
        trace = Trace(
            correlation_id=g.request_id, actor=identity.subject if identity else "anyone", ip=request.remote_addr
        )
        with tracing(trace):
            return super().dispatch_request()

    def answer_error(self, error: Exception) -> ResponseReturnValue:
        """A problem for programs; for people a page, or the way to sign in."""
        answer = _problem(error)
        if _is_api() or not _wants_page():
            return answer
        if isinstance(error, SecondFactorMissing):
            return _ask_to(STEPS[caller().step])
        if isinstance(error, Unauthenticated):
            return _ask_to(SIGN_IN)
        if self.error_page is None:
            return answer
        problem = msgspec.json.decode(answer.get_data()) | {"service": getattr(error, "service", "")}
        page = self.make_response(self.error_page(problem))
        page.status_code = answer.status_code
        if "Retry-After" in answer.headers:
            page.headers["Retry-After"] = answer.headers["Retry-After"]
        return page


def door() -> Door:
    """The app that answers this request."""
    return cast(Door, current_app)


def caller() -> Caller:
    """Who makes this request; NOBODY on public routes."""
    present: Caller = g.get("caller", NOBODY)
    return present


def services() -> ServiceClient:
    """The services, asked in the caller's name. Raises Unauthenticated on public routes."""
    client: ServiceClient | None = g.get("services")
    if client is None:
        identity = caller().identity
        if identity is None:
            raise Unauthenticated
        client = g.services = ServiceClient(door().backend, identity, onward_headers(), door().panels)
    return client


def onward_headers() -> dict[str, str]:
    """What every call to a service says of the request behind it."""
    return {
        "X-Request-Id": g.request_id,
        "traceparent": onward_traceparent(g.request_id, request.headers.get("traceparent", "")),
        "X-Forwarded-For": request.remote_addr or "",
    }


def own_path(wanted: str) -> str:
    """``wanted`` when it leads to a page of ours, else ``/``: a sign-in link must not lead elsewhere."""
    parts = urlsplit(wanted)
    plain = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if plain and not parts.scheme and not parts.netloc else "/"


def _problem(error: Exception) -> Response:
    if isinstance(error, BillhookError):
        return problems.from_error(error)
    if isinstance(error, ApiProblem):
        body = msgspec.json.encode(error.problem)
        return Response(body, status=error.status, content_type="application/problem+json")
    if isinstance(error, HTTPException):
        return problems.from_http_exception(error)
    return problems.from_exception(error)


def _ask_to(page: str) -> Response:
    # A fragment that finds the session over must take the whole page to the sign-in, not show it inside.
    if "HX-Request" in request.headers:
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = f"{here.path or '/'}{'?' if here.query else ''}{here.query}"
        target = f"{page}?{urlencode({'next': own_path(back)})}"
        return Response(status=401, headers={"HX-Redirect": target})
    back = request.full_path.removesuffix("?") if request.method == "GET" else "/"
    target = page if back == "/" else f"{page}?{urlencode({'next': back})}"
    return cast(Response, redirect(target, 303))


def _is_api() -> bool:
    return request.path.startswith(API_PREFIX)


def _wants_page() -> bool:
    return "HX-Request" in request.headers or "text/html" in request.headers.get("Accept", "")
