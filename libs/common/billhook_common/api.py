"""The HTTP edge of a service: one request is one transaction, every route names its right."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import flask_smorest
import structlog
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from billhook_common import answers, migrate, problems
from billhook_common.auth import Identity, Policy, check, key_set, policy_of, public, verify_token
from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.db import AnyRow, Database
from billhook_common.errors import BillhookError, FieldError, Forbidden, Invalid
from billhook_common.faults import crash_point
from billhook_common.fields import DecimalString, MoneyField, MoneySchema, PageSchema, PeriodSchema, ProblemSchema
from billhook_common.jobs import Job
from billhook_common.logs import get_logger
from billhook_common.metrics import REQUEST_SECONDS, REQUESTS, exposition
from billhook_common.openapi import describe
from billhook_common.paging import decimal_text, json_response, page_of
from billhook_common.settings.declared import Setting
from billhook_common.trace import Trace, request_id, tracing

__all__ = [
    "AnyRow", "Blueprint", "DecimalString", "MoneyField", "MoneySchema", "PageSchema", "PeriodSchema",
    "ServiceApp", "ctx", "decimal_text", "json_response", "page_of",
]  # fmt: skip

_COMMANDS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = _COMMANDS | {"GET", "HEAD", "OPTIONS"}


log = get_logger()
F = TypeVar("F", bound=Callable[..., Any])


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """One resource; a view is a function decorated with route, requires, arguments and response, in that order."""

    def route(self, rule: str, *, methods: Sequence[str]) -> Callable[[F], F]:
        """The path below the resource, and its methods."""
        return cast(Callable[[F], F], super().route(rule, methods=list(methods)))

    def arguments(self, schema: type[Schema], *, location: str = "json", **options: Any) -> Callable[[F], F]:
        """What the body (or query, or files) must look like; handed to the view as a dict.

        A parameter of the query that the schema does not know is refused by its name, never ignored.
        """
        if location != "query":
            return cast(Callable[[F], F], super().arguments(schema, location=location, **options))
        decorate = super().arguments(schema, location=location, unknown=RAISE, **options)

        def mark(view: F) -> F:
            view = decorate(view)
            view.billhook_query = True  # type: ignore[attr-defined]  # read by _refuse_query
            return view

        return mark

    def response(self, status: int, schema: type[Schema] | None = None, **options: Any) -> Callable[[F], F]:
        """What the answer looks like; a view that returns a Response is only documented by it."""
        return cast(Callable[[F], F], super().response(status, schema, **options))


@dataclass
class _RequestState:
    session: Session
    clock: Clock
    config: ServiceConfig
    identity: Identity


class _Ctx:
    """What views hand to actions: the request's session, clock, identity and configuration."""

    @property
    def session(self) -> Session:
        """The request's transaction; the edge commits it when the answer is below 400."""
        return self._state.session

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self._state.clock

    @property
    def config(self) -> Any:
        """The service's own configuration."""
        return self._state.config

    @property
    def identity(self) -> Identity:
        """Who calls."""
        return self._state.identity

    @property
    def _state(self) -> _RequestState:
        state: _RequestState = g.billhook
        return state


ctx = _Ctx()
_ANYONE = Identity(subject="", name="", permissions=frozenset())


class _Refused(Exception):
    """Carries an error answer out of the transaction, which is rolled back."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an app is built with."""

    name: str
    config: ServiceConfig
    clock: Clock
    database: Database
    migrations: Path
    settings: tuple[Setting[Any], ...] = ()
    jobs: tuple[Job, ...] = ()
    version: str = ""


