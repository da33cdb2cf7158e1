"""What people do with the pages, in a real browser, by keyboard where there are keys for it; books and lists follow."""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from billhook.demo.bank_file import BankEntry, BankStatement, write_statement
from billhook.demo.month import COMPANY

from .browsing import PHONE, Visitor, sideways, violations
from .conftest import PASSWORD, TODAY, Installation, played

pytestmark = pytest.mark.e2e

SERIAL = itertools.count(1)


@pytest.fixture(scope="module")
def site() -> Iterator[Installation]:
    """An installation of these tests alone: they charge and pay."""
    yield from played()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, site: Installation) -> list[Any]:
    """The cookies of an administrator who has signed in: most tests begin after that."""
    context = browser.new_context()
    Visitor.arrive(context, site.url).sign_in("admin", PASSWORD)
    cookies: list[Any] = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def clerk(context: BrowserContext, site: Installation, signed_in: list[Any]) -> Iterator[Visitor]:
    """The administrator at a desk; whatever a test does, no page may complain."""
    context.add_cookies(signed_in)
    visitor = Visitor.arrive(context, site.url)
    yield visitor
    visitor.is_content()


def test_the_dashboard_refreshes_itself_and_leaves_what_a_person_does_alone(clerk: Visitor) -> None:
    page = clerk.page
    page.clock.install()
    clerk.go("/")
    panel = page.get_by_role("region", name="Income")
    panel.locator("summary").click()
    link = panel.locator("details a").first
    link.focus()
    scrolled = page.evaluate("scrollY")

    def comes_again() -> None:
        with page.expect_response(lambda answer: "x-billhook-unattended" in answer.request.headers) as answer:
            page.clock.fast_forward(21_000)
        assert answer.value.status == 200

    comes_again()
    expect(page.locator(".live")).to_contain_text("Live")
    expect(panel.locator("details")).to_have_attribute("open", "")
    expect(link).to_be_focused()
    assert page.evaluate("scrollY") == scrolled

    page.route("**/", lambda route: route.abort())
    page.clock.fast_forward(21_000)
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    expect(page.locator(".toasts > *")).to_have_count(0)
    page.unroute("**/")
    comes_again()
    expect(page.get_by_text("Reconnecting…")).to_be_hidden()
    clerk.complaints.clear()


def a_customer(clerk: Visitor, name: str = "") -> str:
    """A new customer made through the form; answers the path of their page."""
    name = name or f"Zdeněk Nový {next(SERIAL)}"
    page = clerk.go("/customers/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    return page.url.removeprefix(clerk.url)


def number_of(clerk: Visitor, customer: str) -> str:
    clerk.go(customer)
    details = clerk.page.get_by_role("region", name="Details")
    return details.locator("dt", has_text="Number").locator("+ dd").inner_text()


def figure(page: Page, title: str) -> Locator:
    """A large figure of a customer's page."""
    return page.locator(".tile").filter(has_text=title).locator(".big")


def refreshed(page: Page, place: Locator, text: str) -> None:
    """Expect a text that comes by an event, on a page that does not refresh itself."""

    def reloaded() -> str:
        page.reload()
        return place.inner_text()

    assert any(text in reloaded() for _ in range(40)), f"{text} in {place.inner_text()}"


def test_sign_in_refuses_a_wrong_password_and_leads_to_the_page_that_was_wanted(
    context: BrowserContext, site: Installation
) -> None:
    stranger = Visitor.arrive(context, site.url)
    page = stranger.go("/invoices?state=open")
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password").fill("a password that is not it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Login")).to_have_value("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Invoices")).to_be_visible()
    assert page.url == f"{site.url}/invoices?state=open"
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1, name="Sign in")).to_be_visible()
    stranger.is_content()


