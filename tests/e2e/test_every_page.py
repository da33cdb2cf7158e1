"""Every page on the demo's month: quiet under its content policy, usable by everybody, fit for a phone, adding up."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from billhook.demo.client import Client

from .browsing import DESK, PHONE, Visitor, sideways, violations
from .conftest import PASSWORD, Installation

pytestmark = pytest.mark.e2e

LISTS = (
    *("/customers", "/open-items", "/revenue", "/billing-runs", "/transactions", "/invoices", "/payments", "/bank"),
    *("/bank/to-check", "/bank/accounts", "/plans", "/tickets", "/inventory", "/users", "/mail", "/api-keys"),
)
FORMS = (
    *("/customers/new", "/customers/import", "/billing-runs/new", "/payments/new", "/plans/new", "/tickets/new"),
    *("/inventory/new", "/users/new", "/api-keys/new", "/bank/accounts/new", "/company", "/account", "/two-factor"),
)
ODD = (
    *("/customers?q=nobody-is-called-that", "/customers?balance=negative&overdue=true", "/invoices?state=overdue"),
    *("/payments/new?q=nov", "/open-items?late=1-30", "/nowhere"),
)
TABS = (
    "services",
    "transactions",
    "invoices",
    "payments",
    "tickets",
    "equipment",
    "edit",
    "services/new",
    "correction",
)
FILE = "Login;Full name;Plan;Plan price\nsoon.one;Soon One;Fibre 300;24,90\n;;;\nbad.one;Bad One;Fibre 300;much\n"

RECORDS = (
    *("{customer}", *(f"{{customer}}/{tab}" for tab in TABS), "{customer}/services/{service}"),
    *("{invoice}", "{payment}", "{statement}", "{statement}?show=matched", "{statement}?show=all", "{split}"),
    *("{run}", "{plan}", "{ticket}", "{item}", "{user}", "{import}", "{columns}", "{preview}"),
    *("/payments/new?customer={customer_id}", "/open-items?customer_id={customer_id}"),
)


@pytest.fixture(scope="module")
def administrator(browser: Browser, embedded: Installation) -> Iterator[Visitor]:
    context = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
    visitor = Visitor.arrive(context, embedded.url)
    visitor.sign_in("admin", PASSWORD)
    yield visitor
    context.close()


@pytest.fixture(scope="module")
def records(embedded: Installation) -> dict[str, str]:
    """One record of each kind, by the names in RECORDS."""
    client = embedded.client

    def first(path: str, **query: object) -> dict[str, Any]:
        return next(iter(client.pages(path, **query)))

    owing = first("/billing/accounts", owing="true")["customer"]["id"]
    statement = first("/payments/statements")["id"]
    waiting = first("/payments/entries", state="to_check")["id"]
    upload = client.upload("/crm/imports", "a few.csv", FILE.encode(), key="a few")
    client.upload("/billing/imports", "a few.csv", FILE.encode(), key="a few services", companion=upload["id"])
    return {
        "customer": f"/customers/{owing}",
        "customer_id": owing,
        "service": first("/billing/subscriptions", customer_id=owing)["id"],
        "invoice": f"/invoices/{first('/invoicing/invoices', state='paid')['id']}",
        "payment": f"/payments/{first('/payments/payments', method='bank_transfer')['id']}",
        "statement": f"/bank/{statement}",
        "split": f"/bank/{statement}/entries/{waiting}/split",
        "run": f"/billing-runs/{first('/billing/runs')['id']}",
        "plan": f"/plans/{first('/billing/plans')['id']}",
        "ticket": f"/tickets/{first('/tickets/tickets')['id']}",
        "item": f"/inventory/{first('/inventory/items')['id']}",
        "user": f"/users/{first('/gateway/users')['id']}",
        "import": f"/customers/import/{first('/crm/imports')['id']}",
        "columns": f"/customers/import/{upload['id']}?step=columns",
        "preview": f"/customers/import/{upload['id']}",
    }


@pytest.mark.parametrize("address", ["/", *LISTS, *FORMS, *ODD, *RECORDS])
def test_a_page_is_quiet_usable_by_everybody_and_fits_a_phone(
    administrator: Visitor, records: dict[str, str], address: str
) -> None:
    for size in (DESK, PHONE):
        administrator.page.set_viewport_size(size)  # type: ignore[arg-type]
        page = administrator.go(address.format(**records))
        expect(page.locator("main h1")).to_have_count(1)
        assert sideways(page) <= 0, size
        assert violations(page) == []
    administrator.page.set_viewport_size(DESK)  # type: ignore[arg-type]
    administrator.is_content()


def test_the_page_before_sign_in_is_usable_by_everybody(context: BrowserContext, embedded: Installation) -> None:
    stranger = Visitor.arrive(context, embedded.url)
    for size in (DESK, PHONE):
        stranger.page.set_viewport_size(size)  # type: ignore[arg-type]
        page = stranger.go("/customers")
        expect(page).to_have_title(re.compile("Sign in"))
        assert sideways(page) <= 0
        assert violations(page) == []
    stranger.is_content()


def money(text: str) -> Decimal:
    """``€1,234.50`` and the like."""
    found = re.search(r"-?[\d,]+\.\d\d", text.replace("\N{MINUS SIGN}", "-").replace("€", ""))
    assert found is not None, text
    return Decimal(found[0].replace(",", ""))


def number(text: str) -> int:
    found = re.search(r"[\d,]+", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


def tile(page: Page, title: str) -> tuple[str, str]:
    """What a tile shows, and what the head of the list says that it leads to."""
    card = page.locator(".tile").filter(has=page.get_by_role("heading", name=title))
    shown = card.locator(".value").inner_text()
    card.get_by_role("link").click()
    return shown, page.locator(".head .sub").inner_text()


@pytest.mark.parametrize("title", ["Owed to us", "Invoiced in", "Collected in"])
def test_money_on_the_dashboard_equals_the_list_it_leads_to(administrator: Visitor, title: str) -> None:
    shown, listed = tile(administrator.go("/"), title)
    assert money(shown) == money(listed)


@pytest.mark.parametrize("title", ["Payments to match", "Open tickets"])
def test_a_count_on_the_dashboard_equals_the_list_it_leads_to(administrator: Visitor, title: str) -> None:
    shown, listed = tile(administrator.go("/"), title)
    assert number(shown) == number(listed)


def test_every_age_of_debt_equals_the_list_it_leads_to(administrator: Visitor) -> None:
    page = administrator.go("/")
    overdue = page.get_by_role("region", name="Overdue ageing")
    total, ages = money(overdue.locator(".big").inner_text()), overdue.locator(".buckets li")
    lines = [(line.locator("a").get_attribute("href"), line.inner_text()) for line in ages.all()]
    assert sum(money(text) for _, text in lines) == total
    for href, text in lines:
        listed = administrator.go(str(href)).locator(".head .sub").inner_text()
        assert money(text) == (money(listed) if "open" in listed else 0)


def test_recurring_revenue_and_its_movements_equal_the_lists_they_lead_to(administrator: Visitor) -> None:
    page = administrator.go("/")
    growth = page.get_by_role("region", name="Recurring revenue growth")
    growth.locator("summary").click()
    month = growth.locator("tbody tr").last.get_by_role("link")
    figures = [(link.get_attribute("href"), link.inner_text()) for link in month.all()]
    assert len(figures) == 4
    shown = page.locator(".tile").filter(has_text="Monthly recurring revenue").locator(".value").inner_text()
    for href, text in figures:
        listed = administrator.go(str(href))
        changes = [money(cell.inner_text()) for cell in listed.locator("#rows tr:not(.more) td:last-child").all()]
        head = money(listed.locator(".head .sub").inner_text())
        assert money(text) == head
        assert sum(changes) == head or len(changes) == 50
    assert money(shown) == money(
        administrator.page.locator("main p.sub", has_text="at its end").inner_text().split("end")[1]
    )


def test_customers_by_state_equal_the_lists_they_lead_to(administrator: Visitor) -> None:
    states = administrator.go("/").get_by_role("region", name="Customers", exact=True).locator(".buckets li")
    lines = [(line.locator("a").get_attribute("href"), line.locator("b").inner_text()) for line in states.all()]
    assert len(lines) > 2
    for href, text in lines:
        listed = administrator.go(str(href)).locator(".head .sub").inner_text()
        assert number(text) == number(listed), href


def test_a_customers_figures_equal_their_lists(
    administrator: Visitor, records: dict[str, str], embedded: Installation
) -> None:
    page = administrator.go(records["customer"])
    figures = page.locator(".tile")
    balance = money(figures.filter(has_text="Account balance").locator(".big").inner_text())
    promised = figures.filter(has_text="Next charge").locator(".big").inner_text()
    owed = figures.filter(has=page.get_by_role("link", name=re.compile("Overdue|Open")))
    shown = money(owed.locator(".big").inner_text())
    owed.get_by_role("link").click()
    assert money(page.locator(".head .sub").inner_text()) == shown
    mine = {"customer_id": records["customer_id"]}
    transactions = list(embedded.client.pages("/billing/transactions", **mine))
    assert balance == sum(Decimal(one["change"]["amount"]) for one in transactions)
    charge = embedded.client.get(f"/billing/accounts/{records['customer_id']}/next-charge")
    assert money(promised) == Decimal(charge["total"]["amount"])
    tab = administrator.go(f"{records['customer']}/transactions").get_by_role(
        "link", name=re.compile("^Transactions \\d")
    )
    assert number(tab.inner_text()) == len(transactions) == page.locator("#rows tr").count()


def user(client: Client, role: str) -> str:
    login = f"{role}.only"
    known = [one["login"] for one in client.pages("/gateway/users")]
    if login not in known:
        body = {"name": f"Only {role}", "login": login, "role": role, "password": PASSWORD, "active": True}
        client.post("/gateway/users", body, key=login)
    return login


@pytest.mark.parametrize(
    ("role", "hidden", "refused"),
    [
        (
            "cashier",
            ["Bank import", "Billing run", "Tickets"],
            {"/billing-runs/new": "billing:run", "/bank": "payments:import"},
        ),
        ("support", ["Bank import", "Users"], {"/payments/new": "payments:write", "/company": "gateway:admin"}),
        ("finance", ["Users", "Company"], {"/users": "gateway:admin", "/tickets/new": "tickets:write"}),
    ],
)
def test_a_role_sees_what_it_may_and_is_told_which_right_is_missing(
    context: BrowserContext, embedded: Installation, role: str, hidden: list[str], refused: dict[str, str]
) -> None:
    visitor = Visitor.arrive(context, embedded.url)
    visitor.sign_in(user(embedded.client, role), PASSWORD)
    navigation = visitor.page.get_by_role("navigation", name="Main", exact=True)
    for name in hidden:
        expect(navigation.get_by_role("link", name=name)).to_have_count(0)
    offered = [str(link.get_attribute("href")) for link in navigation.get_by_role("link").all()]
    assert [visitor.status(path) for path in offered] == [200] * len(offered)
    for path, right in refused.items():
        assert visitor.status(path) == 403
        expect(visitor.page.get_by_role("heading", name="You may not open this")).to_be_visible()
        expect(visitor.page.get_by_text(right)).to_be_visible()
    assert violations(visitor.page) == []
    visitor.is_content()


@pytest.mark.parametrize("role", ["cashier", "support"])
def test_a_customers_page_of_a_role_opens_in_all_its_tabs(
    context: BrowserContext, embedded: Installation, records: dict[str, str], role: str
) -> None:
    visitor = Visitor.arrive(context, embedded.url)
    visitor.sign_in(user(embedded.client, role), PASSWORD)
    page = visitor.go(records["customer"])
    assert violations(page) == []
    tabs = page.get_by_role("navigation", name="Customer").get_by_role("link")
    offered = [str(link.get_attribute("href")) for link in tabs.all()]
    assert [visitor.status(path) for path in offered] == [200] * len(offered)
    visitor.is_content()
