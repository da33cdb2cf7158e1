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
from billhook_gateway.ui.environment import STATIC, Pages, install_pages
from billhook_gateway.ui.format import Formats
from billhook_gateway.ui.shell import Viewer

pytestmark = pytest.mark.unit

TEMPLATES = STATIC.parent / "templates"
PAGE_BYTES, FIRST_VISIT_BYTES = 80_000, 130_000
SERVICES = ("crm", "billing", "invoicing", "payments", "tickets", "inventory")
EVIL = "\"'></title><script>alert(1)</script><img src=x onerror=alert(1)>{{7*6001}}\N{RIGHT-TO-LEFT OVERRIDE}"
ID = "0193a0c0-0000-7000-8000-000000000001"
NOW = "2026-11-22T08:41:00+00:00"
DAY = "2026-11-18"
PERIOD = {"from": "2026-11-01", "until": "2026-12-01"}


def euro(amount: str = "42.90") -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def listed(item: Any, number: int = 1) -> dict[str, Any]:
    return {"items": [item] * number, "next": "cursor"}


def people_and_books(text: str) -> dict[str, Any]:
    """Customer, transaction, open item, invoice, payment."""
    customer = {
        "id": ID, "version": 1, "number": text, "login": text, "name": text, "category": "person", "status": "active",
        "lifecycle": "active", "email": text, "phone": text, "city": text, "contact_person": text, "note": text,
        "address": {"street": text, "city": text, "zip": text, "country": text}, "payment_reference": text,
        "balance": euro("-42.90"), "overdue": euro(), "plan": text, "monthly": euro(), "billing_day": 1,
        "last_payment_on": DAY, "created_on": DAY,
    }  # fmt: skip
    transaction = {
        "id": ID, "posted_on": DAY, "kind": "charge", "side": "debit", "description": text, "amount": euro(),
        "balance_after": euro(), "document_number": text, "document_id": ID, "customer": customer,
    }  # fmt: skip
    item = {
        "transaction_id": ID, "document_id": ID, "document_number": text, "due_on": DAY, "total": euro(),
        "open": euro(), "overdue": True,
    }  # fmt: skip
    invoice = {
        "id": ID, "number": text, "customer": customer, "issued_on": DAY, "tax_point_on": DAY, "due_on": DAY,
        "period": PERIOD, "net_total": euro(), "tax_total": euro(), "gross_total": euro(), "open_amount": euro(),
        "state": "unpaid", "overdue": True, "payment_reference": text,
        "taxes": [{"rate": "21", "net": "1", "tax": "1"}],
        "lines": [{"text": text, "rule": text, "period": PERIOD, "quantity": "1", "unit_price": "1", "tax_rate": "21",
                   "net": "1"}],
    }  # fmt: skip
    payment = {
        "id": ID, "number": text, "customer": customer, "amount": euro(), "method": text, "received_on": DAY,
        "booked_on": DAY, "state": "confirmed", "reference": text,
        "documents": [{"document_id": ID, "number": text, "amount": "1"}],
    }  # fmt: skip
    return {"customer": customer, "transaction": transaction, "item": item, "invoice": invoice, "payment": payment}


def bank_and_runs(text: str, customer: dict[str, Any]) -> dict[str, Any]:
    """Bank statement with a line, billing run with a charge."""
    candidate = {
        "customer": customer, "document": {"id": ID, "number": text}, "open": euro(), "score": 77, "reasons": [text],
    }  # fmt: skip
    entry = {
        "id": ID, "position": 1, "booked_on": DAY, "amount": euro(), "payer": text, "iban_masked": text,
        "remittance": text, "state": "proposed", "score": 77, "reasons": [text], "candidates": [candidate],
        "can_split": True,
    }  # fmt: skip
    statement = {
        "id": ID, "account": text, "format": text, "sequence": text, "entries": 3, "credits": euro(), "debits": euro(),
        "opening": euro(), "closing": euro(), "proof": "proved", **PERIOD, "to_post": {"count": 1, "sum": euro()},
        "counts": {"auto": 1, "proposed": 1, "queued": 1, "ignored": 0, "processed": 0},
    }  # fmt: skip
    run = {
        "id": ID, "run_date": DAY, "state": "preview_ready", "created_at": NOW, "progress": "0.4", "content_hash": text,
        "counts": {"customers": 1, "charges": 1, "lines": 1, "skipped": 1, "failed": 1},
        "totals": {"net": euro(), "tax": euro(), "gross": euro()},
    }  # fmt: skip
    charge = {
        "customer": customer, "period": PERIOD, "lines": 1, "late": True, "approved": False, "net": euro(),
        "tax": euro(), "gross": euro(),
    }  # fmt: skip
    problem = {"customer": customer, "reason": text, "detail": text}
    return {"entry": entry, "statement": statement, "run": run, "charge": charge, "problem": problem}


