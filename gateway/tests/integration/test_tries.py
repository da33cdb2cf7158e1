"""Many tries from one address, and what a browser says of where it comes from; sessions elsewhere."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from billhook_common.tables import audit_entry
from billhook_gateway.domain.waiting import ADDRESS_TRIES
from billhook_gateway.models import AddressTries
from billhook_gateway.testing import ORIGIN, PASSWORD, Gate

pytestmark = pytest.mark.integration


def guess(gate: Gate, number: int, forwarded: str = "") -> int:
    headers = {"Origin": ORIGIN, **({"X-Forwarded-For": forwarded} if forwarded else {})}
    body = {"login": f"user{number}", "password": "wrong password"}
    return gate.app.test_client().post("/sign-in", json=body, headers=headers).status_code


def test_a_thousand_guesses_under_fifty_names_of_an_address_are_thirty(house: Gate) -> None:
    answers = Counter(guess(house, number, f"203.0.113.{number % 50}") for number in range(1_000))
    assert answers == {401: ADDRESS_TRIES, 429: 1_000 - ADDRESS_TRIES}


def test_at_once_they_are_no_more(house: Gate) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = Counter(threads.map(lambda number: guess(house, number), range(60)))
    # Some found too many passwords being checked and were not looked at.
    assert answers[401] <= ADDRESS_TRIES
    assert set(answers) == {401, 429}


def test_the_address_waits_and_its_page_says_how_long(house: Gate) -> None:
    house.user("support")
    for number in range(ADDRESS_TRIES):
        guess(house, number)
    body = {"login": "support", "password": PASSWORD}
    page = house.browser().post("/sign-in", data=body, headers={"Accept": "text/html"})
    assert page.status_code == 429
    assert "Try again in" in page.text
    wait = int(page.headers["Retry-After"])
    assert 600 <= wait <= 640
    house.clock.advance(dt.timedelta(seconds=wait - 2))
    assert house.browser().sign_in("support").status_code == 429
    house.clock.advance(dt.timedelta(seconds=2))
    assert house.browser().sign_in("support").status_code == 200


def test_good_sign_ins_of_a_whole_office_do_not_count(house: Gate) -> None:
    house.user("support")
    assert {house.browser().sign_in("support").status_code for _ in range(ADDRESS_TRIES + 5)} == {200}


def test_behind_a_trusted_proxy_each_address_counts_for_itself(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(trusted_proxies=1)
    for number in range(ADDRESS_TRIES):
        assert guess(gate, number, "198.51.100.7") == 401
    assert guess(gate, 31, "198.51.100.7") == 429
    assert guess(gate, 32, "203.0.113.9, 198.51.100.7") == 429
    assert guess(gate, 33, "198.51.100.8") == 401


def test_a_household_of_ipv6_is_one_address(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(trusted_proxies=1)
    for number in range(ADDRESS_TRIES):
        assert guess(gate, number, f"2001:db8:1:2::{number:x}") == 401
    assert guess(gate, 31, "2001:db8:1:2:ffff::1") == 429
    assert guess(gate, 32, "2001:db8:1:3::1") == 401


def test_counts_of_addresses_are_forgotten(house: Gate) -> None:
    guess(house, 1)
    house.clock.advance(dt.timedelta(days=2))
    house.harness.run_jobs("forget_what_is_over")
    with house.harness.session() as session:
        assert session.scalars(select(AddressTries)).all() == []


def test_one_signs_out_everywhere_else_at_once(house: Gate) -> None:
    browser = house.browser("support")
    others = [house.browser() for _ in range(3)]
    for other in others:
        other.sign_in("support")
    stranger = house.browser("finance")
    assert len(browser.get("/api/gateway/sessions").json["items"]) == 4
    assert browser.post("/sign-out-elsewhere").status_code == 204
    assert [other.get("/api/gateway/company").status_code for other in others] == [401, 401, 401]
    assert stranger.get("/api/gateway/company").status_code == 200
    assert len(browser.get("/api/gateway/sessions").json["items"]) == 1
    form = browser.post("/sign-out-elsewhere", data={"csrf_token": browser.csrf_token})
    assert form.headers["Location"] == "/account?elsewhere=1"
    assert house.machine().post("/sign-out-elsewhere").status_code == 403
    with house.harness.session() as session:
        row = session.execute(select(audit_entry).where(audit_entry.c.action == "signed_out_elsewhere")).first()
    assert row is not None
    assert row.after == {"sessions": 3}


def test_sessions_that_are_over_are_not_listed(house: Gate) -> None:
    house.browser("support")
    house.clock.advance(dt.timedelta(minutes=31))
    browser = house.browser()
    browser.sign_in("support")
    assert len(browser.get("/api/gateway/sessions").json["items"]) == 1
