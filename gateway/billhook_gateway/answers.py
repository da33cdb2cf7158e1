"""What a service answered, decoded: its JSON, or its refusal as an exception."""

from collections.abc import Mapping
from typing import Any

import msgspec

from billhook_gateway.backends import BackendResponse

_PROBLEM = "application/problem+json"


class ApiProblem(Exception):
    """A service refused: ``status`` and the problem+json document (``type``, ``title``, ``detail``, ``errors`` …)."""

    def __init__(self, service: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{service} answered {status}: {problem.get('title', '')}")
        self.service = service
        self.status = status
        self.problem = dict(problem)

    @property
    def kind(self) -> str:
        """The problem's kind, such as ``not-known-yet``."""
        return str(self.problem.get("type", "")).rpartition("/")[2]

    @property
    def detail(self) -> str:
        """What to tell a person."""
        return str(self.problem.get("detail") or self.problem.get("title", ""))


def decoded(service: str, answer: BackendResponse) -> Any:
    """The answer's JSON, None when it has no body; raises ApiProblem for every status but 2xx."""
    body = answer.read()
    content_type = answer.headers.get("Content-Type", "").partition(";")[0]
    if 200 <= answer.status < 300:
        if content_type == "application/json":
            return msgspec.json.decode(body)
        if not body:
            return None
    raise ApiProblem(service, answer.status, _problem(answer.status, content_type, body))


def _problem(status: int, content_type: str, body: bytes) -> Mapping[str, Any]:
    if content_type == _PROBLEM:
        try:
            problem = msgspec.json.decode(body)
        except msgspec.DecodeError:
            problem = None
        if isinstance(problem, dict):
            return problem
    title = "The service answered in an unexpected way"
    return {"type": "/problems/unexpected-answer", "title": title, "status": status}