def daily_work(text: str, customer: dict[str, Any]) -> dict[str, Any]:
    """Ticket, item, plan, subscription, import."""
    ticket = {
        "id": ID, "number": text, "subject": text, "status": "new", "priority": "urgent", "customer": customer,
        "assignee": text, "opened_at": NOW,
        "messages": [{"author": text, "sent_at": NOW, "body": text, "note": True}],
    }  # fmt: skip
    thing = {
        "id": ID, "product": text, "serial": text, "state": "rent", "condition": "used", "customer": customer,
        "location": text,
    }  # fmt: skip
    plan = {
        "id": ID, "version": 1, "name": text, "description": text, "price": "1", "currency": "EUR", "tax_rate": "21",
        "tax_included": True, "period_months": 1, "enabled": True,
    }  # fmt: skip
    subscription = {
        "id": ID, "plan": plan, "state": "active", "description": text, "currency": "EUR", "quantity": "2",
        "price": "1", "period_months": 1, "starts_on": DAY, "charged_until": DAY,
    }  # fmt: skip
    job = {
        "id": ID, "filename": text, "state": "uploaded", "rows": 3, "imported": 1, "known": 1, "failed": 1,
        "uploaded_by": text, "uploaded_at": NOW, "header": [text], "mapping": {"name": text}, "same_file": [],
        "columns": [{"name": "name", "title": text, "required": True}], "dialect": {"date_order": "dmy"},
    }  # fmt: skip
    row_error = {"row": 1, "line": 2, "column": text, "header": text, "message": text, "value": text}
    preview = {
        "rows": 3, "new": 1, "known": 1, "failed": 1, "unused": [text], "errors": [row_error], "plans": [text],
        "sample": [{"row": 1, "customer": {"name": text, "login": text, "email": text, "city": text,
                                           "created_on": DAY}}],
    }  # fmt: skip
    return {
        "ticket": ticket,
        "thing": thing,
        "plan": plan,
        "subscription": subscription,
        "job": job,
        "preview": preview,
    }


