"""Operations: which services answer, what is under way, what could not be applied."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.answers import ApiProblem
from billhook_gateway.door import door, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.texts import gettext, ngettext
from billhook_gateway.ui.views.asking import on_to, page
from billhook_gateway.ui.views.frame import forget_trouble

blueprint = Blueprint("operations_pages", __name__)

PAGE = "/operations"
_ASKED = ("messaging", "release", "jobs", "parked")


@blueprint.route(PAGE, methods=["GET"])
@requires("ops:read")
def show_operations() -> str:
    """Every service with its figures and what is parked there; one that is silent is said to be, the others stay."""
    names = door().backend.services
    answers = services().gather(**{f"{path} {name}": (name, f"/ops/{path}") for path in _ASKED for name in names})
    rows = [
        {
            "name": name,
            "figures": _known(answers[f"messaging {name}"]),
            "release": _known(answers[f"release {name}"]),
            "why": _why(answers[f"messaging {name}"]),
        }
        for name in names
    ]
    jobs = sorted(_of_all(answers, "jobs", names), key=lambda job: job["state"] != "failing")
    parked = _of_all(answers, "parked", names)
    unread = [name for name in names if _known(answers[f"parked {name}"]) is None]
    return page("operations/page.html", services=rows, jobs=jobs, parked=parked, unread=unread)


def _of_all(answers: Mapping[str, Any], path: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the services that answer have there, each with its service's name."""
    found = {name: _known(answers[f"{path} {name}"]) for name in names}
    return [
        item | {"service": name} for name, answer in found.items() if answer is not None for item in answer["items"]
    ]


@blueprint.route(f"{PAGE}/<service>/events", methods=["GET"])
@requires("ops:read")
def show_events(service: str) -> str:
    """The events of one fingerprint in one service, masked, with what can be done about them."""
    fingerprint = request.args.get("fingerprint", "")
    after = request.args.get("after") or None
    events = services().get(service, "/ops/parked/events", fingerprint=fingerprint, after=after, limit=20)
    for event in events["items"]:
        event["payload_text"] = msgspec.json.format(msgspec.json.encode(event["payload"]), indent=2).decode()
    return page("operations/events.html", service=service, fingerprint=fingerprint, events=events)


@blueprint.route(f"{PAGE}/<service>/replay", methods=["POST"])
@requires("ops:write")
def replay(service: str) -> Response:
    """Apply again what is parked under a fingerprint."""
    answer = _asked(service, "/ops/parked/replay", {})
    if isinstance(answer, Response):
        return answer
    count = answer["replayed"]
    return on_to(
        PAGE, ngettext("One event is applied again", "%(num)s events are applied again", count) % {"num": count}
    )


@blueprint.route(f"{PAGE}/<service>/discard", methods=["POST"])
@requires("ops:write")
def discard(service: str) -> Response:
    """Give up what is parked under a fingerprint."""
    answer = _asked(service, "/ops/parked/discard", {"reason": request.form.get("reason", "")})
    if isinstance(answer, Response):
        return answer
    count = answer["discarded"]
    return on_to(PAGE, ngettext("One event is given up", "%(num)s events are given up", count) % {"num": count})


def _asked(service: str, path: str, more: dict[str, str]) -> Any:
    """The service's answer, or on to the page that says why it refused."""
    body = {"fingerprint": request.form.get("fingerprint", ""), **more}
    forget_trouble()
    try:
        return services().post(service, path, body)
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        errors = problem.problem.get("errors") or [{"message": problem.problem.get("detail", "")}]
        return on_to(PAGE, gettext("Refused: %(reason)s") % {"reason": errors[0]["message"]})


def _known(answer: Any) -> Any:
    return None if isinstance(answer, Unavailable) else answer


def _why(answer: Any) -> str:
    if not isinstance(answer, Unavailable):
        return ""
    return str(answer.problem.get("detail") or answer.problem.get("title", ""))
