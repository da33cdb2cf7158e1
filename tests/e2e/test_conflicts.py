"""A form whose record somebody else changed meanwhile, and the API's page, in a browser."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .browsing import DESK, PHONE, Visitor, sideways, violations
from .conftest import PASSWORD, Installation

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def house() -> Iterator[Installation]:
    """An installation with one customer."""
    with tempfile.TemporaryDirectory(prefix="billhook-e2e-") as folder:
        Path(folder).chmod(0o755)
        installation = Installation(Path(folder) / "data")
        try:
            yield installation
        finally:
            installation.stop()


@pytest.fixture
def clerk(house: Installation, context: BrowserContext) -> Visitor:
    visitor = Visitor.arrive(context, house.url)
    visitor.sign_in("admin", PASSWORD)
    return visitor


def look(page: Page) -> None:
    """Assert that a page is usable by everybody, in both themes, and fits a phone."""
    assert violations(page) == [], page.url
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict is a ViewportSize
    assert sideways(page) <= 0, page.url
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def test_who_saves_second_sees_what_the_first_one_saved_and_can_go_on(house: Installation, clerk: Visitor) -> None:
    made: dict[str, Any] = house.client.post("/crm/customers", {"name": "Anna", "phone": "+420601111111"}, key="anna")
    page = clerk.go(f"/customers/{made['id']}/edit")
    page.get_by_label("Name", exact=True).fill("Anna Nováková")
    page.get_by_label("Phone").fill("+420602222222")
    house.client.patch(f"/crm/customers/{made['id']}", {"name": "Anna Malá", "note": "Moved"})
    page.get_by_role("button", name="Save").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("Bootstrap key changed this while you had it open")
    expect(alert.locator("dl > div")).to_have_text(
        [
            "NameThere now Anna MaláYou typed Anna Nováková",
            "NoteThere now MovedYou typed —",
            "PhoneThere now +420601111111You typed +420602222222",
        ]
    )
    expect(page.get_by_label("Phone")).to_have_value("+420602222222")
    look(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Anna Nováková")).to_be_visible()
    saved = house.client.get(f"/crm/customers/{made['id']}")
    assert (saved["name"], saved["phone"], saved["version"]) == ("Anna Nováková", "+420602222222", 3)
    clerk.is_content()


def test_the_api_is_looked_up_and_copied(house: Installation, clerk: Visitor) -> None:
    page = clerk.go("/api-keys")
    page.get_by_role("link", name="API reference").click()
    expect(page.get_by_role("heading", name="API reference")).to_be_visible()
    look(page)
    page.get_by_role("searchbox").fill("bank-accounts patch")
    operation = page.get_by_role("link", name="PATCH /api/payments/bank-accounts/{account_id}")
    expect(operation).to_be_visible()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    operation.click()
    opened = page.locator("details.operation[open]")
    expect(opened).to_have_count(1)
    expect(opened).to_contain_text("payments:import")
    expect(opened).to_contain_text("If-Match")
    expect(opened.locator("pre").first).to_contain_text(f"{house.url}/api/payments/bank-accounts/")
    look(page)
    clerk.is_content()
