"""One's own account in a browser: a second factor, its recovery codes, a forgotten password, sessions elsewhere."""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pyotp import TOTP

from .browsing import DESK, PHONE, WAIT_MS, Visitor, sideways, violations
from .conftest import PASSWORD, Installation

pytestmark = pytest.mark.e2e
NEW = "a better sentence than before"
POLL_SECONDS = 0.05


@pytest.fixture(scope="module")
def house() -> Iterator[Installation]:
    """An installation without customers, with one colleague."""
    with tempfile.TemporaryDirectory(prefix="billhook-e2e-") as folder:
        Path(folder).chmod(0o755)
        installation = Installation(Path(folder) / "data")
        try:
            anna = {"login": "anna", "name": "Anna Novak", "role": "support", "email": "anna@brightvale.example"}
            installation.client.post("/gateway/users", anna | {"password": PASSWORD}, key="anna")
            yield installation
        finally:
            installation.stop()


def look(page: Page) -> None:
    """Assert that a page is usable by everybody, in both themes, and fits a phone."""
    assert violations(page) == [], page.url
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a plain dict is a ViewportSize
    assert sideways(page) <= 0, page.url
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def arrived(folder: Path, wanted: Callable[[str], re.Match[str] | None]) -> str:
    """What ``wanted`` finds in a letter that comes into the folder."""
    end = time.monotonic() + WAIT_MS / 1_000
    while time.monotonic() < end:
        for path in sorted(folder.glob("*.eml"), reverse=True):
            body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
            found = wanted(body.get_content()) if body else None
            if found:
                return found[0]
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"no such letter in {folder}")


def type_password(visitor: Visitor, password: str, *, stay: bool = False) -> None:
    if not stay:
        visitor.go("/sign-in")
    visitor.page.get_by_label("Login").fill("anna")
    visitor.page.get_by_label("Password").fill(password)
    visitor.page.keyboard.press("Enter")


def type_code(visitor: Visitor, code: str) -> None:
    visitor.page.get_by_label("Code").fill(code)
    visitor.page.keyboard.press("Enter")


def main_navigation(page: Page) -> None:
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_attached()


def test_a_colleague_looks_after_the_account(house: Installation, context: BrowserContext, browser: Browser) -> None:
    visitor = Visitor.arrive(context, house.url)
    other = Visitor.arrive(browser.new_context(viewport=DESK), house.url)  # type: ignore[arg-type]
    look(visitor.go("/sign-in"))
    visitor.sign_in("anna", PASSWORD)
    secret, step, recovery = enrol(visitor)
    a_code_is_asked_for(other, TOTP(secret).generate_otp(step + 1))
    visitor.go("/account")
    visitor.page.get_by_role("button", name="Sign out everywhere else").click()
    expect(visitor.page.get_by_text("Every other browser is signed out.")).to_be_visible()
    other.go("/customers")
    assert "/sign-in" in other.page.url
    a_recovery_code_is_good_once(other, recovery[0])
    the_password_is_reset(other, house)
    visitor.go("/customers")
    assert "/sign-in" in visitor.page.url
    type_password(other, NEW)
    type_code(other, recovery[1])
    main_navigation(other.page)
    look(other.go("/two-factor"))
    arrived(house.folder / "mail", lambda text: re.search("was just set anew", text))
    visitor.is_content()
    other.is_content()
    an_administrator_resets_the_factor(browser.new_context(viewport=DESK), house)  # type: ignore[arg-type]
    other.go("/tickets")
    type_password(other, NEW, stay=True)
    main_navigation(other.page)
    other.context.close()


def enrol(visitor: Visitor) -> tuple[str, int, list[str]]:
    """Set up a second factor: its secret, the step of the code that was used, the recovery codes."""
    page = visitor.page
    look(visitor.go("/account"))
    page.get_by_role("link", name="Set up").click()
    look(page)
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    look(page)
    secret = page.locator("code").inner_text().replace(" ", "")
    step = int(time.time()) // 30
    page.get_by_label("Code").fill(TOTP(secret).generate_otp(step))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look(page)
    recovery = page.locator("main li code").all_inner_texts()
    assert len(recovery) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("On", exact=True)).to_be_visible()
    look(page)
    return secret, step, recovery


def a_code_is_asked_for(other: Visitor, code: str) -> None:
    """The password alone leads nowhere else; the code leads to where one wanted."""
    other.go("/tickets")
    type_password(other, PASSWORD, stay=True)
    expect(other.page.get_by_role("heading", name="Enter your code")).to_be_visible()
    look(other.page)
    other.go("/customers")
    type_code(other, "000000")
    expect(other.page.get_by_role("alert")).to_contain_text("The code is wrong")
    look(other.page)
    type_code(other, code)
    main_navigation(other.page)
    assert other.page.url.endswith("/customers")


def a_recovery_code_is_good_once(other: Visitor, code: str) -> None:
    type_password(other, PASSWORD)
    type_code(other, code)
    main_navigation(other.page)
    other.context.clear_cookies()
    type_password(other, PASSWORD)
    type_code(other, code)
    expect(other.page.get_by_role("alert")).to_contain_text("The code is wrong")
    other.context.clear_cookies()


def the_password_is_reset(other: Visitor, house: Installation) -> None:
    """Through the link of the letter, which is good once."""
    other.go("/sign-in")
    other.page.get_by_role("link", name="Forgot your password?").click()
    look(other.page)
    other.page.get_by_label("Login or e-mail address").fill("anna@brightvale.example")
    other.page.keyboard.press("Enter")
    expect(other.page.get_by_text("a link is on its way")).to_be_visible()
    look(other.page)
    link = arrived(house.folder / "mail", lambda text: re.search(rf"{house.url}/reset-password\?token=\S+", text))
    for heading in ("Sign in", "This link is no longer good"):
        other.page.goto(link)
        look(other.page)
        other.page.get_by_label("New password").fill(NEW)
        other.page.keyboard.press("Enter")
        expect(other.page.get_by_role("heading", name=heading)).to_be_visible()
        look(other.page)


def an_administrator_resets_the_factor(context: BrowserContext, house: Installation) -> None:
    visitor = Visitor.arrive(context, house.url)
    visitor.sign_in("admin", PASSWORD)
    page = visitor.go("/users")
    expect(page.get_by_role("row", name="Anna Novak")).to_contain_text("anna@brightvale.example")
    page.get_by_role("link", name="Anna Novak").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset second factor").click()
    expect(page.get_by_text("The second factor is reset")).to_be_visible()
    look(page)
    visitor.go("/mail")
    expect(page.get_by_role("row").filter(has_text="Set a new password")).to_contain_text("Sent")
    look(page)
    visitor.is_content()