def contexts(text: str, number: int = 1) -> dict[str, dict[str, Any]]:
    """What each page is given, shaped like the services' JSON; every free text is ``text``."""
    r = people_and_books(text)
    r |= bank_and_runs(text, r["customer"]) | daily_work(text, r["customer"])
    account = {"balance": euro(), "open": euro(), "overdue": euro(), "currency": "EUR", "settings": {"billing_day": 1}}
    values = {"name": text, "email": text, "address.street": text, "subject": text, "body": text}
    errors = {"name": [text], "": [text]}
    form = {"values": values, "errors": errors, "currency": "EUR", "idempotency_key": text}
    tab = {"customer": r["customer"], "counts": {"invoices": 3}, "tab": ""}
    user = {"id": ID, "version": 1, "name": text, "login": text, "role": text, "active": True, "signed_in_at": NOW}
    key = {
        "id": ID, "name": text, "prefix": text, "permissions": [text], "expires_at": NOW, "last_used_at": NOW,
        "revoked_at": None,
    }  # fmt: skip
    receivables = {
        "owed": euro(), "overdue": euro(), "overdue_count": 1, "not_due": euro(),
        "buckets": [{"from_days": 1, "until_days": 30, "count": 1, "sum": euro()},
                    {"from_days": 91, "until_days": None, "count": 1, "sum": euro()}],
    }  # fmt: skip
    month = {"month": "2026-11", "invoiced": euro(), "collected": euro()}
    imported = {"job": r["job"], "services": r["job"], "errors": errors}
    return {
        "home.html": {
            "receivables": receivables, "invoiced": {"sum": euro(), "count": 2},
            "collected": {"sum": euro(), "count": 2}, "months": [month, {"month": "2026-12", "planned": euro()}],
            "unmatched": 3, "open_tickets": 1,
            "debtors": [{"customer": r["customer"], "amount": euro("-1"), "days": 3}],
            "payers": [{"customer": r["customer"], "amount": euro()}], "transactions": listed(r["transaction"]),
        },
        "signin.html": form,
        "error.html": {"status": 403, "detail": "", "missing": text, "service": "", "request_id": text},
        "customers/list.html": {"customers": listed(r["customer"], number), "count": {"total": 9, "filtered": 1}},
        "customers/form.html": {"customer": r["customer"], **form},
        "customers/overview.html": {
            **tab, "account": account, "next_charge": {"on": DAY, "total": euro(), "text": text},
            "open_items": listed(r["item"]), "transactions": listed(r["transaction"]),
            "subscriptions": listed(r["subscription"]),
            "invoices": listed(r["invoice"]), "tickets": listed(r["ticket"]),
        },
        "customers/services.html": {**tab, "subscriptions": listed(r["subscription"])},
        "customers/transactions.html": {**tab, "transactions": listed(r["transaction"], number)},
        "customers/invoices.html": {**tab, "invoices": listed(r["invoice"], number)},
        "customers/payments.html": {**tab, "payments": listed(r["payment"], number)},
        "customers/tickets.html": {**tab, "tickets": listed(r["ticket"], number)},
        "customers/equipment.html": {**tab, "equipment": listed(r["thing"], number)},
        "customers/service_form.html": {
            "customer": r["customer"], "account": account, "plans": listed(r["plan"]), **form,
        },
        "customers/correction.html": {"customer": r["customer"], **form},
        "customers/import/upload.html": {"step": 1, "job": None, "jobs": listed(r["job"]), "errors": errors},
        "customers/import/columns.html": {"step": 2, "cut_over": DAY, **imported},
        "customers/import/preview.html": {
            "step": 3, "preview": r["preview"], "services_preview": r["preview"], **imported,
        },
        "customers/import/result.html": {"step": 4, **imported},
        "plans/list.html": {"plans": listed(r["plan"], number)},
        "plans/form.html": {"plan": r["plan"], **form},
        "billing_runs/list.html": {"runs": listed(r["run"], number)},
        "billing_runs/form.html": form,
        "billing_runs/page.html": {
            "run": r["run"], "charges": listed(r["charge"], number), "skipped": listed(r["problem"]),
            "failed": listed(r["problem"]),
        },
        "transactions/list.html": {
            "transactions": listed(r["transaction"], number),
            "totals": {"EUR": {"debit": {"count": 1, "sum": "1"}, "credit": {"count": 1, "sum": "1"}}},
        },
        "invoices/list.html": {
            "invoices": listed(r["invoice"], number), "totals": {"count": 1, "gross": euro(), "open": euro()},
        },
        "invoices/page.html": {"invoice": r["invoice"], "payments": listed(r["payment"])},
        "payments/list.html": {"payments": listed(r["payment"], number), "totals": {"count": 1, "sum": euro()}},
        "payments/page.html": {"payment": r["payment"], "idempotency_key": text},
        "payments/form.html": {
            "customer": r["customer"], "account": account, "open_items": listed(r["item"]),
            "found": listed(r["customer"]), **form,
        },
        "bank/list.html": {"statements": listed(r["statement"], number), "errors": errors},
        "bank/statement.html": {
            "statement": r["statement"], "entries": listed(r["entry"], number), "entry": r["entry"],
            "found": listed(r["customer"]),
            "undo": True,
        },
        "bank/split.html": {"statement": r["statement"], "entry": r["entry"], "values": [], "errors": errors},
        "tickets/list.html": {"tickets": listed(r["ticket"], number), "open_count": 1},
        "tickets/form.html": {"customer": r["customer"], **form},
        "tickets/page.html": {"ticket": r["ticket"], **form},
        "inventory/list.html": {"items": listed(r["thing"], number)},
        "inventory/form.html": form,
        "access/users.html": {"users": listed(user, number)},
        "access/user_form.html": {"user": user, "roles": [text], **form},
        "access/keys.html": {"keys": listed(key, number), "secret": text},
        "access/key_form.html": {"permissions": [text], **form},
        "palette_results.html": {"customers": listed(r["customer"]), "invoices": listed(r["invoice"])},
        "dev/components.html": {},
    }  # fmt: skip


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