def test_a_customer_is_created_by_keyboard(clerk: Visitor) -> None:
    page = clerk.go("/")
    page.keyboard.press("c")
    page.keyboard.press("c")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Radka Malá")
    page.get_by_label("E-mail").fill("radka at example.org")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.keyboard.press("Control+Enter")
    # The service alone decides; what was typed stays, and the summary leads to the field.
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name=re.compile("E-mail")).click()
    email = page.get_by_label("E-mail")
    expect(email).to_be_focused()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Radka Malá")
    assert violations(page) == []
    email.fill("radka@example.org")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Radka Malá")
    # E opens what is known on the right; Escape closes it, and the page is as it was.
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("e")
    drawer = page.get_by_role("dialog", name=re.compile("Edit Radka"))
    expect(drawer.get_by_label("E-mail")).to_have_value("radka@example.org")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_a_service_is_charged_paid_and_the_balance_is_right_again(clerk: Visitor) -> None:
    customer = a_customer(clerk)
    page = clerk.go(f"{customer}/services/new")
    page.get_by_label("Plan", exact=True).select_option(index=1)
    page.get_by_label("Quantity").fill("40")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Nothing was charged or paid")).to_be_visible()
    promised = figure(page, "Next charge").inner_text()

    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("heading", name="Billing runs").click()
    page.keyboard.press("n")
    page.get_by_role("dialog").get_by_role("button", name="Preview").click()
    page.get_by_role("button", name=re.compile("^Charge ")).click()
    expect(page.get_by_role("row").filter(has_text=promised)).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Charge ")).click()
    expect(page.get_by_role("link", name="Invoices of this run")).to_be_visible()
    charged = page.locator(".tile").filter(has_text="Charged")
    sum_of_run = charged.locator(".value").inner_text()
    assert violations(page) == []
    charged.get_by_role("link").click()
    expect(page.locator(".head .sub")).to_contain_text(f"{sum_of_run} charged")

    page = clerk.go(customer)
    expect(figure(page, "Account balance")).to_have_text(f"\N{MINUS SIGN}{promised}")
    refreshed(page, page.get_by_role("region", name="Invoices", exact=True), "INV-")
    page.keyboard.press("p")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_label("Amount")).to_have_value(re.sub("[€,]", "", promised))
    drawer.get_by_role("button", name="Post payment").click()
    expect(page.get_by_text(re.compile(r"PAY-\d+ is posted"))).to_be_visible()
    refreshed(page, figure(page, "Account balance"), "€0.00")
    expect(page.get_by_text("Nothing to pay")).to_be_visible()
    page.get_by_role("region", name="Invoices", exact=True).get_by_role("link", name=re.compile("INV-")).click()
    expect(page.get_by_text("Nothing is left to pay")).to_be_visible()
    expect(page.get_by_role("region", name="Settled by").get_by_role("link", name=re.compile("PAY-"))).to_be_visible()


def test_a_payment_is_taken_without_a_mouse_and_voided_with_a_reason(clerk: Visitor) -> None:
    customer = a_customer(clerk)
    number = number_of(clerk, customer)
    page = clerk.page
    page.keyboard.press("c")
    page.keyboard.press("p")
    expect(page.get_by_label(re.compile("Name, number"))).to_be_focused()
    # As a scanner does it: the number and Enter.
    page.keyboard.insert_text(number)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount")).to_be_focused()
    page.keyboard.insert_text("12.30")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"PAY-\d+ is posted"))).to_be_visible()
    refreshed(page, figure(page, "Account balance"), "€12.30")
    page.get_by_role("link", name=re.compile("^Payments 1")).click()
    page.get_by_role("link", name=re.compile(r"PAY-\d+")).click()
    page.get_by_role("button", name="Void").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Counted twice")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Voided by Administrator.*Counted twice"))).to_be_visible()
    clerk.go(customer)
    refreshed(page, figure(page, "Account balance"), "€0.00")


def a_statement(folder: Path, *entries: BankEntry) -> Path:
    """A bank's file of last month's last days, so that it is no repeat of the demo's."""
    last = entries[0].booked_on
    number = 900 + next(SERIAL)
    statement = BankStatement(COMPANY["iban"], "EUR", Decimal(100), last, last, entries, number)
    path = folder / f"statement-{number}.xml"
    path.write_bytes(write_statement(statement))
    return path


def imported(clerk: Visitor, path: Path) -> Page:
    page = clerk.go("/bank")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Import", exact=True).click()
    # The list that we leave names its balance checks too; keys work when the statement's page has loaded.
    page.wait_for_url(re.compile(r"/bank/[0-9a-f-]{36}"))
    expect(page.get_by_text("Balance check")).to_be_visible()
    return page


