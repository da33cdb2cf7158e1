"""Where mail goes: to an SMTP server, or into a folder, one .eml file a message."""

import dataclasses
import ipaddress
from dataclasses import dataclass
from email.headerregistry import Address

from billhook_common.config import ConfigError, ServiceConfig, setting
from billhook_common.errors import Invalid
from billhook_common.mail.addresses import parse_mailbox

SECURITIES = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailConfig(ServiceConfig):
    """The settings of a service that sends mail; the server goes before the folder."""

    mail_server: str = setting(
        "BILLHOOK_MAIL_SERVER", "", "host name of the SMTP server; empty: mail goes to the folder"
    )
    mail_port: int = setting("BILLHOOK_MAIL_PORT", 587, "port of the SMTP server: 587 for starttls, 465 for tls")
    mail_security: str = setting(
        "BILLHOOK_MAIL_SECURITY", "starttls", f"how the connection is encrypted: {', '.join(SECURITIES)}"
    )
    mail_ca_file: str = setting(
        "BILLHOOK_MAIL_CA_FILE",
        "",
        "PEM file of the authority that signed the server's certificate; empty: the system's",
    )
    mail_user: str = setting("BILLHOOK_MAIL_USER", "", "who signs in at the SMTP server; empty: nobody")
    mail_password: str = dataclasses.field(
        default="",
        repr=False,
        metadata={"env": "BILLHOOK_MAIL_PASSWORD", "doc": "the password at the SMTP server"},
    )
    mail_from: str = setting(
        "BILLHOOK_MAIL_FROM", "Billhook <billhook@localhost>", "who the mail is from: Name <address>"
    )
    mail_folder: str = setting(
        "BILLHOOK_MAIL_FOLDER", "", "folder that gets a file for each message instead of a server"
    )
    mail_wait_seconds: int = setting("BILLHOOK_MAIL_WAIT_SECONDS", 10, "longest wait for one answer of the SMTP server")
    mail_longest_seconds: int = setting(
        "BILLHOOK_MAIL_LONGEST_SECONDS", 20, "longest time for one message, however busy the server looks; below 30"
    )

    def __post_init__(self) -> None:
        """Refuse what could not work, or would send a password in the clear."""
        if self.mail_security not in SECURITIES:
            raise ConfigError(f"BILLHOOK_MAIL_SECURITY: one of {', '.join(SECURITIES)}")
        if self.mail_user and self.mail_security == "none" and not _is_here(self.mail_server):
            raise ConfigError("BILLHOOK_MAIL_SECURITY: a password is sent over an encrypted connection only")
        if not 1 <= self.mail_longest_seconds < 30 or self.mail_wait_seconds < 1:
            raise ConfigError("BILLHOOK_MAIL_LONGEST_SECONDS: 1 to 29; BILLHOOK_MAIL_WAIT_SECONDS: at least 1")
        try:
            parse_mailbox(self.mail_from)
        except Invalid as error:
            raise ConfigError(f"BILLHOOK_MAIL_FROM: {error}") from error

    @property
    def sender(self) -> Address:
        """Who the mail is from."""
        return parse_mailbox(self.mail_from)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
