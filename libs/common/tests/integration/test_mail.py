"""Letters: queued with the command, rendered in the sandbox, sent at least once to a real SMTP server or a folder."""

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from billhook_common.clock import FixedClock
from billhook_common.config import ConfigError
from billhook_common.events import Handlers
from billhook_common.local.ports import free_port
from billhook_common.mail import Letter, MailConfig, mail_blueprint, mail_job, queue_letter
from billhook_common.mail.addresses import AddressRefused
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import START
from billhook_common.testing.sample import Base
from billhook_common.testing.smtp import SmtpServer, smtp_server

pytestmark = pytest.mark.integration
TEMPLATES = {
    "hello.txt": "Subject: Hello {{ name }}\n\nDear {{ name }},\nall is well.\n",
    "hello.html": "<p>Dear {{ name }},</p>",
    "loop.txt": "Subject: x\n{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "greedy.txt": 'Subject: x\n{{ "a" * 999999999 }}',
    "two_lines.txt": "Subject: {{ name }}\n\nx",
    "headless.txt": "no subject",
}
Post = Callable[..., ServiceHarness]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    for name, text in TEMPLATES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def service(templates: Path) -> Service:
    return Service(
        name="sample",
        package="billhook_common.testing.sample",
        title="Letters",
        metadata=Base.metadata,
        blueprints=[mail_blueprint("sample:mail")],
        handlers=Handlers(),
        jobs=[mail_job(templates)],
        config=MailConfig,
    )


@pytest.fixture
def post(service: Service, databases: TestDatabases) -> Iterator[Post]:
    """A service that sends mail with these settings."""
    made: list[tuple[ServiceHarness, str]] = []

    def make(**settings: Any) -> ServiceHarness:
        dsn = databases.create(service)
        made.append((ServiceHarness(service, dsn, FixedClock(START, "Europe/Prague"), **settings), dsn))
        return made[-1][0]

    yield make
    for harness, dsn in made:
        harness.close()
        databases.drop(dsn)


def server_settings(server: SmtpServer) -> dict[str, Any]:
    return {"mail_server": "127.0.0.1", "mail_port": server.port, "mail_security": "none"}


def queued(harness: ServiceHarness, **changes: Any) -> UUID:
    letter = {"template": "hello", "address": "anna@example.org", "name": "Anna", "context": {"name": "Anna"}}
    with harness.session() as session:
        return queue_letter(session, harness.clock, Letter(**{**letter, **changes}))