class ServiceApp(Flask):
    """Flask with this suite's edge around every view."""

    runtime: Runtime

    def dispatch_request(self) -> ResponseReturnValue:
        """Check the right, open the transaction, honour the Idempotency-Key, commit."""
        rule = request.url_rule
        if request.routing_exception is not None or rule is None:
            return super().dispatch_request()
        view = self.view_functions[rule.endpoint]
        policy = policy_of(view)
        if policy is None:
            raise Forbidden("This route names no right.")
        if policy.upload:
            request.max_content_length = self.runtime.config.upload_limit_bytes
        identity = self._identity()
        check(identity, policy)
        if policy.permission is not None and not hasattr(view, "billhook_query"):
            _refuse_query()
        with tracing(self._trace(identity)):
            try:
                return self._in_transaction(policy, identity or _ANYONE)
            except _Refused as refused:
                return refused.response

    def _in_transaction(self, policy: Policy, identity: Identity) -> Response:
        runtime = self.runtime
        key = None if policy.secret else answers.key_of(request)
        if policy.key and key is None:
            raise answers.IdempotencyKeyMissing("This command moves money; the key makes it safe to repeat.")
        claim = answers.Claim(identity.subject, key, answers.request_hash(request)) if key else None
        try:
            with runtime.database.transaction() as session:
                g.billhook = _RequestState(session, runtime.clock, runtime.config, identity)
                if claim:
                    stored = answers.begin(session, runtime.clock, claim)
                    if stored is not None:
                        return stored
                response: Response = self.make_response(super().dispatch_request())
                if response.status_code >= 400:
                    raise _Refused(response)
                if claim:
                    answers.finish(session, claim, response)
            if claim:
                crash_point("after_answer_commit")
            return response
        except BillhookError as error:
            if claim:
                body = problems.from_error(error).get_data()
                answers.keep_refusal(runtime.database, runtime.clock, claim, error, body)
            raise

    def _identity(self) -> Identity | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        return verify_token(token, self.runtime.name, key_set(self.runtime.config.gateway_keys))

    def _trace(self, identity: Identity | None) -> Trace:
        return Trace(
            correlation_id=g.request_id,
            source_key=request.headers.get("Idempotency-Key"),
            actor=identity.subject if identity else "anyone",
            ip=request.headers.get("X-Forwarded-For", request.remote_addr or "").split(",")[0].strip() or None,
        )


def _refuse_query() -> None:
    """A route without parameters takes none, so that a misspelt one is not ignored; raises Invalid."""
    unknown = [FieldError(f"/{name}", "There is no such parameter here.") for name in request.args]
    if unknown:
        raise Invalid(errors=unknown)


def build_app(runtime: Runtime, blueprints: list[flask_smorest.Blueprint], title: str, version: str) -> ServiceApp:
    """A service's WSGI app with its resources, documentation, health and metrics."""
    # Given its folder, Flask does not look for a module named like the service, which a checkout's folder would be.
    app = ServiceApp(runtime.name, static_folder=None, root_path=str(runtime.migrations.parent))
    app.runtime = runtime
    app.config.update(
        API_TITLE=title,
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
        MAX_CONTENT_LENGTH=runtime.config.body_limit_bytes,
        MAX_FORM_PARTS=50,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    _install_errors(app)
    install_requests(app, runtime.name)
    api = _Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    _install_health(app, api)
    return app


class _Api(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest with problems instead of its own error shape."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.register_field(DecimalString, "string", "decimal")
        self.register_field(MoneyField, "object", None)
        self.init_app(app)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """RFC 9457."""
        return problems.from_http_exception(error)


def _install_errors(app: Flask) -> None:
    app.register_error_handler(BillhookError, problems.from_error)
    app.register_error_handler(Exception, _any_error)


def _any_error(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return problems.from_http_exception(error)
    return problems.from_exception(error)


def install_requests(app: Flask, name: str) -> None:
    """Request ids, headers that every answer has, and measurements under the service's ``name``."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        headers = request.headers
        g.request_id = request_id(headers.get("X-Request-Id", ""), headers.get("traceparent", ""))
        g.log_tokens = structlog.contextvars.bind_contextvars(service=name, correlation_id=g.request_id)

    @app.teardown_request
    def forget(error: BaseException | None) -> None:
        structlog.contextvars.reset_contextvars(**g.pop("log_tokens", {}))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(name, method, route, response.status_code).inc()
        seconds = time.perf_counter() - g.started
        REQUEST_SECONDS.labels(name, route).observe(seconds)
        if method in _COMMANDS:
            log.info("command_answered", method=method, route=route, status=response.status_code,
                     milliseconds=round(seconds * 1000, 1))  # fmt: skip
        return response


def _install_health(app: ServiceApp, api: flask_smorest.Api) -> None:
    @app.get("/livez")
    @public
    def livez() -> Response:
        return json_response({"status": "ok"})

    @app.get("/readyz")
    @public
    def readyz() -> Response:
        ctx.session.execute(text("SET LOCAL statement_timeout = 1000"))
        ctx.session.execute(text("SELECT 1"))
        current = migrate.is_current(app.runtime.migrations, app.runtime.database.engine)
        return json_response({"status": "ok" if current else "migrate"}, 200 if current else 503)

    @app.get("/metrics")
    @public
    def metrics() -> Response:
        return Response(exposition(), content_type=CONTENT_TYPE_LATEST)

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        return json_response(describe(api.spec.to_dict(), app))
