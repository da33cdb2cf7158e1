"""What administrators decide about signing in (the settings of the gateway)."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from billhook_common.config import ServiceConfig
from billhook_common.settings import Setting, SomeOf, WholeNumber
from billhook_gateway.config import GatewayConfig
from billhook_gateway.domain.roles import ROLES

RIGHT = "gateway:admin"
"""Who decides how everybody signs in administers the gateway."""


def _can_be_demanded(roles: Iterable[str], config: GatewayConfig) -> None:
    if roles and not config.sealing_key:
        raise ValueError("Secrets of second factors cannot be kept: this installation has no sealing key.")


SESSION_IDLE_MINUTES = WholeNumber(
    name="session_idle_minutes",
    title="Sign out after",
    doc="Minutes without a click after which a session ends.",
    default=30,
    least=5,
    right=RIGHT,
    most=720,
    unit="minutes",
)
TWO_FACTOR_ROLES = SomeOf(
    name="two_factor_roles",
    title="Roles that need a second factor",
    doc="Whoever has one of these roles sets up a second factor at the next click and cannot do without it.",
    default=frozenset(),
    config_field="two_factor_roles",
    options=tuple(ROLES),
    right=RIGHT,
    allowed=_can_be_demanded,
)
SETTINGS: tuple[Setting[Any], ...] = (SESSION_IDLE_MINUTES, TWO_FACTOR_ROLES)


def idle_time(stored: object, config: ServiceConfig) -> dt.timedelta:
    """How long a session lives without a click; ``stored`` is the decided value as JSON, None for the default."""
    minutes = SESSION_IDLE_MINUTES.default_in(config) if stored is None else SESSION_IDLE_MINUTES.kept(stored, config)
    return dt.timedelta(minutes=minutes)


def demanding_roles(stored: object, config: ServiceConfig) -> frozenset[str]:
    """The roles that need a second factor; ``stored`` as above."""
    return TWO_FACTOR_ROLES.default_in(config) if stored is None else TWO_FACTOR_ROLES.kept(stored, config)
