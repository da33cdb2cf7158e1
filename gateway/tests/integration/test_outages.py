"""One service down: its panels say so, everything else is there; a page that is all its own says so as a whole."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from lxml import html
from werkzeug.datastructures import Headers

from billhook_common.ids import derive_id
from billhook_common.testing import ServiceHarness
from billhook_gateway.backends import BackendRequest, BackendResponse, Http, ServiceDown, Transport, connection_pool
from billhook_gateway.testing import Browser, Gate

pytestmark = pytest.mark.integration

CUSTOMER = str(derive_id("test", "customer"))
DEAD = "http://127.0.0.1:9"
"""The port for what is thrown away: nobody listens."""


def euro(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


MONTHS = [
    {"month": f"2026-{month:02}", "count": month, "sum": euro("9.00"), "gross": euro("10.00")} for month in range(1, 13)
]
BUCKETS = [{"from_days": 1, "until_days": 30, "count": 2, "sum": euro("7.00")}]
OF_BILLING = ("Monthly recurring revenue", "Recurring revenue growth", "Top non-payers", "Latest transactions")
NOTHING: dict[str, Any] = {"items": [], "next": None, "totals": {}}
NONE_COUNTED = NOTHING | {"totals": {"count": 0, "sum": euro("0.00")}}
ANSWERS: dict[str, dict[str, Any]] = {
    "crm": {
        "/customers/count": {"total": 552, "filtered": 552},
        f"/customers/{CUSTOMER}": {
            "id": CUSTOMER, "version": 1, "name": "Anna Nováková", "number": "10000001", "login": "anna",
            "status": "active", "category": "person", "lifecycle": "active", "email": "", "phone": "", "city": "Mirov",
            "contact_person": "", "payment_reference": "10000001", "created_on": "2026-01-05", "billing_day": 1,
            "last_payment_on": None,
            "address": {"street": "", "zip": "", "city": "Mirov", "country": "CZ"}, "note": "",
        },
    },
    "billing": {
        "/panels/receivables": {
            "owed": euro("4861.36"), "owed_count": 9, "overdue": euro("7.00"), "overdue_count": 2,
            "not_due": euro("4854.36"), "buckets": BUCKETS,
        },
        f"/accounts/{CUSTOMER}": {
            "balance": euro("-31.90"), "open": euro("31.90"), "overdue": euro("0.00"), "currency": "EUR",
            "settings": {"billing_day": 1},
        },
    },
    "invoicing": {
        "/invoices": NONE_COUNTED,
        "/panels/invoiced": {"gross": euro("21647.29"), "count": 522},
        "/panels/months": {"items": MONTHS},
    },
    "payments": {
        "/payments": NONE_COUNTED,
        "/panels/payments": {"sum": euro("18150.94"), "count": 433, "months": MONTHS},
        "/panels/unmatched": {"count": 28, "sum": euro("900.00")},
    },
    "tickets": {"/panels/tickets": {"open": 6}},
    "inventory": {},
}  # fmt: skip


class Canned:
    """A service that has an answer for some paths, an empty list for the others, and can be switched off."""

    def __init__(self, name: str, answers: Mapping[str, Any]) -> None:
        self.is_down = False
        self._name = name
        self._answers = answers
        self._dead = Http(name, DEAD, connection_pool())

    def send(self, request: BackendRequest) -> BackendResponse:
        if self.is_down:
            return self._dead.send(request)
        body = msgspec.json.encode(self._answers.get(request.path, NOTHING))
        return BackendResponse(200, Headers({"Content-Type": "application/json"}), [body])


@pytest.fixture
def services() -> dict[str, Canned]:
    return {name: Canned(name, answers) for name, answers in ANSWERS.items()}


@pytest.fixture
def browser(harness: ServiceHarness, services: dict[str, Canned]) -> Iterator[Browser]:
    transports: dict[str, Transport] = dict(services)
    gate = Gate(harness, transports=transports)
    yield gate.browser("finance")
    gate.close()


def shown(browser: Browser, path: str) -> html.HtmlElement:
    answer = browser.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return html.document_fromstring(answer.text)


def silent(page: html.HtmlElement) -> list[str]:
    """The titles of the panels that say that their service does not answer."""
    panels = [panel for panel in page.iterfind(".//section") if "service is not answering" in panel.text_content()]
    return [heading.text_content().strip() for panel in panels for heading in panel.findall(".//h2")[:1]]


def test_a_dead_address_is_a_service_that_does_not_answer(services: dict[str, Canned]) -> None:
    services["billing"].is_down = True
    with pytest.raises(ServiceDown):
        services["billing"].send(BackendRequest(method="GET", path="/accounts"))


def test_the_dashboard_without_outage_is_whole(browser: Browser) -> None:
    page = shown(browser, "/")
    assert silent(page) == []
    figures = [value.text_content() for value in page.iterfind(".//p[@class='value']")]
    assert figures == ["€4,861.36", "€21,647.29", "€18,150.94", "6"]


def test_what_was_seen_before_is_shown_with_its_age_and_never_as_fresh(
    browser: Browser, services: dict[str, Canned]
) -> None:
    assert "from " not in " ".join(badges(shown(browser, "/")))
    services["billing"].is_down = services["payments"].is_down = True
    page = shown(browser, "/")
    assert silent(page) == []
    assert "€4,861.36" in page.text_content() and "€18,150.94" in page.text_content()
    marked = {
        panel.findtext(".//h2") or panel.findtext(".//h2/a") for panel in page.iterfind(".//section")
        if any(text.startswith("from ") for text in badges(panel))
    }  # fmt: skip
    assert marked >= {"Owed to us", "Collected in Nov", "Overdue ageing", "Income"}
    assert not marked & {"Invoiced in Nov", "Open tickets"}
    services["billing"].is_down = services["payments"].is_down = False
    assert badges(shown(browser, "/")) == []


def badges(part: html.HtmlElement) -> list[str]:
    return [badge.text_content().strip() for badge in part.iterfind(".//span[@class='badge warn dot']")]


@pytest.mark.parametrize(
    ("silent_one", "panels", "others"),
    [
        ("billing", {"Owed to us", "Overdue ageing", *OF_BILLING}, ["€21,647.29", "€18,150.94"]),
        ("invoicing", {"Invoiced in Nov", "Income"}, ["€4,861.36", "€18,150.94"]),
        ("payments", {"Collected in Nov", "Payments to match", "Top payers"}, ["€4,861.36", "€21,647.29"]),
        ("crm", {"Customers"}, ["€4,861.36", "€21,647.29", "€18,150.94"]),
        ("tickets", {"Open tickets"}, ["€4,861.36", "€21,647.29", "€18,150.94"]),
    ],
)
def test_only_the_panels_of_the_service_that_is_down_say_so(
    browser: Browser, services: dict[str, Canned], silent_one: str, panels: set[str], others: list[str]
) -> None:
    services[silent_one].is_down = True
    page = shown(browser, "/")
    assert set(silent(page)) == panels
    for figure in others:
        assert figure in page.text_content()


def test_a_customers_page_shows_what_the_other_services_know(browser: Browser, services: dict[str, Canned]) -> None:
    services["invoicing"].is_down = True
    page = shown(browser, f"/customers/{CUSTOMER}")
    assert silent(page) == ["Invoices"]
    assert "\N{MINUS SIGN}€31.90" in page.text_content()
    services["invoicing"].is_down, services["billing"].is_down = False, True
    page = shown(browser, f"/customers/{CUSTOMER}")
    assert "\N{MINUS SIGN}€31.90" not in page.text_content()
    assert {"Account balance", "Transactions", "Services"} <= set(silent(page))


def test_a_page_of_the_silent_service_says_so_and_comes_back_with_it(
    browser: Browser, services: dict[str, Canned]
) -> None:
    services["tickets"].is_down = True
    answer = browser.get("/tickets", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "Tickets service is not answering" in answer.text
    services["tickets"].is_down = False
    assert "Nothing is open" in browser.get("/tickets", headers={"Accept": "text/html"}).text