def test_a_statement_is_imported_reviewed_line_by_line_and_taken_back(clerk: Visitor, tmp_path: Path) -> None:
    customer = a_customer(clerk, "Přemysl Otakar")
    number = number_of(clerk, customer)
    booked = dt.date(2026, 10, 30)
    names = ("KDOSI CIZÍ", "Nikdo Známý", "Pojišťovna a.s.")
    entries = [BankEntry(Decimal(10 + at), booked, name, text="thank you") for at, name in enumerate(names)]
    page = imported(clerk, a_statement(tmp_path, *entries))
    chosen, views = page.locator("#line"), page.get_by_role("navigation", name="Lines")
    expect(views.get_by_role("link", name="To check 3")).to_be_visible()
    expect(chosen).to_contain_text("KDOSI CIZÍ")
    page.keyboard.press("j")
    expect(chosen).to_contain_text("Nikdo Známý")
    page.keyboard.press("/")
    page.keyboard.insert_text(number)
    expect(chosen.get_by_role("radio", name=re.compile("Přemysl Otakar"))).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Enter")
    # The line is posted, and the next one is shown.
    expect(views.get_by_role("link", name="To check 2")).to_be_visible()
    expect(chosen).to_contain_text("Pojišťovna")
    expect(page.locator("#toasts")).to_contain_text("is paired")
    page.keyboard.press("i")
    page.get_by_role("dialog").get_by_label("Reason").fill("Refund of our insurance")
    page.keyboard.press("Enter")
    expect(views.get_by_role("link", name="Ignored 1")).to_be_visible()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("u")
    expect(views.get_by_role("link", name="To check 2")).to_be_visible()
    views.get_by_role("link", name="Matched 1").click()
    expect(chosen).to_contain_text("Přemysl Otakar")
    assert violations(page) == []
    chosen.get_by_role("button", name="Take back").click()
    expect(views.get_by_role("link", name="To check 3")).to_be_visible()
    clerk.go(f"{customer}/transactions")
    refreshed(page, page.locator("#rows"), "Reversal")


def test_one_transfer_is_split_among_two_customers(clerk: Visitor, tmp_path: Path) -> None:
    numbers = [number_of(clerk, a_customer(clerk)) for _ in range(2)]
    entry = BankEntry(Decimal("30.00"), dt.date(2026, 10, 29), "Sousedé", text="both of us")
    page = imported(clerk, a_statement(tmp_path, entry))
    page.keyboard.press("s")
    drawer = page.get_by_role("dialog")
    for place, (number, amount) in enumerate(zip([numbers[0], "no such number"], ("10", "20"), strict=True)):
        drawer.get_by_label("Customer number").nth(place).fill(number)
        drawer.get_by_label("Amount").nth(place).fill(amount)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("There is no customer with this number")
    page.get_by_label("Customer number").nth(1).fill(numbers[1])
    page.get_by_label("Amount").nth(1).fill("21")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Amount").nth(1).fill("20")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("split among 2 customers")
    page.get_by_role("navigation", name="Lines").get_by_role("link", name="Matched").click()
    expect(page.locator("#line").get_by_role("link", name=re.compile("€"))).to_have_text(["€10.00", "€20.00"])


def test_a_file_that_is_no_statement_is_refused_in_words(clerk: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "holiday.xml"
    path.write_text("<photo/>")
    page = clerk.go("/bank")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("heading", level=1, name="Bank import")).to_be_visible()


def test_a_customer_list_is_imported_with_its_services(clerk: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "Login;Full name;E-mail;Plan;Plan price;VAT %;Start date;Balance\n"
        "first.new;Přibyla První;first@example.org;Radio 25;12,50;21;01.03.2024;-4,20\n"
        "second.new;Přibyl Druhý;second@example.org;Radio 25;12,50;21;31.02.2024;0\n"
        "third.new;Přibylo Třetí;third.example.org;Radio 25;12,50;21;01.03.2024;0\n"
    )
    page = clerk.go("/customers/import")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("button", name="Check the rows").click()
    rows = page.get_by_role("region", name="Rows with errors").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(page.locator(".tile").filter(has_text="New customers").locator(".value")).to_have_text("1")
    expect(page.locator(".tile").filter(has_text="New services").locator(".value")).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these rows").click()
    assert "no @ sign" in Path(download.value.path()).read_text("utf-8-sig")
    page.get_by_role("button", name="Import one customer").click()
    expect(page.get_by_role("list").filter(has_text="Result").locator("[aria-current=step]")).to_have_text(
        re.compile("Result")
    )
    expect(page.locator(".tile").filter(has_text="Customers").locator(".value")).to_have_text("1")
    assert violations(page) == []
    page = clerk.go("/customers?q=first.new")
    page.get_by_role("link", name="Přibyla První").click()
    refreshed(page, page.get_by_role("region", name="Services").first, "Radio 25")
    refreshed(page, figure(page, "Account balance"), "€4.20")


