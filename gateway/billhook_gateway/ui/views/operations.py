"""Operations: which services answer, what is under way, what could not be applied."""

from typing import Any

import msgspec
from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.answers import ApiProblem
from billhook_gateway.door import door, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.views.asking import on_to, page

blueprint = Blueprint("operations_pages", __name__)

PAGE = "/operations"


@blueprint.route(PAGE, methods=["GET"])
@requires("ops:read")
def show_operations() -> str:
    """Every service with its figures and what is parked there; one that is silent is said to be, the others stay."""
    names = door().backend.services
    wanted = {name: (name, "/ops/messaging") for name in names} | {
        f"parked {name}": (name, "/ops/parked") for name in names
    }
    answers = services().gather(**wanted)
    rows = [{"name": name, "figures": _known(answers[name]), "why": _why(answers[name])} for name in names]
    parked = [
        group | {"service": name}
        for name in names
        if (found := _known(answers[f"parked {name}"])) is not None
        for group in found["items"]
    ]
    return page("operations/page.html", services=rows, parked=parked)


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
    return _done(service, "/ops/parked/replay", {}, "replayed", "will be applied again")


@blueprint.route(f"{PAGE}/<service>/discard", methods=["POST"])
@requires("ops:write")
def discard(service: str) -> Response:
    """Give up what is parked under a fingerprint."""
    reason = {"reason": request.form.get("reason", "")}
    return _done(service, "/ops/parked/discard", reason, "discarded", "given up")


def _done(service: str, path: str, more: dict[str, str], count: str, said: str) -> Response:
    body = {"fingerprint": request.form.get("fingerprint", ""), **more}
    try:
        answer = services().post(service, path, body)
    except ApiProblem as problem:
        if problem.status >= 500 or problem.status in {401, 403}:
            raise
        errors = problem.problem.get("errors") or [{"message": problem.problem.get("detail", "")}]
        return on_to(PAGE, f"Refused: {errors[0]['message']}")
    return on_to(PAGE, f"{answer[count]} {said}")


def _known(answer: Any) -> Any:
    return None if isinstance(answer, Unavailable) else answer


def _why(answer: Any) -> str:
    if not isinstance(answer, Unavailable):
        return ""
    return str(answer.problem.get("detail") or answer.problem.get("title", ""))