def log(harness: ServiceHarness, **query: Any) -> list[dict[str, Any]]:
    answer = harness.client("sample:mail").get("/mail", **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_a_letter_reaches_the_server_with_text_and_html(post: Post) -> None:
    with smtp_server() as server:
        harness = post(**server_settings(server), mail_from="Brightvale <billing@brightvale.example>")
        letter_id = queued(harness, name="Žižka, <Jan>", context={"name": "<b>Žižka</b>"})
        harness.run_jobs()
    (message,) = server.messages
    assert message["Subject"] == "Hello <b>Žižka</b>"
    assert message["Message-ID"] == f"<{letter_id}@brightvale.example>"
    assert (message["From"].addresses[0].display_name, message["To"].addresses[0].display_name) == (
        "Brightvale",
        "Žižka, <Jan>",
    )
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "all is well" in text.get_content()
    assert "&lt;b&gt;Žižka&lt;/b&gt;" in html.get_content()
    (entry,) = log(harness)
    assert (entry["state"], entry["attempts"], entry["last_error"]) == ("sent", 1, None)


def test_a_letter_is_sent_only_if_its_command_commits(post: Post) -> None:
    with smtp_server() as server:
        harness = post(**server_settings(server))
        with pytest.raises(ZeroDivisionError), harness.session() as session:
            queue_letter(
                session,
                harness.clock,
                Letter(template="hello", address="a@example.org", name="A", context={"name": "A"}),
            )
            raise ZeroDivisionError
        harness.run_jobs()
    assert server.messages == []


def test_not_now_is_tried_later_and_later(post: Post) -> None:
    with smtp_server(SmtpServer(data=["451 busy", "451 busy", "250 taken"])) as server:
        harness = post(**server_settings(server))
        queued(harness)
        harness.run_jobs()
        (entry,) = log(harness, state="deferred")
        assert (entry["last_error"], entry["attempts"]) == ("451 busy", 1)
        harness.run_jobs()
        assert log(harness)[0]["attempts"] == 1
        for wait in (30, 60):
            harness.clock.advance(dt.timedelta(seconds=wait))
            harness.run_jobs()
    assert (log(harness)[0]["state"], log(harness)[0]["attempts"], len(server.messages)) == ("sent", 3, 1)


def test_after_two_days_of_not_now_it_fails(post: Post) -> None:
    with smtp_server(SmtpServer(rcpt=["450 mailbox full"])) as server:
        harness = post(**server_settings(server))
        queued(harness)
        for _ in range(60):
            harness.run_jobs()
            harness.clock.advance(dt.timedelta(hours=1))
    (entry,) = log(harness)
    assert (entry["state"], entry["last_error"]) == ("failed", "450 mailbox full")


def test_a_letter_sent_again_by_hand_has_two_days_more(post: Post) -> None:
    with smtp_server(SmtpServer(rcpt=["550 no such user", "450 mailbox full", "250 fine"])) as server:
        harness = post(**server_settings(server))
        letter_id = queued(harness)
        harness.run_jobs()
        harness.clock.advance(dt.timedelta(days=3))
        assert harness.client("sample:mail").post(f"/mail/{letter_id}/retry").status_code == 204
        harness.run_jobs()
        assert [entry["state"] for entry in log(harness)] == ["deferred"]
        harness.clock.advance(dt.timedelta(minutes=1))
        harness.run_jobs()
    assert [entry["state"] for entry in log(harness)] == ["sent"]


class Looking(list[EmailMessage]):
    """Messages; as each comes it is written down which letters everybody already sees as sent."""

    def __init__(self) -> None:
        super().__init__()
        self.harness: ServiceHarness | None = None
        self.seen: list[int] = []

    def append(self, message: EmailMessage) -> None:
        super().append(message)
        assert self.harness is not None
        self.seen.append(len(log(self.harness, state="sent")))


def test_each_letter_is_written_down_before_the_next_is_sent(post: Post) -> None:
    messages = Looking()
    with smtp_server(SmtpServer(messages=messages)) as server:
        messages.harness = harness = post(**server_settings(server))
        for _ in range(3):
            queued(harness)
        harness.run_jobs()
    assert messages.seen == [0, 1, 2]
    assert sum(command.upper().startswith("EHLO") for command in server.commands) == 1


def test_never_is_never_until_somebody_sends_it_again(post: Post) -> None:
    with smtp_server(SmtpServer(rcpt=["550 no such user", "250 fine"])) as server:
        harness = post(**server_settings(server))
        letter_id = queued(harness)
        other = queued(harness, address="bert@example.org")
        harness.run_jobs()
        assert {entry["id"]: entry["state"] for entry in log(harness)} == {
            str(letter_id): "failed",
            str(other): "sent",
        }
        client = harness.client("sample:mail")
        assert client.post(f"/mail/{letter_id}/retry").status_code == 204
        harness.run_jobs()
        assert [entry["state"] for entry in log(harness)] == ["sent", "sent"]
        again = client.post(f"/mail/{letter_id}/retry")
        assert (again.status_code, again.json["type"]) == (409, "/problems/not-failed")
    assert len(server.messages) == 2


def test_a_server_that_is_away_costs_one_try_and_no_letter(post: Post) -> None:
    port = free_port()
    harness = post(mail_server="127.0.0.1", mail_port=port, mail_security="none")
    first, second = queued(harness), queued(harness)
    harness.run_jobs()
    tries = {entry["id"]: entry["attempts"] for entry in log(harness)}
    assert tries == {str(first): 1, str(second): 0}
    assert "refused" in log(harness, state="deferred")[0]["last_error"].lower()


def test_a_server_that_drips_is_cut_off(post: Post) -> None:
    with smtp_server(SmtpServer(drip_seconds=0.05)) as server:
        harness = post(**server_settings(server), mail_wait_seconds=5, mail_longest_seconds=1)
        queued(harness)
        harness.run_jobs()
    assert log(harness)[0]["state"] == "deferred"


def test_a_refusing_greeting_and_a_missing_starttls_defer(post: Post) -> None:
    with smtp_server(SmtpServer(greeting="554 not you")) as server:
        harness = post(**server_settings(server))
        queued(harness)
        harness.run_jobs()
        assert log(harness)[0]["last_error"] == "554 not you"
    with smtp_server() as server:
        harness = post(**{**server_settings(server), "mail_security": "starttls"})
        queued(harness)
        harness.run_jobs()
        assert "STARTTLS" in log(harness)[0]["last_error"]
    assert server.messages == []


def test_the_certificate_is_checked_before_the_password_is_sent(post: Post, tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    context = _self_signed(certificate)
    with smtp_server(SmtpServer(tls=context)) as server:
        settings = {"mail_server": "localhost", "mail_port": server.port, "mail_user": "us", "mail_password": "pw"}
        stranger = post(**settings)
        queued(stranger)
        stranger.run_jobs()
        assert "certificate" in log(stranger)[0]["last_error"].lower()
        assert not any(command.startswith("AUTH") for command in server.commands)
        friend = post(**settings, mail_ca_file=str(certificate))
        queued(friend)
        friend.run_jobs()
    assert log(friend)[0]["state"] == "sent"
    assert any(command.startswith("AUTH") for command in server.commands)


def test_a_folder_gets_a_file_for_each_message_and_the_same_one_again(post: Post, tmp_path: Path) -> None:
    harness = post(mail_folder=str(tmp_path / "mail"))
    letter_id = queued(harness)
    harness.run_jobs()
    (path,) = (tmp_path / "mail").iterdir()
    assert path.name == f"{letter_id}.eml"
    assert path.stat().st_mode & 0o077 == 0
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["To"] == "Anna <anna@example.org>"


def test_without_a_server_or_folder_mail_waits_and_says_why(post: Post) -> None:
    harness = post()
    queued(harness)
    harness.run_jobs()
    assert log(harness)[0]["state"] == "deferred"
    assert "BILLHOOK_MAIL_SERVER" in log(harness)[0]["last_error"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("loop", "seconds"),
        ("greedy", "memory"),
        ("two_lines", "one line"),
        ("headless", "without a subject"),
        ("absent", "no template"),
        ("../hello", "no name of a template"),
    ],
)
def test_a_bad_template_fails_its_own_letter_only(post: Post, tmp_path: Path, template: str, reason: str) -> None:
    harness = post(mail_folder=str(tmp_path))
    bad = queued(harness, template=template, context={"name": "Anna\r\nBcc: eve@example.org"})
    queued(harness)
    harness.run_jobs()
    states = {entry["id"]: entry["state"] for entry in log(harness)}
    assert states.pop(str(bad)) == "failed"
    assert list(states.values()) == ["sent"]
    assert reason in log(harness, state="failed")[0]["last_error"]
    assert len(list(tmp_path.glob("*.eml"))) == 1


@pytest.mark.parametrize(
    "payload",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ name.format.__globals__ }}",
        "{{ ''|attr('__class__') }}",
        "{% include '/etc/passwd' %}",
        "{% extends 'hello' %}",
        "{% import 'os' as os %}",
        "{{ config }}",
        "{{ nobody_gave_this }}",
        "{{ things.append(1) }}",
        "{{ 1 / 0 }}",
        "{% for",
    ],
)
def test_a_template_breaks_out_of_nothing(post: Post, templates: Path, tmp_path: Path, payload: str) -> None:
    (templates / "hostile.txt").write_text(f"Subject: x\n{payload}")
    harness = post(mail_folder=str(tmp_path))
    queued(harness, template="hostile", context={"name": "a", "things": []})
    harness.run_jobs()
    assert [entry["state"] for entry in log(harness)] == ["failed"]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Anna\r\nBcc: eve@example.org", "anna@example.org"),
        ("Anna", "anna@example.org\r\nBcc: eve@example.org"),
        ("Anna\0", "anna@example.org"),
        ("Anna\u2028x", "anna@example.org"),
        *(("Anna", bad) for bad in ("", "anna", "@x", "a@", "a b@x.org", "a@x.org, b@x.org", "<a@x.org>", "a@.org")),
        *(("Anna", bad) for bad in ("a..b@x.org", ".a@x.org", "a@x..org", "ä@x.org", "a" * 250 + "@x.org", "a@x.org>")),
    ],
)
def test_no_header_is_smuggled_in(post: Post, name: str, address: str) -> None:
    harness = post()
    with pytest.raises(AddressRefused):
        queued(harness, name=name, address=address)
    assert log(harness) == []


