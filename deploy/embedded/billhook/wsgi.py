"""The whole suite as one WSGI app: the gateway, which calls the services in its own process."""

from typing import cast
from wsgiref.types import WSGIApplication

from billhook import suite
from billhook_gateway.app import GatewayService

_SERVICES = [suite.load(name) for name in suite.installed()]


def application() -> WSGIApplication:
    """The gateway with the services mounted; each reads its settings from the environment."""
    apps = {service.name: service.api() for service in _SERVICES if service.name != suite.GATEWAY}
    gateway = next(service for service in _SERVICES if service.name == suite.GATEWAY)
    return cast(GatewayService, gateway).front(gateway.read_config(), apps)
