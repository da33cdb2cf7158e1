"""What is round every page: who looks, the numbers in the navigation, what was just done, which service is silent."""

import json
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import quote, unquote

from flask import Response, g, request

from billhook_gateway.door import Door, caller, door, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.environment import Pages, install_pages
from billhook_gateway.ui.format import Formats
from billhook_gateway.ui.shell import Viewer

LOCALE = "en_IE"
NOTICE = "notice"
NOTICE_SECONDS = 60
COUNT_SECONDS = 5.0
"""The numbers in the navigation may be this old; nothing is decided by them."""
TROUBLE_SECONDS = 30.0
"""How many events need people is asked of all services, so seldom."""

_COUNTED = {
    "customers": ("crm:read", "crm", "/customers/count", "total"),
    "bank": ("payments:import", "payments", "/panels/unmatched", "count"),
    "tickets": ("tickets:read", "tickets", "/panels/tickets", "open"),
}


def install_frame(app: Door) -> None:
    """Connect the templates with the door."""
    settings = app.settings
    formats = Formats.of(LOCALE, settings.zone, settings.currency)
    install_pages(
        app,
        Pages(
            operator=_operator,
            formats=lambda: formats,
            viewer=_viewer,
            csrf_token=lambda: caller().csrf_token,
            counts=_counts,
            down=lambda: g.get("down", {}),
            now=app.clock.now,
            messages=_messages,
            development=settings.development,
        ),
    )

    @app.after_request
    def forget_what_was_told(response: Response) -> Response:
        if g.get("notice_shown"):
            response.delete_cookie(NOTICE, path="/", httponly=True, samesite="Lax")
        return response


def note_outages(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers with None for what is missing; a service that does not answer is named on the page."""
    down = g.setdefault("down", {})
    known: dict[str, Any] = {}
    for name, answer in answers.items():
        if isinstance(answer, Unavailable):
            if answer.status >= 500:
                down[answer.service] = answer.at.isoformat() if answer.at else None
            known[name] = None
        else:
            known[name] = answer
    return known


def tell(response: Response, text: str, undo: str = "") -> Response:
    """Have the next page say what was done; ``undo`` is the URL that takes it back."""
    value = quote(json.dumps({"text": text, "undo": undo}))
    response.set_cookie(NOTICE, value, max_age=NOTICE_SECONDS, httponly=True, samesite="Lax", path="/")
    return response


def _messages() -> list[dict[str, str]]:
    raw = request.cookies.get(NOTICE)
    if not raw:
        return []
    g.notice_shown = True
    try:
        notice = json.loads(unquote(raw))
        return [{"text": str(notice["text"]), "undo": str(notice["undo"])}]
    except (ValueError, KeyError, TypeError):
        return []


def _viewer() -> Viewer | None:
    identity = caller().identity
    return Viewer(identity.name, caller().role, identity.permissions) if identity else None


class _Kept:
    """Values of one process that are asked for again after a few seconds."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, seconds: float = COUNT_SECONDS) -> Any:
        """The value, unless it is too old."""
        at, value = self._values.get(key, (0.0, None))
        return value if monotonic() - at < seconds else None

    def keep(self, key: str, value: Any) -> Any:
        """Remember it."""
        if len(self._values) > 1_000:
            self._values.clear()
        self._values[key] = (monotonic(), value)
        return value

    def forget(self, key: str) -> None:
        """Ask again next time."""
        self._values.pop(key, None)


_kept = _Kept()


def _counts() -> dict[str, int]:
    identity = caller().identity
    if identity is None:
        return {}
    known = _kept.get(f"counts {identity.subject}")
    if known is not None:
        return dict(known)
    wanted = {name: (service, path) for name, (right, service, path, _) in _COUNTED.items() if identity.allows(right)}
    answers = services().gather(**wanted)
    counts = {
        name: int(answer[_COUNTED[name][3]]) for name, answer in answers.items() if not isinstance(answer, Unavailable)
    }
    if identity.allows("ops:read"):
        counts["operations"] = _trouble()
    return dict(_kept.keep(f"counts {identity.subject}", counts))


def _trouble() -> int:
    """Events that are parked and messages that the broker has given up, in the services that answer."""
    known = _kept.get("trouble", TROUBLE_SECONDS)
    if known is None:
        answers = services().gather(**{name: (name, "/ops/messaging") for name in door().backend.services})
        figures = [answer for answer in answers.values() if not isinstance(answer, Unavailable)]
        known = _kept.keep("trouble", sum(int(one.get("parked") or 0) + int(one.get("dead") or 0) for one in figures))
    return int(known)


def forget_trouble() -> None:
    """Something was done about it here: ask again."""
    _kept.forget("trouble")
    if (identity := caller().identity) is not None:
        _kept.forget(f"counts {identity.subject}")


def forget_operator() -> None:
    """The operator's name was changed here: ask for it again."""
    _kept.forget("operator")


def _operator() -> str:
    known = _kept.get("operator")
    if known is None:
        known = _kept.keep("operator", door().company_name() or "Billhook")
    return str(known)
