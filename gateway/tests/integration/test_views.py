"""What the pages ask of the services and tell them, and that a refusal shows the form again with what was typed."""

import html
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from werkzeug.datastructures import Headers

from billhook_common.testing import ServiceHarness
from billhook_gateway.backends import BackendRequest, BackendResponse, Transport
from billhook_gateway.testing import Browser, Gate
from billhook_gateway.testing_samples import ID, bank_and_runs, daily_work, euro, listed, people_and_books

pytestmark = pytest.mark.integration

PAGE = {"Accept": "text/html"}
REFUSED = "Not like this."
PEOPLE = people_and_books("Anna")
WORK = PEOPLE | bank_and_runs("Anna", PEOPLE["customer"]) | daily_work("Anna", PEOPLE["customer"])
COUNTED = {"count": 1, "sum": euro(), "gross": euro(), "open": euro()}
SIDES = {"EUR": {"debit": {"count": 1, "sum": "1"}, "credit": {"count": 1, "sum": "1"}}}
MADE = {
    "id": ID, "name": "Anna", "number": "10000001", "serial": "SN-1", "plan_name": "Fibre", "starts_on": "2026-12-01",
    "position": 3, "customer": PEOPLE["customer"], "created": True, "statements": [{"id": ID}],
}  # fmt: skip
FAILURES = "\ufeffRow;Line;Error;Login\r\n1;2;Not an e-mail;anna\r\n"
ANSWERS: dict[str, Any] = {
    r"crm/customers": listed(PEOPLE["customer"]),
    r"crm/customers/count": {"total": 9, "filtered": 1},
    r"crm/customers/ID": PEOPLE["customer"],
    r"\w+/imports": listed(WORK["job"]),
    r"\w+/imports/ID": WORK["job"],
    r"\w+/imports/ID/preview": WORK["preview"],
    r"billing/accounts/ID": {"balance": euro(), "open": euro(), "overdue": euro(), "currency": "EUR",
                             "settings": {"billing_day": 1}},
    r"billing/accounts/ID/next-charge": {"on": None, "total": None, "lines": []},
    r"billing/items": listed(PEOPLE["item"]) | {"totals": {"EUR": {"count": 1, "open": "1"}}},
    r"billing/items/ID": PEOPLE["item"] | {"allocations": [{"kind": "payment", "given_on": "2026-11-18",
                                                           "description": "Payment Anna", "amount": euro()}]},
    r"billing/transactions": listed(PEOPLE["transaction"]) | {"totals": SIDES},
    r"billing/subscriptions": listed(WORK["subscription"]),
    r"billing/subscriptions/ID": WORK["subscription"],
    r"billing/plans": listed(WORK["plan"]),
    r"billing/plans/ID": WORK["plan"],
    r"billing/runs": listed(WORK["run"]),
    r"billing/runs/ID": WORK["run"],
    r"billing/runs/ID/preview": listed(WORK["charge"]),
    r"billing/runs/ID/problems": listed(WORK["problem"] | {"outcome": "failed"}),
    r"invoicing/invoices": listed(PEOPLE["invoice"]) | {"totals": COUNTED},
    r"invoicing/invoices/ID": PEOPLE["invoice"],
    r"payments/payments": listed(PEOPLE["payment"]) | {"totals": COUNTED},
    r"payments/payments/ID": PEOPLE["payment"],
    r"payments/statements": listed(WORK["statement"]),
    r"payments/statements/ID": WORK["statement"],
    r"payments/statements/ID/entries": listed(WORK["entry"], 2),
    r"payments/entries": listed(WORK["entry"]),
    r"payments/entries/ID": WORK["entry"],
    r"payments/customers/search": {"items": [PEOPLE["customer"] | {"open": euro(), "documents": []}] * 2},
    r"payments/panels/unmatched": COUNTED,
    r"payments/bank-accounts": listed({"id": ID, "name": "Savings", "iban": "DE89", "currency": "EUR"}),
    r"payments/bank-accounts/ID": {"id": ID, "version": 1, "name": "Savings", "iban": "DE89", "currency": "EUR"},
    r"tickets/tickets": listed(WORK["ticket"]),
    r"tickets/tickets/ID": WORK["ticket"],
    r"tickets/panels/tickets": {"open": 1},
    r"inventory/items": listed(WORK["thing"]),
    r"inventory/items/ID": WORK["thing"],
}  # fmt: skip


