"""How a message leaves the house: over SMTP, or into a folder."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

from billhook_common.mail.config import MailConfig

ERROR_CHARACTERS = 500


class Deferred(Exception):
    """Not now: the same may work later."""


class ServerAway(Deferred):
    """Nobody answers, or not in time, or not us: the next message would fare the same."""


class Refused(Exception):
    """Never: the server will not take this message."""


class Transport(Protocol):
    """Delivers messages one after another."""

    def deliver(self, letter_id: UUID, message: EmailMessage) -> None:
        """Hand the message over. Raises Deferred, Refused."""
        ...

    def close(self) -> None:
        """Say goodbye."""
        ...


def open_transport(config: MailConfig) -> Transport:
    """The way that the settings name."""
    if config.mail_server:
        return Smtp(config)
    return Folder(Path(config.mail_folder)) if config.mail_folder else Nowhere()


class Nowhere:
    """Mail waits until somebody says where it shall go."""

    def deliver(self, letter_id: UUID, message: EmailMessage) -> None:
        """Raise ServerAway."""
        raise ServerAway("no mail server: set BILLHOOK_MAIL_SERVER, or BILLHOOK_MAIL_FOLDER")

    def close(self) -> None:
        """Nothing is open."""


class Folder:
    """A file for each message, ``<id>.eml``; the ids sort by time, and the same message is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, letter_id: UUID, message: EmailMessage) -> None:
        """Write it; whole or not at all, and for the owner only."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch = self._folder / f".{uuid4().hex}"
            scratch.touch(0o600)
            scratch.write_bytes(message.as_bytes())
            scratch.replace(self._folder / f"{letter_id}.eml")
        except OSError as error:
            raise ServerAway(f"the folder cannot be written: {error}") from error

    def close(self) -> None:
        """Nothing is open."""


class Smtp:
    """One connection for several messages; a new one after any trouble."""

    def __init__(self, config: MailConfig) -> None:
        self._config = config
        self._connection: smtplib.SMTP | None = None

    def deliver(self, letter_id: UUID, message: EmailMessage) -> None:
        """Send it within ``mail_longest_seconds``, a server that drips one byte a second or not."""
        try:
            self._send(message)
        except smtplib.SMTPRecipientsRefused as error:
            self.close()
            code, reply = next(iter(error.recipients.values()))
            raise _verdict(code, reply) from error
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError) as error:
            self.close()
            raise ServerAway(_told(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPResponseException as error:
            self.close()
            raise _verdict(error.smtp_code, error.smtp_error) from error
        except OSError as error:
            self.close()
            raise ServerAway(f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS]) from error

    def close(self) -> None:
        """Hang up; a server that does not hear it is no trouble."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _send(self, message: EmailMessage) -> None:
        known = self._connection is not None
        # Kept before it is open, so that trouble closes it.
        connection = self._connection = self._connection or self._fresh()
        with _within(self._config.mail_longest_seconds, connection):
            if not known:
                self._connect(connection)
            connection.send_message(message)

    def _fresh(self) -> smtplib.SMTP:
        wait = self._config.mail_wait_seconds
        if self._config.mail_security == "tls":
            return smtplib.SMTP_SSL(timeout=wait, context=self._context())
        return smtplib.SMTP(timeout=wait)

    def _connect(self, connection: smtplib.SMTP) -> None:
        config = self._config
        # smtplib checks the certificate against the name that the constructor was given; we gave it none.
        connection._host = config.mail_server  # type: ignore[attr-defined]
        code, reply = connection.connect(config.mail_server, config.mail_port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, reply)
        if config.mail_security == "starttls":
            connection.starttls(context=self._context())
        if config.mail_user:
            connection.login(config.mail_user, config.mail_password)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._config.mail_ca_file or None)


@contextmanager
def _within(seconds: float, connection: smtplib.SMTP) -> Iterator[None]:
    """Cut the line when the time is up: smtplib's own time-out begins anew with every byte."""

    def cut() -> None:
        sock = getattr(connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _verdict(code: int, reply: bytes | str) -> Exception:
    return Deferred(_told(code, reply)) if 400 <= code < 500 else Refused(_told(code, reply))


def _told(code: int, reply: bytes | str) -> str:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)
    return f"{code} {' '.join(text.split())}"[:ERROR_CHARACTERS]
