"""The whole suite as one WSGI app: the gateway, which calls the services in its own process."""

from typing import cast
from wsgiref.types import WSGIApplication

from billhook import suite
from billhook.demo.calendar import clock_of
from billhook_gateway.app import GatewayService

_SERVICES = [suite.load(name) for name in suite.installed()]


def application() -> WSGIApplication:
    """The gateway with the services mounted; each reads its settings from the environment."""
    gateway = next(service for service in _SERVICES if service.name == suite.GATEWAY)
    config = gateway.read_config()
    clock = clock_of(config.zone)
    apps = {service.name: service.api(clock=clock) for service in _SERVICES if service is not gateway}
    return cast(GatewayService, gateway).front(config, apps, clock)
