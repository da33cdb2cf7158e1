"""A client that repeats a command with the same key until it is answered, and remembers what was acknowledged."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

PATIENCE_SECONDS = 60.0
"""No command may stay undecided longer, whatever was killed."""
PAUSE_SECONDS = 0.05
_CALL = urllib3.Timeout(connect=2.0, read=15.0)


class Refused(Exception):
    """An answer that repeating does not change."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A command that was answered with 2xx, and the answer."""

    path: str
    key: str
    body: Mapping[str, Any]
    answer: Mapping[str, Any]

    @property
    def id(self) -> str:
        """What it made."""
        return str(self.answer["id"])


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer to a request that is not repeated."""

    status: int
    seconds: float
    headers: Mapping[str, str]
    body: Any


class Api:
    """``/api/…`` of the suite at ``url``; safe for several threads."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.acknowledged: dict[str, Acknowledged] = {}
        self.defects: list[str] = []
        """Answers that no fault excuses: 500, or another answer to the same command."""
        self.unanswered = 0
        """Requests whose answer was lost: the caller cannot know whether they had an effect."""
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, timeout=_CALL)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._lock = threading.Lock()
        self._given_up = threading.Event()

    def get(self, path: str, **query: object) -> Any:
        """GET, decoded; repeated while nobody answers. Raises Refused."""
        return self._until_answered("GET", f"{path}?{urlencode(query)}" if query else path, None, {})

    def pages(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """Every item of a list."""
        after: dict[str, object] = {}
        while True:
            page = self.get(path, **query, **after, limit=500)
            yield from page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def command(self, path: str, body: Mapping[str, Any], *, key: str) -> Acknowledged:
        """POST ``body`` under ``key`` until it is acknowledged. Raises Refused."""
        answer = self._until_answered("POST", path, json.dumps(body).encode(), {"Idempotency-Key": key})
        with self._lock:
            known = self.acknowledged.setdefault(key, Acknowledged(path, key, body, answer))
            if known.answer != answer:
                self.defects.append(f"{path} under {key}: answered {known.answer}, then {answer}")
        return known

    def attempt(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Answer:
        """GET, or POST ``body`` under ``key``, just once; an acknowledged command is remembered."""
        began = time.monotonic()
        answer = self._pool.request(
            "GET" if body is None else "POST",
            f"{self.url}/api{path}",
            body=None if body is None else json.dumps(body).encode(),
            headers=self._headers | ({"Idempotency-Key": key} if key else {}),
        )
        found = Answer(answer.status, time.monotonic() - began, answer.headers, json.loads(answer.data or b"null"))
        if body is not None and found.status < 300:
            with self._lock:
                self.acknowledged[key] = Acknowledged(path, key, body, found.body)
        return found

    def give_up(self) -> None:
        """Have every thread that repeats a command stop it: the test has failed."""
        self._given_up.set()

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def _until_answered(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and not self._given_up.is_set():
            found = self._once(method, path, body, headers)
            if found is not None:
                return found[0]
            self._given_up.wait(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} is undecided after {PATIENCE_SECONDS:.0f} s")

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[Any] | None:
        """The answer; None when there was none, or one that asks to try again. Raises Refused."""
        try:
            answer = self._pool.request(method, f"{self.url}/api{path}", body=body, headers=self._headers | headers)
        except HTTPError:
            self.unanswered += 1
            return None
        if answer.status == 500:
            self.defects.append(f"{method} {path}: 500 {answer.data.decode()}")
        if answer.status >= 500 or (answer.status == 409 and "Retry-After" in answer.headers):
            return None
        decoded = json.loads(answer.data or b"null")
        if answer.status >= 400:
            raise Refused(answer.status, decoded)
        return (decoded,)
