"""Every page with good, hostile, missing and absent data: escaped, described, small, and in the reader's rights."""

import datetime as dt
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import Environment
from lxml import html

from billhook_gateway.domain.roles import ROLES
from billhook_gateway.testing_samples import NOW
from billhook_gateway.ui.environment import STATIC, Pages, install_pages
from billhook_gateway.ui.format import Formats
from billhook_gateway.ui.shell import Viewer

from .page_samples import contexts

pytestmark = pytest.mark.unit

TEMPLATES = STATIC.parent / "templates"
PAGE_BYTES, FIRST_VISIT_BYTES = 80_000, 130_000
SERVICES = ("crm", "billing", "invoicing", "payments", "tickets", "inventory")
EVIL = "\"'></title><script>alert(1)</script><img src=x onerror=alert(1)>{{7*6001}}\N{RIGHT-TO-LEFT OVERRIDE}"


PAGES = sorted(contexts("x"))
LISTS = ["bank/statement.html", "customers/invoices.html", *(name for name in PAGES if name.endswith("list.html"))]
REFERENCES = ("aria-describedby", "aria-labelledby", "aria-controls", "for", "form", "popovertarget", "data-open")
SPRITE = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/icons.svg").read_text()))
COMPOSED = [
    *(name for name in PAGES if name.endswith("list.html")),
    *("home.html", "customers/overview.html", "customers/services.html", "customers/transactions.html"),
    *("customers/invoices.html", "customers/payments.html", "customers/tickets.html", "customers/equipment.html"),
]
"""Pages with panels of several services, or whose only list is a panel."""
Render = Callable[..., str]


@pytest.fixture(scope="module")
def render() -> Render:
    """Render a page for a viewer, with some services down, at an address."""
    app = Flask(__name__, template_folder=str(TEMPLATES), static_folder=None)
    shown: dict[str, Any] = {}
    pages = Pages(
        operator=lambda: "Brightvale",
        formats=lambda: Formats.of("en_IE", "Europe/Prague", "EUR"),
        viewer=lambda: shown["viewer"],
        csrf_token=lambda: "token-of-the-session",
        counts=lambda: {"bank": 32, "customers": 64_120},
        down=lambda: dict.fromkeys(shown["down"], NOW),
        now=lambda: dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC),
    )
    install_pages(app, pages)

    def render_page(
        template: str,
        context: Mapping[str, Any],
        role: str = "administrator",
        down: tuple[str, ...] = (),
        query: str = "",
    ) -> str:
        person = Viewer("Sara Keller", role, ROLES[role].permissions)
        shown.update(viewer=None if template == "signin.html" else person, down=down)
        with app.test_request_context(f"/here{query}"):
            return render_template(template, **context)

    return render_page


def elements(page: str) -> Iterator[html.HtmlElement]:
    return html.document_fromstring(page).iter("*")


