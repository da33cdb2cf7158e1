"""The wiring of the gateway: a service like the others, with the door in front of it."""

from collections.abc import Mapping
from typing import cast
from wsgiref.types import WSGIApplication

from flask import Flask

from billhook_common.clock import Clock, SystemClock
from billhook_common.config import ServiceConfig
from billhook_common.db import Database
from billhook_common.events.snapshots import Snapshot
from billhook_common.mail import mail_blueprint
from billhook_common.service import Service
from billhook_gateway.actions.company import company_as_it_is
from billhook_gateway.actions.users import ensure_first_administrator
from billhook_gateway.api import api_keys, company, roles, sessions, users
from billhook_gateway.backends import Backend, Http, InProcess, Transport, connection_pool
from billhook_gateway.config import GatewayConfig
from billhook_gateway.decided import SETTINGS
from billhook_gateway.handlers import handles
from billhook_gateway.jobs import forget_what_is_over, send_mail, send_reset_links
from billhook_gateway.models import Base
from billhook_gateway.signing import load_signing_key
from billhook_gateway.web import create_app


class GatewayService(Service):
    """The gateway's own resources (users, keys, company) are an ordinary service; the door stands in front."""

    def front(
        self, config: ServiceConfig, apps: Mapping[str, WSGIApplication] | None = None, clock: Clock | None = None
    ) -> Flask:
        """The door, with the other services at their URLs, or in this process when their ``apps`` are given.

        Makes the first administrator when a password is set.
        """
        settings = cast(GatewayConfig, config)
        clock = clock or SystemClock(settings.zone)
        database, pool = Database(settings, self.name), connection_pool()
        if settings.admin_password:
            with database.transaction() as session:
                ensure_first_administrator(session, clock, settings.admin_password, strict=settings.https)
        transports: dict[str, Transport] = {name: Http(name, url, pool) for name, url in settings.service_urls.items()}
        own = {self.name: self.api(settings, clock, database)}
        transports |= {name: InProcess(name, app) for name, app in {**(apps or {}), **own}.items()}
        backend = Backend(transports, load_signing_key(settings.signing_key), clock)
        return create_app(settings, clock, database, backend)


service = GatewayService(
    name="gateway",
    package="billhook_gateway",
    title="Billhook gateway",
    metadata=Base.metadata,
    blueprints=[
        users.blueprint,
        sessions.blueprint,
        api_keys.blueprint,
        roles.blueprint,
        company.blueprint,
        mail_blueprint("gateway:mail"),
    ],
    handlers=handles,
    snapshots=[Snapshot("company", company_as_it_is)],
    jobs=[forget_what_is_over, send_reset_links, send_mail],
    config=GatewayConfig,
    settings=SETTINGS,
)
main = service.main
