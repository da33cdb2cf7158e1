"""The door for tests: users of every role, browsers that behave like browsers, and services in this process."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from billhook_common.ids import derive_id
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import TEST_KEY
from billhook_gateway.backends import Backend, InProcess, Transport
from billhook_gateway.hashing import hash_password
from billhook_gateway.models import User
from billhook_gateway.sealing import create_sealing_key
from billhook_gateway.web import create_app

PASSWORD = "a sentence that nobody guesses"  # noqa: S105  (of tests only)
BOOTSTRAP_KEY = "the-key-of-the-first-hour"
ORIGIN = "http://localhost"


class Browser:
    """A browser at the door: keeps cookies, and sends what a page of ours sends: its origin and the form's token."""

    def __init__(self, gate: "Gate") -> None:
        self.client = gate.app.test_client()
        self.csrf_token = ""

    def sign_in(self, login: str, password: str = PASSWORD) -> TestResponse:
        """Sign in by JSON and remember the token for forms."""
        answer = self.client.post("/sign-in", json={"login": login, "password": password}, headers={"Origin": ORIGIN})
        if answer.status_code == 200:
            self.csrf_token = answer.get_json()["csrf_token"]
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.client.get(path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """POST a JSON body, or ``data=`` as a form."""
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """PUT a JSON body."""
        return self.send("PUT", path, body, **options)

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """A request as a script of our own page sends it."""
        headers = {"Origin": ORIGIN, "X-CSRF-Token": self.csrf_token, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self.client.open(path, method=method, headers=headers, **options)


class Machine:
    """A program that calls the API with a key."""

    def __init__(self, gate: "Gate", key: str) -> None:
        self._client = gate.app.test_client(use_cookies=False)
        self._key = key

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """A request with the key; ``body`` is sent as JSON."""
        headers = {"Authorization": f"Bearer {self._key}", **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self._client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        """POST a JSON body."""
        return self.send("POST", path, body, **options)


class Gate:
    """The whole gateway on the harness's database, with other services' WSGI apps (or transports) behind it."""

    def __init__(
        self,
        harness: ServiceHarness,
        apps: Mapping[str, Any] | None = None,
        transports: Mapping[str, Transport] | None = None,
        **settings: Any,
    ) -> None:
        self.harness = harness
        self.clock = harness.clock
        self.slept: list[float] = []
        self.config = dataclasses.replace(harness.config, **{"bootstrap_key": BOOTSTRAP_KEY, **settings})
        own = {"gateway": harness.app, **(apps or {})}
        behind = {name: InProcess(name, app) for name, app in own.items()} | dict(transports or {})
        self.backend = Backend(behind, TEST_KEY, self.clock, self.slept.append)
        self.app = create_app(self.config, self.clock, harness.database, self.backend)  # type: ignore[arg-type]  # the gateway's harness has its configuration

    def user(self, role: str, login: str = "") -> str:
        """Make a user of that role with PASSWORD; returns the login, by default the role's name."""
        login = login or role
        with self.harness.session() as session:
            session.add(
                User(
                    id=derive_id("test user", login),
                    version=1,
                    login=login,
                    name=f"Test {role}",
                    email=f"{login}@brightvale.example" if "@" not in login else login,
                    password_hash=_password_hash(),
                    role=role,
                    active=True,
                    created_at=self.clock.now(),
                    changed_at=self.clock.now(),
                    totp_step=0,
                )
            )
        return login

    def browser(self, role: str = "") -> Browser:
        """A fresh browser; with a role, one where a new user of that role is signed in."""
        browser = Browser(self)
        if role:
            answer = browser.sign_in(self.user(role))
            assert answer.status_code == 200, answer.text
        return browser

    def machine(self, key: str = BOOTSTRAP_KEY) -> Machine:
        """A program with that key."""
        return Machine(self, key)

    def close(self) -> None:
        """Give the door's threads and connections back."""
        self.app.close()


def sealing_key_file(folder: Path) -> str:
    """A file with a key for second factors."""
    path = folder / "sealing.key"
    create_sealing_key(path)
    return str(path)


@functools.cache
def _password_hash() -> str:
    return hash_password(PASSWORD)