@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_stays_text(render: Render, name: str) -> None:
    page = render(name, contexts(EVIL)[name], query="?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%22onx=1")
    assert "42007" not in page
    for element in elements(page):
        assert element.tag != "script" or (element.get("src", "").startswith("/static/") and not element.text)
        assert element.tag != "img"
        for attribute, value in element.items():
            assert not attribute.startswith(("on", "hx-on", "style"))
            assert not value.strip().lower().startswith(("javascript:", "js:"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_heading_and_no_broken_reference(render: Render, name: str) -> None:
    source = render(name, contexts("x")[name])
    assert set(re.findall(r'icons\.[0-9a-f]+\.svg#([^"]+)"', source)) <= SPRITE
    page = html.document_fromstring(source)
    ids = [element.get("id") for element in page.iterfind(".//*[@id]")]
    templates = {element.get("id") for element in page.iterfind(".//template//*[@id]")}
    once = [name for name in ids if name and name not in templates and name != "hatch"]
    assert sorted({name for name in once if once.count(name) > 1}) == []
    for attribute in REFERENCES:
        for element in page.iterfind(f".//*[@{attribute}]"):
            assert set(element.get(attribute, "").split()) <= set(ids), (attribute, element.get(attribute))
    if name not in ("palette_results.html", "dev/components.html"):
        assert len(page.findall(".//main//h1")) == 1


@pytest.mark.parametrize("name", COMPOSED)
def test_a_page_without_data_of_a_service_says_so_and_shows_the_rest(render: Render, name: str) -> None:
    own = {key: value for key, value in contexts("x")[name].items() if key in ("customer", "invoice", "tab", "errors")}
    assert "service is not answering" in render(name, own, down=SERVICES)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_offered_what_it_may_not_do(render: Render, role: str) -> None:
    asked = {
        "/billing-runs/new": "billing:run",
        "/customers/import": "crm:import",
        "/customers/new": "crm:write",
        "/payments/new": "payments:write",
        "/users/new": "gateway:admin",
        "/tickets/new": "tickets:write",
    }
    person = Viewer("x", role, ROLES[role].permissions)
    for name in (
        "home.html",
        "customers/list.html",
        "customers/overview.html",
        "invoices/page.html",
        "tickets/list.html",
    ):
        page = render(name, contexts("x")[name], role=role)
        for address, permission in asked.items():
            assert person.may(permission) or f'href="{address}' not in page


@pytest.mark.parametrize("name", PAGES)
def test_every_form_that_changes_something_carries_the_token(render: Render, name: str) -> None:
    page = html.document_fromstring(render(name, contexts("x")[name]))
    for form in page.iterfind(".//form[@method='post']"):
        assert form.findall("./input[@name='csrf_token'][@value='token-of-the-session']")


@pytest.mark.parametrize("name", LISTS)
def test_a_full_page_stays_in_its_budget(render: Render, name: str) -> None:
    page = render(name, contexts("Anna-Maria Nováková", number=50)[name]).encode()
    assert len(page) <= PAGE_BYTES
    first = [*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js")]
    files = b"".join(path.read_bytes() for path in [*first, STATIC / "vendor/htmx.min.js", STATIC / "vendor/icons.svg"])
    fonts = sum(path.stat().st_size for path in (STATIC / "vendor").glob("inter-latin.woff2"))
    assert len(gzip.compress(page, 9)) + len(gzip.compress(files, 9)) + fonts <= FIRST_VISIT_BYTES


def test_an_empty_list_says_what_belongs_there_and_a_filtered_one_offers_to_drop_the_filter(render: Render) -> None:
    nothing = {"customers": {"items": [], "next": None}, "count": {"total": 0, "filtered": 0}}
    assert "No customers yet" in render("customers/list.html", nothing)
    assert "Drop the filter" in render("customers/list.html", nothing, query="?status=blocked")


def test_the_theme_is_written_by_the_server(render: Render) -> None:
    assert '<html lang="en">' in render("signin.html", contexts("x")["signin.html"])


def templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_every_text_goes_through_gettext(path: Path) -> None:
    source = "".join(text for _, kind, text in Environment().lex(path.read_text()) if kind == "data")
    attributes = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*[A-Za-z]{2}[^"]*)"', source)
    texts = re.findall(r">([^<]*[A-Za-z]{2}[^<]*)<", ">" + re.sub(r'="[^"]*"', "", source) + "<")
    assert [text.strip() for text in texts + attributes] == []


@pytest.mark.parametrize("name", PAGES)
def test_enter_presses_the_forms_own_button(render: Render, name: str) -> None:
    for form in html.document_fromstring(render(name, contexts("x")[name])).iterfind(".//form"):
        buttons = [
            button for button in form.iterfind(".//button") if button.get("type") == "submit" and not button.get("form")
        ]
        assert not buttons or buttons[0].get("formaction") is None, html.tostring(buttons[0])


def test_a_page_that_asks_again_by_itself_does_not_keep_its_reader_signed_in(render: Render) -> None:
    asking = [
        element
        for name in PAGES
        for element in html.document_fromstring(render(name, contexts("x")[name])).iterfind(".//*[@hx-trigger]")
        if "every" in element.get("hx-trigger") or element.get("data-live") is not None
    ]
    assert len(asking) >= 2
    assert [
        element.get("id") for element in asking if "X-Billhook-Unattended" not in element.get("hx-headers", "")
    ] == []
