"""An SMTP server for tests: takes what it is sent, or says and does what it is told to."""

import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class SmtpServer:
    """What came, and what is answered: ``replies`` to ``RCPT`` and ``DATA`` in turn, the last one for ever.

    ``drip_seconds``: it greets a letter at a time and never comes to an end. ``tls``: it offers STARTTLS.
    """

    rcpt: list[str] = field(default_factory=lambda: ["250 fine"])
    data: list[str] = field(default_factory=lambda: ["250 taken"])
    greeting: str = "220 double"
    drip_seconds: float = 0.0
    tls: ssl.SSLContext | None = None
    messages: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def next(self, replies: list[str]) -> str:
        """The reply whose turn it is."""
        return replies.pop(0) if len(replies) > 1 else replies[0]


@contextmanager
def smtp_server(server: SmtpServer | None = None) -> Iterator[SmtpServer]:
    """Serve on a free port of the loopback."""
    double = server or SmtpServer()
    stopped = threading.Event()

    class Handler(_Handler):
        served = double
        over = stopped

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        double.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield double
        finally:
            stopped.set()
            listener.shutdown()
            thread.join()


class _Handler(socketserver.StreamRequestHandler):
    served: SmtpServer
    over: threading.Event

    def handle(self) -> None:
        """One connection."""
        if self.served.drip_seconds:
            self._drip()
            return
        self._say(self.served.greeting)
        try:
            while line := self.rfile.readline():
                command = line.decode("latin-1").strip()
                self.served.commands.append(command)
                if not self._answer(command.partition(" ")[0].upper()):
                    return
        except OSError:
            return
        finally:
            self.connection.close()

    def _answer(self, verb: str) -> bool:
        if verb in {"EHLO", "HELO"}:
            encrypted = isinstance(self.connection, ssl.SSLSocket)
            offers = ["double", *(["STARTTLS"] if self.served.tls and not encrypted else []), "AUTH PLAIN"]
            self._lines(offers)
        elif verb == "STARTTLS" and self.served.tls:
            self._say("220 go on")
            self.connection = self.served.tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        elif verb == "AUTH":
            self._say("235 known")
        elif verb == "RCPT":
            self._say(self.served.next(self.served.rcpt))
        elif verb == "DATA":
            self._take()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 fine")
        return True

    def _take(self) -> None:
        self._say("354 go on")
        body = b""
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            body += line.removeprefix(b".") if line.startswith(b"..") else line
        reply = self.served.next(self.served.data)
        if reply.startswith("2"):
            self.served.messages.append(message_from_bytes(body, policy=policy.default))
        self._say(reply)

    def _drip(self) -> None:
        try:
            while not self.over.wait(self.served.drip_seconds):
                self.wfile.write(b"2")
        except OSError:
            return

    def _lines(self, offers: Sequence[str]) -> None:
        for offer in offers[:-1]:
            self._say(f"250-{offer}")
        self._say(f"250 {offers[-1]}")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
