"""The gateway's settings."""

import dataclasses
import re
from dataclasses import dataclass

from billhook_common.config import ConfigError, setting
from billhook_common.mail import MailConfig
from billhook_gateway.domain.roles import ROLES

_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
LEAST_KEY_CHARACTERS = 16
SERVICES = ("billing", "crm", "inventory", "invoicing", "payments", "tickets")
"""The services behind the gateway; each has its resources below ``/api/<service>/``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig(MailConfig):
    """What the gateway needs beside what every service needs. Secrets are kept out of its ``repr``."""

    signing_key: str = setting(
        "BILLHOOK_GATEWAY_SIGNING_KEY", "", "path of the private Ed25519 key (JWK) that signs what services trust"
    )
    bootstrap_key: str = dataclasses.field(
        default="",
        repr=False,
        metadata={
            "env": "BILLHOOK_BOOTSTRAP_KEY",
            "doc": f"an API key with all rights, with https at least {LEAST_KEY_CHARACTERS} characters; empty: none",
        },
    )
    admin_password: str = dataclasses.field(
        default="",
        repr=False,
        metadata={
            "env": "BILLHOOK_ADMIN_PASSWORD",
            "doc": "password of the first administrator, read at the first start only; empty: one is made up",
        },
    )
    sealing_key: str = setting(
        "BILLHOOK_GATEWAY_SEALING_KEY",
        "",
        "path of the Fernet keys, one a line, that seal the secrets of second factors; the first seals, all open",
    )
    two_factor_roles: str = setting(
        "BILLHOOK_TWO_FACTOR_ROLES",
        "",
        "default of the setting two_factor_roles, until an administrator decides otherwise; separated by commas",
    )
    public_url: str = setting(
        "BILLHOOK_PUBLIC_URL",
        "",
        "where browsers reach us, for links in mail; empty: no password is reset by mail",
    )
    https: bool = setting("BILLHOOK_HTTPS", False, "whether browsers come over https: Secure __Host- cookies and HSTS")
    development: bool = setting(
        "BILLHOOK_DEVELOPMENT", False, "whether to serve pages for developers, such as /dev/components"
    )
    trusted_hosts: str = setting(
        "BILLHOOK_TRUSTED_HOSTS",
        "localhost,127.0.0.1",
        "host names that browsers may call the gateway by, separated by commas; .example.org allows all below it",
    )
    trusted_proxies: int = setting(
        "BILLHOOK_TRUSTED_PROXIES", 0, "how many own proxies stand before the gateway and add X-Forwarded-For"
    )
    service_wait_seconds: int = setting(
        "BILLHOOK_SERVICE_WAIT_SECONDS", 30, "longest wait for a service's answer; above its longest statement"
    )
    billing_url: str = setting("BILLHOOK_BILLING_URL", "", "base URL of billing's API")
    crm_url: str = setting("BILLHOOK_CRM_URL", "", "base URL of crm's API")
    inventory_url: str = setting("BILLHOOK_INVENTORY_URL", "", "base URL of inventory's API")
    invoicing_url: str = setting("BILLHOOK_INVOICING_URL", "", "base URL of invoicing's API")
    payments_url: str = setting("BILLHOOK_PAYMENTS_URL", "", "base URL of payments' API")
    tickets_url: str = setting("BILLHOOK_TICKETS_URL", "", "base URL of tickets' API")

    def __post_init__(self) -> None:
        """Refuse a key that could be guessed, once the gateway stands in the open, and what could not work."""
        MailConfig.__post_init__(self)
        if self.https and self.bootstrap_key and len(self.bootstrap_key) < LEAST_KEY_CHARACTERS:
            raise ConfigError(f"BILLHOOK_BOOTSTRAP_KEY: at least {LEAST_KEY_CHARACTERS} characters")
        unknown = sorted(self.demanding_roles - set(ROLES))
        if unknown:
            raise ConfigError(f"BILLHOOK_TWO_FACTOR_ROLES: there is no role {', '.join(unknown)}")
        if self.demanding_roles and not self.sealing_key:
            raise ConfigError("BILLHOOK_TWO_FACTOR_ROLES: it needs BILLHOOK_GATEWAY_SEALING_KEY")
        if self.public_url and not _URL.fullmatch(self.public_url):
            raise ConfigError("BILLHOOK_PUBLIC_URL: https://host, without a path")

    @property
    def demanding_roles(self) -> frozenset[str]:
        """The roles that need a second factor."""
        return frozenset(role.strip() for role in self.two_factor_roles.split(",") if role.strip())

    @property
    def hosts(self) -> list[str]:
        """The trusted host names."""
        return [host.strip() for host in self.trusted_hosts.split(",") if host.strip()]

    @property
    def service_urls(self) -> dict[str, str]:
        """Base URL by service, of those that have one."""
        urls = {service: str(getattr(self, f"{service}_url")) for service in SERVICES}
        return {service: url for service, url in urls.items() if url}
