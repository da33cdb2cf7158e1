"""What the gateway serves: sign-in, the services' APIs below ``/api``, health, and the pages."""

from werkzeug.middleware.proxy_fix import ProxyFix

from billhook_common.api import install_requests
from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_gateway import account, hashing, health, openapi, operations, proxy, recovery, two_factor
from billhook_gateway.backends import Backend
from billhook_gateway.compression import install_compression
from billhook_gateway.config import GatewayConfig
from billhook_gateway.door import Door
from billhook_gateway.security_headers import install_security_headers
from billhook_gateway.ui.pages import install_views

FORM_PARTS = 50


def create_app(config: GatewayConfig, clock: Clock, database: Database, backend: Backend) -> Door:
    """The WSGI app. ``backend`` knows all services, the gateway's own resources (``gateway``) among them."""
    app = Door(config, clock, database, backend)
    app.config.update(
        MAX_CONTENT_LENGTH=config.body_limit_bytes,
        MAX_FORM_PARTS=FORM_PARTS,
        PROPAGATE_EXCEPTIONS=False,
        TRUSTED_HOSTS=config.hosts or None,
    )
    install_requests(app, "door")
    install_security_headers(app, config.https)
    install_compression(app)
    entrances = (account.blueprint, recovery.blueprint, two_factor.blueprint)
    for blueprint in (*entrances, health.blueprint, operations.blueprint, openapi.blueprint, proxy.blueprint):
        app.register_blueprint(blueprint)
    install_views(app)
    if config.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]  # as Flask's documentation says
    hashing.prepare()
    return app
