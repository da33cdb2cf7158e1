"""The template environment: components by name, formats as filters, translated words, and who is looking."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Flask, g, render_template, request
from jinja2 import Environment, Undefined

from billhook_common.auth import public
from billhook_gateway.ui import charts, texts
from billhook_gateway.ui.assets import Assets, assets_blueprint
from billhook_gateway.ui.browsers import browser_name
from billhook_gateway.ui.conflicts import differences, form_version
from billhook_gateway.ui.format import Formats, days_between, days_late
from billhook_gateway.ui.forms import flat
from billhook_gateway.ui.location import Location
from billhook_gateway.ui.shell import Viewer, actions, navigation
from billhook_gateway.ui.states import document_state, state_label, state_tone, word

STATIC = Path(__file__).resolve().parent.parent / "static"
THEMES = ("light", "dark")
AVATAR_TONES = ("brand", "good", "warn", "info")


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages ask of the gateway, each once a request.

    ``viewer`` is ``None`` before sign-in; ``counts`` are the numbers beside navigation entries; ``down`` names the
    services that do not answer, with the time of their last answer; ``messages`` tell once what was just done:
    ``{text, undo}``.
    """

    operator: Callable[[], str]
    formats: Callable[[], Formats]
    viewer: Callable[[], Viewer | None]
    csrf_token: Callable[[], str]
    counts: Callable[[], Mapping[str, int]]
    down: Callable[[], Mapping[str, str | None]]
    now: Callable[[], datetime]
    messages: Callable[[], list[dict[str, str]]] = list
    development: bool = False


class Components:
    """``ui.badge`` is the macro ``badge`` of ``components/badge.html``: one file a component, no imports in pages."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        template = self._environment.get_template(f"components/{name}.html")
        return getattr(template.module, name)


def install_pages(app: Flask, pages: Pages) -> Assets:
    """Give an app the templates' words, filters and static files; returns the files for use in headers."""
    assets = Assets(STATIC)
    app.register_blueprint(assets_blueprint(assets))
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension above
        texts.gettext, texts.ngettext, newstyle=True
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals |= _globals(environment, assets, pages)
    environment.filters |= _filters(pages)
    if pages.development:
        app.add_url_rule("/dev/components", "components", public(lambda: render_template("dev/components.html")))
    return assets


def _globals(environment: Environment, assets: Assets, pages: Pages) -> dict[str, Any]:
    return {
        "ui": Components(environment),
        "static": assets.url,
        "charts": charts,
        "operator": lambda: _once("operator", pages.operator),
        "csrf_token": pages.csrf_token,
        "viewer": lambda: _once("viewer", pages.viewer),
        "may": lambda permission: (viewer := _once("viewer", pages.viewer)) is not None and viewer.may(permission),
        "navigation": lambda: _navigation(pages),
        "actions": lambda: (viewer := _once("viewer", pages.viewer)) and actions(viewer),
        "here": lambda: Location(request.path, request.args.to_dict()),
        "outage": lambda service: _outage(pages, service),
        "outages": lambda: [_outage(pages, service) for service in _once("down", pages.down)],
        "messages": pages.messages,
        "tick_money": lambda value: pages.formats().short_money(value),
        "today": lambda: _today(pages).isoformat(),
        "now": lambda: pages.now().isoformat(timespec="seconds"),
        "zone": lambda: pages.formats().zone.key,
        "language": lambda: pages.formats().locale.language,
        "theme": lambda: theme if (theme := request.cookies.get("theme")) in THEMES else "",
        "state_label": state_label,
        "state_tone": state_tone,
        "document_state": document_state,
        "days_late": lambda due_on: days_late(due_on, _today(pages).isoformat()),
        "days_between": days_between,
        "form_version": form_version,
        "differences": differences,
    }


def _filters(pages: Pages) -> dict[str, Callable[..., Any]]:
    def written(name: str) -> Callable[..., Any]:
        """The method of the operator's formats, looked up when it is used: the operator may change them."""

        def write(value: Any, *arguments: Any) -> Any:
            # What a page was not given is written like what is not there.
            known = None if isinstance(value, Undefined) else value
            return getattr(pages.formats(), name)(known, *arguments)

        return write

    names = (
        *("money", "price", "signed", "short_money", "number", "short_number", "percent"),
        *("rate", "date", "last_day", "long_date", "day", "month", "long_month", "moment", "hour", "period"),
    )
    return {name: written(name) for name in names} | {
        "ago": lambda value: pages.formats().ago(value, pages.now()),
        "word": lambda value, kind: word(kind, value),
        "browser": browser_name,
        "said": said,
        "flat": flat,
        "initials": initials,
        "avatar_tone": avatar_tone,
        "figure": figure,
        "negative": lambda money: figure(money) < 0,
    }


def said(value: Any) -> str:
    """A field's value in words: yes or no, a dash for nothing."""
    if isinstance(value, bool):
        return texts.gettext("yes") if value else texts.gettext("no")
    return "—" if value in (None, "") else str(value)


def initials(name: str) -> str:
    """First letters of the first and last word of a name: ``AN`` for Anna Novak."""
    words = [part for part in name.split() if part[0].isalnum()] or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def avatar_tone(name: str) -> str:
    """A tone that stays the same for the same name."""
    return AVATAR_TONES[zlib.crc32(name.encode()) % len(AVATAR_TONES)]


def figure(value: Mapping[str, str] | str | int | None) -> float:
    """The number in a money value or decimal string, for comparisons and geometry only; 0 for nothing."""
    if value is None:
        return 0.0
    return float(Decimal(value["amount"] if isinstance(value, Mapping) else value))


def _once(name: str, ask: Callable[[], Any]) -> Any:
    """The answer for this request, asked for at most once."""
    key = f"pages_{name}"
    if key not in g:
        setattr(g, key, ask())
    return g.get(key)


def _today(pages: Pages) -> date:
    return pages.formats().today(pages.now())


def _navigation(pages: Pages) -> list[dict[str, Any]]:
    viewer = _once("viewer", pages.viewer)
    return navigation(viewer, request.path, _once("counts", pages.counts)) if viewer else []


def _outage(pages: Pages, service: str) -> dict[str, str | None] | None:
    down = _once("down", pages.down)
    return {"service": service, "since": down[service]} if service in down else None
