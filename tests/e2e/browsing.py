"""A browser that watches: what a page complains about, what axe finds in it, whether it fits a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ROWS_LOOKED_AT = 4
"""Rows of a list are alike; the others only cost time."""
WAIT_MS = 20_000
"""Two cores may be busy with other tests."""
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
_AXE = Axe()


@dataclass
class Visitor:
    """Somebody at a browser; ``complaints`` are console errors, script errors and refusals of the content policy."""

    url: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, context: BrowserContext, url: str) -> "Visitor":
        """A new visitor of the installation at ``url``."""
        context.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        visitor = cls(url, context, context.new_page())
        visitor.page.on("console", visitor._listen)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"{visitor.page.url}: {error}"))
        return visitor

    def go(self, path: str) -> Page:
        """Open a page of the installation."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def status(self, path: str) -> int:
        """Open a page; what the server answered."""
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        return answer.status

    def sign_in(self, login: str, password: str) -> None:
        """Sign in by keyboard, from whatever page asked for it."""
        if "/sign-in" not in self.page.url:
            self.go("/sign-in")
        self.page.get_by_label("Login").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("navigation", name="Main", exact=True)).to_be_attached()

    def is_content(self) -> None:
        """Assert that no page complained so far."""
        assert self.complaints == []

    def _listen(self, message: ConsoleMessage) -> None:
        # The browser notes a page that is refused (403, 404, 422) as an error of the network; the test looks at it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")


def violations(page: Page) -> list[str]:
    """What axe finds (WCAG 2.2 AA), in the theme that is shown and then, for contrast, in the other one."""
    like_others = f"#rows tr:nth-child(n+{ROWS_LOOKED_AT + 1})"
    page.evaluate(f"document.querySelectorAll('{like_others}').forEach(row => row.remove())")
    page.evaluate(_AXE.axe_script)
    found = _run(page, {"type": "tag", "values": list(_TAGS)})
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    found += _run(page, ["color-contrast"])
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    return found


def sideways(page: Page) -> int:
    """Pixels that the page is too wide."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def _run(page: Page, rules: Any) -> list[str]:
    broken: Sequence[Any] = page.evaluate(
        "rules => axe.run({resultTypes: ['violations'], runOnly: rules}).then(found => found.violations)", rules
    )
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in broken for node in one["nodes"]]