class Suite:
    """All services at once: known answers to questions, one answer to every command, which is written down."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, str, Any]] = []
        self.asked: list[str] = []
        self.known = dict(ANSWERS)
        self.refuses = False
        self.stale = False

    def transport(self, service: str) -> Transport:
        """The way to one of them."""
        return _Way(self, service)

    def answer(self, service: str, request: BackendRequest) -> tuple[int, str, bytes]:
        """Status, type and body."""
        path = f"{service}{request.path.replace(ID, 'ID')}"
        if request.method == "GET":
            self.asked.append(f"{path}?{request.query}")
            if path.endswith(".csv"):
                return 200, "text/csv", FAILURES.encode()
            known = [answer for pattern, answer in self.known.items() if re.fullmatch(pattern, path)]
            return 200, "application/json", msgspec.json.encode(known[0] if known else listed({}))
        body = request.body if isinstance(request.body, bytes) else request.body.read()
        is_json = request.headers.get("Content-Type") == "application/json"
        told = msgspec.json.decode(body) if is_json else body
        seen = {"If-Match": request.headers["If-Match"]} if "If-Match" in request.headers else {}
        self.commands.append((request.method, path, told | seen if seen else told))
        if self.stale:
            return 412, "application/problem+json", msgspec.json.encode(STALE)
        if not self.refuses:
            return 200, "application/json", msgspec.json.encode(MADE)
        problem = {"title": "Refused", "status": 422, "errors": [{"pointer": "/name", "message": REFUSED}]}
        return 422, "application/problem+json", msgspec.json.encode(problem)


class _Way:
    def __init__(self, suite: Suite, service: str) -> None:
        self._suite = suite
        self._service = service

    def send(self, request: BackendRequest) -> BackendResponse:
        status, kind, body = self._suite.answer(self._service, request)
        return BackendResponse(status, Headers({"Content-Type": kind}), [body])


@pytest.fixture
def suite() -> Suite:
    return Suite()


@pytest.fixture
def browser(harness: ServiceHarness, suite: Suite) -> Iterator[Browser]:
    names = ("crm", "billing", "invoicing", "payments", "tickets", "inventory")
    gate = Gate(harness, transports={name: suite.transport(name) for name in names})
    yield gate.browser("administrator")
    gate.close()


def test_every_page_asks_what_its_filters_say(browser: Browser, suite: Suite) -> None:
    asked = {
        "/customers?status=active&q=anna&sort=-name": "crm/customers?q=anna&status=active&sort=-name",
        "/customers/import": "crm/imports?",
        f"/customers/import/{ID}": "billing/imports/ID/preview?",
        f"/customers/import/{ID}?step=columns": "crm/imports/ID?",
        f"/customers/{ID}": "billing/accounts/ID/next-charge?",
        f"/customers/{ID}/transactions?kind=charge": f"billing/transactions?customer_id={ID}&kind=charge",
        f"/customers/{ID}/equipment": f"inventory/items?customer_id={ID}",
        "/open-items?late=31-60": "billing/items?due_until=2026-10-25&due_from=2026-09-25&totals=true",
        f"/open-items?customer_id={ID}&late=nonsense": f"billing/items?customer_id={ID}&totals=true",
        "/invoices?state=overdue": "invoicing/invoices?state=overdue&totals=true",
        f"/invoices/{ID}": "billing/items/ID?",
        "/payments?month=2026-12": "payments/payments?from=2026-12-01&until=2027-01-01&totals=true",
        "/payments?month=2026-13": "payments/payments?totals=true",
        "/payments/new?q=anna": "payments/customers/search?q=anna",
        f"/payments/new?customer={ID}&document={ID}": "billing/accounts/ID?",
        "/bank": "payments/statements?",
        "/bank/to-check": "payments/entries?state=to_check",
        f"/bank/{ID}?show=matched&q=anna": "payments/statements/ID/entries?state=matched",
        f"/bank/{ID}?show=all": "payments/statements/ID/entries?",
        f"/bank/{ID}?show=nonsense&done=nonsense": "payments/statements/ID/entries?",
        "/tickets": "tickets/tickets?state=open",
        "/tickets?status=resolved": "tickets/tickets?status=resolved",
        f"/billing-runs/{ID}": "billing/runs/ID/problems?limit=100",
    }
    for path, question in asked.items():
        suite.asked.clear()
        answer = browser.get(path, headers=PAGE)
        assert answer.status_code == 200, (path, answer.text[-400:])
        assert any(one.startswith(question) for one in suite.asked), (path, suite.asked)


OPENED = (
    *("/transactions", "/billing-runs", "/billing-runs/new", "/plans", "/plans/new", f"/plans/{ID}", "/inventory"),
    *("/inventory/new", f"/inventory/{ID}", "/tickets/new", f"/tickets/{ID}", f"/tickets/new?customer={ID}"),
    *("/customers/new", f"/customers/{ID}/edit", f"/customers/{ID}/services/new", f"/customers/{ID}/services/{ID}"),
    *(f"/customers/{ID}/correction", f"/payments/{ID}", "/payments/new", "/bank/accounts", "/bank/accounts/new"),
    *(f"/bank/accounts/{ID}", f"/bank/{ID}/entries/{ID}/split", "/users", "/users/new", "/api-keys", "/api-keys/new"),
    *("/account", "/company", "/sign-in"),
)


def test_every_other_page_opens(browser: Browser) -> None:
    answers = {path: browser.get(path, headers=PAGE) for path in OPENED}
    assert [path for path, answer in answers.items() if answer.status_code != 200 or "<h1>" not in answer.text] == []
    assert "Anna" in browser.get("/palette?q=anna").text
    assert browser.get("/palette").status_code == 200


def test_a_new_installation_is_told_what_to_do_first(browser: Browser, suite: Suite) -> None:
    nothing = {"count": 0, "sum": euro("0.00"), "gross": euro("0.00")}
    suite.known |= {
        r"crm/customers/count": {"total": 3, "filtered": 3},
        r"billing/accounts": {"items": []},
        r"billing/transactions": {"items": []},
        r"billing/panels/receivables": {"owed": euro("0.00"), "owed_count": 0},
        r"billing/panels/revenue": {"items": []},
        r"crm/panels/customers": {"total": 0, "by_status": {}},
        r"billing/plans": {"items": []},
        r"billing/runs": {"items": []},
        r"payments/statements": {"items": []},
        r"invoicing/panels/months": {"items": [nothing | {"month": "2026-11"}]},
        r"invoicing/panels/invoiced": nothing,
        r"payments/panels/payments": nothing | {"months": []},
        r"payments/panels/unmatched": nothing,
        r"payments/panels/payers": {"items": []},
    }
    page = browser.get("/", headers=PAGE).text
    assert page.count(">Done<") == 1
    for step in ("Your company", "Your customers", "Your plans", "The first billing run", "The first bank statement"):
        assert step in page


EUR = {"amount": "5", "currency": "EUR"}
SPLIT = {"parts.0.customer": "Anna", "parts.0.amount": "5", "parts.2.customer": "Anna", "parts.2.amount": "6"}
FORMS = [
    ("/customers/new", {"name": "Eva", "email": "", "address.city": "Brno"},
     ("POST", "crm/customers", {"name": "Eva", "address": {"city": "Brno"}})),
    ("/customers/ID/edit", {"name": "Eva", "version": "4"},
     ("PATCH", "crm/customers/ID", {"name": "Eva", "If-Match": '"4"'})),
    ("/customers/ID/services/new", {"plan_id": ID, "price": ""},
     ("POST", "billing/subscriptions", {"plan_id": ID, "customer_id": ID})),
    ("/customers/ID/services/ID", {"price": "9", "version": "2"},
     ("PATCH", "billing/subscriptions/ID", {"price": "9", "If-Match": '"2"'})),
    ("/customers/ID/services/ID/end", {"last_day": "2026-12-31"},
     ("POST", "billing/subscriptions/ID/end", {"ends_before": "2027-01-01"})),
    ("/customers/ID/correction", {"side": "credit", "amount": "5", "description": "Sorry", "date": "2026-11-24"},
     ("POST", "billing/transactions", {"customer_id": ID, "kind": "correction", "side": "credit", "amount": EUR,
                                       "description": "Sorry", "date": "2026-11-24"})),
    ("/plans/new", {"name": "Air", "price": "9", "period_months": "3", "enabled": "true"},
     ("POST", "billing/plans", {"name": "Air", "price": "9", "period_months": 3, "enabled": True,
                                "tax_included": False, "currency": "EUR"})),
    ("/plans/ID", {"name": "Air", "version": "1", "period_months": "1"},
     ("PATCH", "billing/plans/ID", {"name": "Air", "enabled": False, "tax_included": False, "If-Match": '"1"'})),
    ("/billing-runs/new", {"run_date": "2026-12-01"}, ("POST", "billing/runs", {"run_date": "2026-12-01"})),
    ("/payments/new", {"customer_id": ID, "amount": "5", "method": "cash", "document_id": ID},
     ("POST", "payments/payments", {"customer_id": ID, "amount": EUR, "method": "cash",
                                    "documents": [{"document_id": ID}]})),
    ("/payments/ID/void", {"reason": "Twice"}, ("POST", "payments/payments/ID/reverse", {"reason": "Twice"})),
    ("/bank/accounts/new", {"name": "Savings", "iban": "DE89", "review_first": "true"},
     ("POST", "payments/bank-accounts", {"name": "Savings", "iban": "DE89", "review_first": True})),
    ("/bank/accounts/ID", {"name": "Savings", "version": "3"},
     ("PATCH", "payments/bank-accounts/ID", {"name": "Savings", "review_first": False, "If-Match": '"3"'})),
    ("/bank/ID/entries/ID/split", SPLIT,
     ("POST", "payments/entries/ID/split", {"parts": [{"customer_id": ID, "amount": EUR},
                                                      {"customer_id": ID, "amount": EUR | {"amount": "6"}}]})),
    ("/tickets/new", {"subject": "Down", "body": "All of it", "customer_number": "Anna"},
     ("POST", "tickets/tickets", {"subject": "Down", "body": "All of it", "customer_id": ID})),
    ("/tickets/ID/messages", {"body": "Try again", "note": "true"},
     ("POST", "tickets/tickets/ID/messages", {"body": "Try again", "note": True})),
    ("/inventory/new", {"product": "Router", "serial": "SN-1", "location": ""},
     ("POST", "inventory/items", {"product": "Router", "serial": "SN-1"})),
    ("/inventory/ID/assign", {"customer_number": "Anna", "note": "upstairs"},
     ("POST", "inventory/items/ID/assign", {"customer_id": ID, "note": "upstairs"})),
    ("/inventory/ID/return", {"condition": "used"}, ("POST", "inventory/items/ID/return", {"condition": "used"})),
    ("/customers/import/ID/columns", {"crm.name": "Full name", "billing.login": "Login", "billing.plan": "",
                                      "cut_over": "2026-12-01", "date_order": "dmy"},
     ("PUT", "billing/imports/ID/mapping", {"mapping": {"login": "Login"}, "cut_over": "2026-12-01",
                                            "date_order": "dmy"})),
    ("/customers/import/ID/confirm", {"skip_errors": "true"},
     ("POST", "billing/imports/ID/confirm", {"skip_errors": True, "after_customers": True})),
]  # fmt: skip


CONFLICTS = [
    ("/customers/ID/edit", {"name": "Anna Zlatá", "version": "77"}, "Anna"),
    ("/plans/ID", {"name": "Air", "period_months": "1", "version": "77"}, "Anna"),
    ("/customers/ID/services/ID", {"description": "Faster", "version": "77"}, "Anna"),
    ("/bank/accounts/ID", {"name": "Other", "version": "77"}, "Savings"),
]
STALE = {
    "type": "/problems/version-gone", "title": "It was changed meanwhile", "status": 412, "version": 78,
    "changed_at": "2026-11-24T08:59:00Z", "changed_by": "key:bootstrap",
}  # fmt: skip


def post(browser: Browser, path: str, form: dict[str, Any]) -> Any:
    return browser.post(path.replace("ID", ID), data=form, headers=PAGE)


@pytest.mark.parametrize(("path", "form", "command"), FORMS, ids=[form[0] for form in FORMS])
def test_a_form_tells_the_service_and_goes_on(
    browser: Browser, suite: Suite, path: str, form: dict[str, str], command: tuple[str, str, Any]
) -> None:
    answer = post(browser, path, form)
    assert answer.status_code == 303, answer.text[-400:]
    assert suite.commands[-1] == command


@pytest.mark.parametrize(("path", "form", "command"), FORMS, ids=[form[0] for form in FORMS])
def test_a_refused_form_is_shown_again_with_what_was_typed(
    browser: Browser, suite: Suite, path: str, form: dict[str, str], command: tuple[str, str, Any]
) -> None:
    suite.refuses = True
    answer = post(browser, path, form)
    assert answer.status_code == 422
    assert REFUSED in answer.text
    typed = {name: value for name, value in form.items() if name in ("name", "amount", "subject", "serial")}
    assert [name for name, value in typed.items() if f'value="{value}"' not in answer.text] == []


STEPS = [
    ("/customers/ID/archive", {}, ("POST", "crm/customers/ID/archive")),
    ("/billing-runs/ID/confirm", {}, ("POST", "billing/runs/ID/confirm")),
    ("/billing-runs/ID/approve", {"customer_id": ID}, ("POST", "billing/runs/ID/approve")),
    ("/billing-runs/ID/cancel", {}, ("POST", "billing/runs/ID/cancel")),
    ("/bank/ID/post", {}, ("POST", "payments/statements/ID/post")),
    (
        "/bank/ID/entries/ID/accept",
        {"candidate": f"{ID}:{ID}", "following": ID},
        ("POST", "payments/entries/ID/accept"),
    ),
    ("/bank/ID/entries/ID/ignore", {"reason": "Ours"}, ("POST", "payments/entries/ID/ignore")),
    ("/bank/ID/entries/ID/undo", {}, ("POST", "payments/entries/ID/undo")),
    ("/tickets/ID/close", {}, ("POST", "tickets/tickets/ID/close")),
]


@pytest.mark.parametrize(("path", "form", "command"), STEPS, ids=[step[0] for step in STEPS])
def test_a_button_takes_its_step(
    browser: Browser, suite: Suite, path: str, form: dict[str, str], command: tuple[str, str]
) -> None:
    assert post(browser, path, form).status_code == 303
    assert suite.commands[-1][:2] == command


@pytest.mark.parametrize("step", ["accept", "ignore", "undo"])
def test_a_refused_decision_stays_at_its_line_and_says_why(browser: Browser, suite: Suite, step: str) -> None:
    suite.refuses = True
    answer = post(browser, f"/bank/ID/entries/ID/{step}", {"candidate": ID, "reason": "Ours", "show": "all"})
    assert answer.status_code == 303
    assert f"line={ID}" in answer.headers["Location"]
    assert REFUSED in browser.get(answer.headers["Location"], headers=PAGE).text


def test_nobody_is_accepted_before_somebody_was_chosen(browser: Browser, suite: Suite) -> None:
    answer = post(browser, "/bank/ID/entries/ID/accept", {})
    assert "Choose a customer first" in browser.get(answer.headers["Location"], headers=PAGE).text
    assert suite.commands == []


@pytest.mark.parametrize("path", ["/bank/ID/entries/ID/split", "/tickets/new", "/inventory/ID/assign"])
def test_a_customer_who_is_not_there_is_said_at_the_field(browser: Browser, suite: Suite, path: str) -> None:
    answer = post(browser, path, {"customer_number": "4711", "parts.0.customer": "4711", "parts.0.amount": "5"})
    assert answer.status_code == 422
    assert "There is no customer with this number." in answer.text
    assert suite.commands == []


@pytest.mark.parametrize("path", ["/bank", "/customers/import"])
def test_a_file_is_handed_on_and_none_is_asked_for(browser: Browser, suite: Suite, path: str) -> None:
    nothing = browser.post(path, data={}, headers=PAGE)
    assert nothing.status_code == 422
    assert "Choose a file first." in nothing.text
    answer = browser.post(path, data={"file": (io.BytesIO(b"<Document/>"), "a.xml")}, headers=PAGE)
    assert answer.status_code == 303
    assert all(b"<Document/>" in body for _, _, body in suite.commands)
    suite.refuses = True
    refused = browser.post(path, data={"file": (io.BytesIO(b"x"), "a.xml")}, headers=PAGE)
    assert refused.status_code == 422
    assert REFUSED in refused.text


def test_the_rows_left_out_and_the_customers_come_as_files(browser: Browser) -> None:
    failures = browser.get(f"/customers/import/{ID}/failures.csv")
    assert failures.get_data(as_text=True).count("Not an e-mail") == 1
    exported = browser.get(f"/customers/export?id={ID}").get_data(as_text=True)
    assert exported.splitlines()[1].startswith("Anna;Anna;Anna;person;active")


def test_odd_addresses_are_not_found(browser: Browser) -> None:
    for path in (f"/bank/{ID}?line=nonsense", f"/customers/{ID}/nonsense", "/bank/nonsense"):
        assert browser.get(path, headers=PAGE).status_code == 404


def test_the_company_a_user_a_key_and_a_password_are_saved(browser: Browser) -> None:
    company = {"name": "Brightvale", "address.city": "Westfold", "iban": "DE89 3704 0044 0532 0130 00", "version": "0"}
    assert post(browser, "/company", company).status_code == 303
    assert "Brightvale" in browser.get("/company", headers=PAGE).text
    assert "check digits" in post(browser, "/company", company | {"iban": "DE88", "version": "1"}).text
    (admin,) = (one for one in browser.get("/api/gateway/users").get_json()["items"])
    change = {"name": "Renamed", "login": admin["login"], "role": admin["role"], "active": "true", "version": "1"}
    assert post(browser, f"/users/{admin['id']}", change | {"password": "short"}).status_code == 422
    assert browser.get(f"/users/{admin['id']}", headers=PAGE).text.count("Renamed") >= 1
    person = {"name": "Jan", "login": "jan", "role": "cashier", "password": "a long sentence of his own"}
    assert post(browser, "/users/new", person | {"active": "true"}).status_code == 303
    assert post(browser, "/users/new", person).status_code == 422
    key = {"name": "Monitoring", "permissions": "tickets:read", "expires_at": "2026-12-31"}
    issued = post(browser, "/api-keys/new", key)
    assert issued.status_code == 201
    assert "31 Dec 2026, 23:59" in issued.text
    assert post(browser, "/api-keys/new", {"name": "x"}).status_code == 422
    wrong = post(browser, "/password", {"current_password": "not mine", "password": "another long sentence"})
    assert "That is not your present password." in wrong.text
    assert "This one" in browser.get("/account", headers=PAGE).text


def test_a_form_whose_record_was_changed_meanwhile_keeps_what_was_typed(browser: Browser, suite: Suite) -> None:
    for path, form, there in CONFLICTS:
        suite.stale = True
        told = post(browser, path, form)
        assert told.status_code == 412, (path, told.text)
        assert "changed this while you had it open" in told.text, path
        for text in ("Bootstrap key", *(value for name, value in form.items() if name != "version"), there):
            assert html.escape(text) in told.text, (path, text)
        version = re.search(r'name="version" value="([0-9]+)"', told.text)
        assert version, path
        assert version[1] != form["version"], path
        suite.stale = False
        assert post(browser, path, form | {"version": version[1]}).status_code == 303
        assert suite.commands[-1][2]["If-Match"] == f'"{version[1]}"'


def test_a_form_shown_again_for_a_wrong_value_keeps_its_version(browser: Browser, suite: Suite) -> None:
    suite.refuses = True
    again = post(browser, "/plans/ID", {"name": "Air", "version": "99", "period_months": "1"})
    assert (again.status_code, 'name="version" value="99"' in again.text) == (422, True)


def test_the_reference_lists_finds_and_names_who_is_away(browser: Browser) -> None:
    whole = browser.get("/api-keys/reference", headers=PAGE).text
    assert "Not answering now, so not listed: billing, crm" in whole
    assert "PUT /api/gateway/company" in whole
    found = browser.get("/api-keys/reference?q=gateway:admin+revoke", headers=PAGE).text
    assert ("/api-keys/{key_id}/revoke" in found, "PUT /api/gateway/company" in found) == (True, False)
    assert "No operation has these words" in browser.get("/api-keys/reference?q=nonsense", headers=PAGE).text


def test_the_reference_of_a_service_shows_fields_lines_and_problems(browser: Browser) -> None:
    shown = browser.get("/api-keys/reference/gateway", headers=PAGE).text
    for text in ("vat_payer", "If-Match", "/problems/last-administrator", "/problems/version-gone", "$BILLHOOK_KEY"):
        assert text in shown, text
    assert browser.get("/api-keys/reference/nonsense", headers=PAGE).status_code == 404
