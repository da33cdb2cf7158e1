"""The frame: who sees what, addresses that keep a list's state, forms and states in words."""

import pytest
from werkzeug.datastructures import MultiDict

from billhook_gateway.domain.roles import PERMISSIONS, ROLES
from billhook_gateway.ui.browsers import browser_name
from billhook_gateway.ui.environment import avatar_tone, figure, initials
from billhook_gateway.ui.forms import errors_by_field, flat, nested
from billhook_gateway.ui.location import Location
from billhook_gateway.ui.shell import ACTIONS, NAVIGATION, Viewer, actions, current_destination, navigation
from billhook_gateway.ui.states import document_state, state_label, state_tone, word

pytestmark = pytest.mark.unit


def viewer(*permissions: str) -> Viewer:
    return Viewer("Sara Keller", "finance", frozenset(permissions))


def shown(person: Viewer) -> set[str]:
    return {link["name"] for group in navigation(person, "/", {}) for link in group["links"]}


def test_an_area_or_everything_covers_its_permissions() -> None:
    assert viewer("billing:*").may("billing:run")
    assert viewer("*").may("gateway:admin")
    assert not viewer("billing:read").may("billing:run")
    assert not viewer("billing:*").may("payments:read")


def test_what_a_role_may_not_see_is_not_in_the_navigation() -> None:
    cashier = shown(Viewer("Jan", "cashier", ROLES["cashier"].permissions))
    assert {"payments", "customers"} <= cashier
    assert not {"users", "api-keys", "bank", "billing-runs", "tickets"} & cashier
    assert shown(viewer()) == {"home"}
    assert actions(viewer()) == []


def test_navigation_and_actions_ask_for_permissions_that_exist() -> None:
    asked = {link.permission for _, links in NAVIGATION for link in links} | {action.permission for action in ACTIONS}
    assert asked - {""} <= set(PERMISSIONS)


def test_key_sequences_are_unique() -> None:
    keys = [link.keys for _, links in NAVIGATION for link in links] + [action.keys for action in ACTIONS]
    given = [key for key in keys if key]
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ("path", "name"),
    [("/", "home"), ("/customers/0193/edit", "customers"), ("/customersx", ""), ("/bank", "bank"), ("/nothing", "")],
)
def test_a_page_lies_under_its_destination(path: str, name: str) -> None:
    assert current_destination(path) == name


def test_the_current_page_and_the_counts_are_marked() -> None:
    links = {
        link["name"]: link for group in navigation(viewer("*"), "/bank/1", {"bank": 32}) for link in group["links"]
    }
    assert links["bank"]["current"]
    assert links["bank"]["count"] == 32
    assert not links["home"]["current"]


def test_a_changed_filter_keeps_the_others_and_begins_at_the_first_page() -> None:
    place = Location("/customers", {"status": "active", "after": "x", "q": "a&b"})
    assert place.url(status="new") == "/customers?status=new&q=a%26b"
    assert place.url(status="", q=None) == "/customers"
    assert place.url(after="y") == "/customers?status=active&after=y&q=a%26b"


def test_a_header_sorts_up_then_down() -> None:
    assert Location("/customers", {}).sort("name") == "/customers?sort=name"
    sorted_up = Location("/customers", {"sort": "name"})
    assert sorted_up.sort("name") == "/customers?sort=-name"
    assert sorted_up.sorted_by("name") == "ascending"
    assert Location("/customers", {"sort": "-name"}).sorted_by("name") == "descending"
    assert sorted_up.sorted_by("balance") is None


def test_dotted_fields_become_json_and_back() -> None:
    typed = MultiDict({"name": " Anna ", "address.city": "Brno", "address.zip": ""})
    body = {"name": "Anna", "address": {"city": "Brno", "zip": ""}}
    assert nested(typed.to_dict()) == body
    assert flat(body) == {"name": "Anna", "address.city": "Brno", "address.zip": ""}


def test_problems_are_told_by_field() -> None:
    problem = {"title": "Invalid", "errors": [{"pointer": "/address/zip", "message": "Too long."}]}
    assert errors_by_field(problem) == {"address.zip": ["Too long."]}
    assert errors_by_field({"title": "Invalid", "errors": []}) == {"": ["Invalid"]}
    assert errors_by_field({"title": "Taken", "detail": "Login a is taken."}) == {"": ["Login a is taken."]}


def test_states_and_words_have_a_label_even_when_unknown() -> None:
    assert (state_label("invoice", "partially_paid"), state_tone("invoice", "partially_paid")) == ("Part paid", "warn")
    assert (state_label("invoice", "sent_back"), state_tone("invoice", "sent_back")) == ("Sent back", "plain")
    assert word("method", "bank_transfer") == "Bank transfer"
    assert word("method", "pigeon_post") == "Pigeon post"


def test_an_open_invoice_past_its_date_is_overdue_and_a_paid_one_is_not() -> None:
    assert document_state("partially_paid", overdue=True) == "overdue"
    assert document_state("paid", overdue=True) == "paid"


@pytest.mark.parametrize(
    ("name", "letters"), [("Anna Novak", "AN"), ("Žižka", "Ž"), ("=1+1 <b>", "?"), ("", "?"), ("A. B. Čapek", "AČ")]
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
    assert avatar_tone(name) == avatar_tone(name)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox · Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome · Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15", "Safari · macOS"),
        ("curl/8.11", "curl/8.11"),
        ("", ""),
    ],
)
def test_browsers_are_named_as_people_name_them(line: str, name: str) -> None:
    assert browser_name(line) == name


def test_figures_for_geometry() -> None:
    assert figure({"amount": "-6.42", "currency": "EUR"}) == -6.42
    assert figure("3") == 3
    assert figure(None) == 0