def test_the_palette_finds_records_pages_and_actions(clerk: Visitor) -> None:
    number = f"INV-{TODAY.year}-000007"
    page = clerk.go("/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search or run a command")
    page.keyboard.type(number)
    option = palette.get_by_role("option", name=re.compile(number))
    expect(option).to_have_attribute("aria-selected", "true")
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    page.keyboard.press("Control+k")
    page.keyboard.type("add pay")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Add payment")).to_be_visible()


def test_a_list_is_filtered_walked_and_chosen_from_by_keyboard(clerk: Visitor) -> None:
    page = clerk.go("/customers")
    shown = page.locator("#rows [data-row]")
    expect(shown).to_have_count(50)
    page.keyboard.press("/")
    page.keyboard.type("novák eva")
    expect(page).to_have_url(re.compile(r"q=nov"))
    expect(shown.filter(has_not_text="Eva Nov")).to_have_count(0)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Eva Nov")
    page.go_back()
    expect(shown.filter(has_not_text="Eva Nov")).to_have_count(0)


def test_a_long_list_goes_on_as_it_is_scrolled(clerk: Visitor) -> None:
    page = clerk.go("/invoices")
    page.locator("#rows .more").scroll_into_view_if_needed()
    expect(page.locator("#rows [data-row]")).to_have_count(100)


def test_the_dark_theme_is_kept(clerk: Visitor) -> None:
    page = clerk.go("/")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


EVIL = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>{{7*6001}}"


def test_markup_in_a_name_stays_text_everywhere(clerk: Visitor) -> None:
    opened: list[str] = []
    clerk.page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    customer = a_customer(clerk, EVIL)
    page = clerk.go("/tickets/new?customer=" + customer.rpartition("/")[2])
    page.get_by_label("Subject").fill(EVIL)
    page.get_by_label("What happened").fill(EVIL)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(EVIL)
    for path in (customer, "/customers?q=onerror", f"{customer}/tickets", "/tickets", "/payments/new?q=onerror", "/"):
        clerk.go(path)
        assert page.locator("img").count() == 0
    clerk.go("/customers?q=onerror")
    expect(page.get_by_role("link", name=EVIL)).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("onerror")
    expect(page.get_by_role("option").filter(has_text=EVIL)).to_be_visible()
    assert opened == []
    assert page.locator("img").count() == 0


def test_a_phone_has_everything_behind_its_bar(clerk: Visitor) -> None:
    clerk.page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict is a ViewportSize
    page = clerk.go("/")
    page.get_by_role("navigation", name="Main, short").get_by_role("button", name="More").click()
    sheet = page.get_by_role("navigation", name="Main", exact=True)
    sheet.get_by_role("link", name="Bank import").click()
    expect(page.get_by_role("heading", level=1, name="Bank import")).to_be_visible()
    assert sideways(page) <= 0


def test_a_new_bank_account_and_the_company_are_saved(clerk: Visitor) -> None:
    page = clerk.go("/bank/accounts")
    page.keyboard.press("n")
    drawer = page.get_by_role("dialog")
    drawer.get_by_label("Name").fill("Savings")
    drawer.get_by_label("IBAN", exact=False).first.fill("CZ65 0800 0000 1920 0014 5398")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("IBAN", exact=False).first.fill("DE89 3704 0044 0532 0130 00")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("link", name="Savings")).to_be_visible()
    page = clerk.go("/company")
    page.get_by_label("Name").fill("Brightvale & Daughters")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".side .logo")).to_have_text("Brightvale & Daughters")