def test_a_secret_is_forgotten_once_sent_and_never_sent_too_late(post: Post, tmp_path: Path) -> None:
    harness = post(mail_folder=str(tmp_path))
    soon = harness.clock.now() + dt.timedelta(minutes=30)
    queued(harness, secret=True, good_until=soon)
    harness.run_jobs()
    late = queued(harness, secret=True, good_until=soon)
    harness.clock.advance(dt.timedelta(minutes=31))
    harness.run_jobs()
    assert [entry["state"] for entry in log(harness)] == ["failed", "sent"]
    assert harness.client("sample:mail").post(f"/mail/{late}/retry").status_code == 409
    with harness.session() as session:
        from billhook_common.tables import mail  # noqa: PLC0415

        assert [row.context for row in session.execute(mail.select())] == [None, None]
    assert len(list(tmp_path.glob("*.eml"))) == 1


def test_the_log_is_paged_and_needs_its_right(post: Post) -> None:
    harness = post()
    for _ in range(3):
        queued(harness)
    first = harness.client("sample:mail").get("/mail", limit=2).json
    rest = harness.client("sample:mail").get("/mail", limit=2, after=first["next"]).json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert "context" not in first["items"][0]
    assert harness.client("sample:read").get("/mail").status_code == 403
    wrong = harness.client("sample:mail").get("/mail", state="lost")
    assert (wrong.status_code, wrong.json["errors"][0]["pointer"]) == (422, "/state")
    absent = "019ab000-0000-7000-8000-000000000000"
    assert harness.client("sample:mail").post(f"/mail/{absent}/retry").status_code == 404


@pytest.mark.parametrize(
    "environ",
    [
        {"BILLHOOK_MAIL_SECURITY": "maybe"},
        {"BILLHOOK_MAIL_SERVER": "mail.example.org", "BILLHOOK_MAIL_SECURITY": "none", "BILLHOOK_MAIL_USER": "us"},
        {"BILLHOOK_MAIL_LONGEST_SECONDS": "31"},
        {"BILLHOOK_MAIL_PORT": "smtp"},
        {"BILLHOOK_MAIL_FROM": "nobody"},
        {"BILLHOOK_MAIL_FROM": "Us <us@example.org>\r\nBcc: eve@example.org"},
    ],
)
def test_settings_that_cannot_work_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        MailConfig.from_environ("sample", environ)


def _self_signed(path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = path.with_suffix(".key")
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, private)
    return context
