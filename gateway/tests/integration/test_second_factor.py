"""The second factor: set up, asked for, used once, replaced, demanded, taken away."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyotp import TOTP
from sqlalchemy import select

from billhook_common.tables import audit_entry
from billhook_gateway.models import RecoveryCode, User
from billhook_gateway.testing import ORIGIN, PASSWORD, Browser, Gate

pytestmark = pytest.mark.integration
HERE = "/api/gateway/company"


class Phone:
    """An authenticator app, with the codes that were kept beside it."""

    def __init__(self, gate: Gate, secret: str) -> None:
        self.gate = gate
        self.secret = secret.replace(" ", "")
        self.recovery: list[str] = []

    def code(self, steps: int = 0) -> str:
        """The code of now, or of so many steps later."""
        return TOTP(self.secret).generate_otp(int(self.gate.clock.now().timestamp()) // 30 + steps)


def enrol(gate: Gate, browser: Browser, password: str = PASSWORD) -> Phone:
    """Set up a second factor; leaves the clock a step later, so that the next code is a new one."""
    started = browser.post("/two-factor/start", {"current_password": password})
    assert started.status_code == 200, started.text
    phone = Phone(gate, started.json["secret"])
    assert f"secret={phone.secret}" in started.json["uri"]
    done = browser.post("/two-factor", {"code": phone.code()})
    assert done.status_code == 200, done.text
    phone.recovery, browser.csrf_token = done.json["recovery_codes"], done.json["csrf_token"]
    gate.clock.advance(dt.timedelta(seconds=60))
    return phone


def half(gate: Gate, login: str) -> Browser:
    """A browser where only the password was proved."""
    browser = gate.browser()
    answer = browser.sign_in(login)
    assert (answer.status_code, answer.json["second_factor"], answer.json["permissions"]) == (200, "code", [])
    return browser


def send(browser: Browser, code: str) -> int:
    return browser.post("/sign-in/code", {"code": code}).status_code


def audited(gate: Gate) -> list[str]:
    with gate.harness.session() as session:
        return list(session.scalars(select(audit_entry.c.action).order_by(audit_entry.c.id)))


def test_after_enrolment_a_code_is_asked_for(house: Gate) -> None:
    browser = house.browser("support")
    phone = enrol(house, browser)
    assert browser.get(HERE).status_code == 200
    other = half(house, "support")
    assert other.get(HERE).status_code == 403
    old = other.client.get_cookie("billhook")
    answer = other.post("/sign-in/code", {"code": f" {phone.code()[:3]} {phone.code()[3:]} "})
    assert (answer.status_code, answer.json["second_factor"]) == (200, None)
    new = other.client.get_cookie("billhook")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    assert other.get(HERE).status_code == 200
    assert audited(house) == [
        *("signed_in", "second_factor_set_up", "signed_in", "password_proved", "signed_in"),
    ]


def test_the_cookie_of_before_enrolment_and_of_the_half_session_are_over(house: Gate) -> None:
    browser = house.browser("support")
    before = browser.client.get_cookie("billhook")
    enrol(house, browser)
    thief = house.browser()
    assert before is not None
    thief.client.set_cookie("billhook", before.value)
    assert thief.get(HERE).status_code == 401


def test_other_sessions_become_half_when_a_factor_is_set_up(house: Gate) -> None:
    browser, other = house.browser("support"), house.browser()
    other.sign_in("support")
    phone = enrol(house, browser)
    refused = other.get(HERE)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/second-factor-missing")
    assert send(other, phone.code()) == 200
    assert other.get(HERE).status_code == 200


def test_half_a_session_opens_nothing_else(house: Gate) -> None:
    enrol(house, house.browser("administrator"))
    browser = half(house, "administrator")
    allowed = {"/sign-in/code", "/two-factor", "/two-factor/start", "/sign-out", "/sign-in"}
    tried = 0
    for rule in house.app.url_map.iter_rules():
        if rule.rule in allowed or rule.arguments - {"path"} or not rule.methods:
            continue
        path = rule.rule.replace("<path:path>", "x").replace("<service>", "gateway")
        if "<" in path:
            continue
        for method in rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            answer = browser.send(method, path, {} if method != "GET" else None)
            public = path in {"/livez", "/readyz", "/metrics", "/forgot-password", "/reset-password"}
            assert public or answer.status_code == 403, (method, path, answer.status_code)
            tried += 1
    assert tried > 40
    for path in ("/api/gateway/users", "/api/gateway/sessions/caller", "/api/echo/things"):
        assert browser.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/two-factor/start", "/two-factor", "/two-factor/remove", "/two-factor/codes"])
def test_half_a_session_cannot_replace_the_factor(house: Gate, path: str) -> None:
    phone = enrol(house, house.browser("support"))
    browser = half(house, "support")
    answer = browser.post(path, {"current_password": PASSWORD, "code": phone.code()})
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/second-factor-missing")
    assert browser.get("/two-factor").status_code == 403


def test_a_page_leads_to_the_code_and_on_to_where_one_wanted(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    browser, page = half(house, "support"), {"Accept": "text/html"}
    asked = browser.get("/customers?q=x", headers=page)
    assert asked.headers["Location"] == "/sign-in/code?next=%2Fcustomers%3Fq%3Dx"
    fragment = browser.get("/palette", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/tickets"})
    assert fragment.headers["HX-Redirect"] == "/sign-in/code?next=%2Ftickets"
    wrong = browser.post("/sign-in/code", data={"code": "000000", "next": "/customers?q=x"}, headers=page)
    assert (wrong.status_code, "The code is wrong" in wrong.text) == (401, True)
    done = browser.post("/sign-in/code", data={"code": phone.code(), "next": "/customers?q=x"}, headers=page)
    assert (done.status_code, done.headers["Location"]) == (303, "/customers?q=x")


def test_a_code_is_good_once(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    code = phone.code()
    assert send(half(house, "support"), code) == 200
    assert send(half(house, "support"), code) == 401
    assert send(half(house, "support"), phone.code(-1)) == 401
    assert send(half(house, "support"), phone.code(1)) == 200


def test_the_same_code_at_once_opens_one_session(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    browsers, code = [half(house, "support") for _ in range(4)], phone.code()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda browser: send(browser, code), browsers))
    assert sorted(answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401), (20, 401)])
def test_a_clock_may_be_a_step_off_and_no_more(house: Gate, steps: int, status: int) -> None:
    phone = enrol(house, house.browser("support"))
    house.clock.advance(dt.timedelta(minutes=2))
    assert send(half(house, "support"), phone.code(steps)) == status


def test_the_code_of_another_user_is_wrong(house: Gate) -> None:
    enrol(house, house.browser("support"))
    other = enrol(house, house.browser("finance"))
    assert send(half(house, "support"), other.code()) == 401
    assert send(half(house, "support"), other.recovery[0]) == 401


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "１２３４５６", "12345\0", "x" * 900_000, "-" * 16, "ü" * 16]
)
def test_what_is_no_code_is_wrong(house: Gate, code: str) -> None:
    enrol(house, house.browser("support"))
    assert send(half(house, "support"), code) == 401


@pytest.mark.parametrize("body", [{}, {"code": 123456}, {"code": None}, {"code": ["1"]}, []])
def test_what_cannot_be_read_is_no_try(house: Gate, body: Any) -> None:
    enrol(house, house.browser("support"))
    answer = half(house, "support").post("/sign-in/code", body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/code")


def test_wrong_codes_make_the_account_wait_in_every_browser(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    assert [send(half(house, "support"), "000000") for _ in range(6)] == [401, 401, 401, 401, 401, 429]
    refused = half(house, "support").post("/sign-in/code", {"code": phone.code()})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    house.clock.advance(dt.timedelta(seconds=2))
    assert send(half(house, "support"), phone.code()) == 200
    assert audited(house).count("code_failed") == 5


def test_a_hundred_codes_at_once_are_five_tries(house: Gate) -> None:
    enrol(house, house.browser("support"))
    browser = half(house, "support")
    cookie = browser.client.get_cookie("billhook")
    assert cookie is not None

    def guess(number: int) -> int:
        other = house.browser()
        other.client.set_cookie("billhook", cookie.value)
        other.csrf_token = browser.csrf_token
        return send(other, f"{number:06d}")

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(guess, range(100)))
    assert answers.count(401) == 5
    assert answers.count(429) == 95


def test_half_a_session_is_over_after_ten_minutes_and_on_request(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    browser, leaving = half(house, "support"), half(house, "support")
    assert leaving.post("/sign-out").status_code == 204
    assert send(leaving, phone.code()) == 401
    house.clock.advance(dt.timedelta(minutes=10))
    answer = browser.post("/sign-in/code", {"code": phone.code()})
    assert answer.json["type"] == "/problems/unauthenticated"


def test_a_recovery_code_signs_in_once_however_it_is_typed(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    assert len(set(phone.recovery)) == 10
    assert send(half(house, "support"), phone.recovery[3].lower().replace("-", " ")) == 200
    assert send(half(house, "support"), phone.recovery[3]) == 401
    assert send(half(house, "support"), phone.recovery[4]) == 200
    assert audited(house).count("recovery_code_used") == 2
    with house.harness.session() as session:
        kept = session.scalars(select(RecoveryCode)).all()
        sealed = session.scalars(select(User.totp_secret)).one()
    assert {len(code.code_hash) for code in kept} == {32}
    assert sealed is not None
    assert phone.secret.encode() not in sealed


def test_new_recovery_codes_replace_the_old_and_need_both_factors(house: Gate) -> None:
    browser = house.browser("support")
    phone = enrol(house, browser)
    wrong = browser.post("/two-factor/codes", {"current_password": "wrong", "code": phone.code()})
    assert (wrong.status_code, wrong.json["type"]) == (401, "/problems/sign-in-failed")
    wrong = browser.post("/two-factor/codes", {"current_password": PASSWORD, "code": "000000"})
    assert (wrong.status_code, wrong.json["type"]) == (401, "/problems/code-wrong")
    done = browser.post("/two-factor/codes", {"current_password": PASSWORD, "code": phone.code()})
    assert done.status_code == 200
    assert send(half(house, "support"), phone.recovery[0]) == 401
    assert send(half(house, "support"), done.json["recovery_codes"][0]) == 200


def test_removal_needs_both_factors_and_signs_out_elsewhere(house: Gate) -> None:
    browser = house.browser("support")
    phone = enrol(house, browser)
    other = half(house, "support")
    assert send(other, phone.code()) == 200
    house.clock.advance(dt.timedelta(seconds=30))
    for bad in ({"current_password": PASSWORD, "code": "000000"}, {"current_password": "no", "code": phone.code()}):
        assert browser.post("/two-factor/remove", bad).status_code == 401
    assert browser.post("/two-factor/remove", {"current_password": PASSWORD}).status_code == 422
    done = browser.post("/two-factor/remove", {"current_password": PASSWORD, "code": phone.code()})
    assert done.status_code == 200, done.text
    assert other.get(HERE).status_code == 401
    assert browser.get(HERE).status_code == 200
    assert house.browser().sign_in("support").json["second_factor"] is None


def test_starting_needs_the_password_and_one_factor_is_enough(house: Gate) -> None:
    browser = house.browser("support")
    assert browser.post("/two-factor/start", {"current_password": "wrong"}).status_code == 401
    assert browser.post("/two-factor/start", {}).status_code == 401
    nothing = browser.post("/two-factor", {"code": "123456"})
    assert (nothing.status_code, nothing.json["type"]) == (409, "/problems/second-factor-absent")
    enrol(house, browser)
    again = browser.post("/two-factor/start", {"current_password": PASSWORD})
    assert (again.status_code, again.json["type"]) == (409, "/problems/second-factor-there")
    assert house.machine().post("/two-factor/start", {}).status_code == 403


def test_a_wrong_first_code_sets_nothing_up(house: Gate) -> None:
    browser = house.browser("support")
    browser.post("/two-factor/start", {"current_password": PASSWORD})
    assert browser.post("/two-factor", {"code": "000000"}).status_code == 401
    assert house.browser().sign_in("support").json["second_factor"] is None


def test_a_role_may_demand_it(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(two_factor_roles="administrator, finance")
    assert gate.browser("support").get(HERE).status_code == 200
    browser = gate.browser()
    entered = browser.sign_in(gate.user("finance"))
    assert (entered.json["second_factor"], entered.json["permissions"]) == ("enrol", [])
    assert browser.get(HERE).status_code == 403
    page = browser.get("/customers", headers={"Accept": "text/html"})
    assert page.headers["Location"] == "/two-factor?next=%2Fcustomers"
    assert browser.post("/sign-in/code", {"code": "000000"}).status_code == 303
    assert browser.get(HERE).status_code == 403
    phone = Phone(gate, browser.post("/two-factor/start", {}).json["secret"])
    done = browser.post("/two-factor", {"code": phone.code()})
    browser.csrf_token = done.json["csrf_token"]
    assert browser.get(HERE).status_code == 200
    gate.clock.advance(dt.timedelta(seconds=60))
    removal = browser.post("/two-factor/remove", {"current_password": PASSWORD, "code": phone.code()})
    assert (removal.status_code, removal.json["type"]) == (409, "/problems/second-factor-demanded")


def test_an_administrator_decides_at_once_which_roles_need_it(house: Gate) -> None:
    browser, path = house.browser("support"), "/api/gateway/settings/two_factor_roles"
    assert browser.get(HERE).status_code == 200
    decided = house.machine().send("PUT", path, {"value": ["support"]}, headers={"If-Match": '"0"'})
    assert decided.json["value"] == ["support"]
    assert browser.get(HERE).status_code == 403
    assert house.browser().sign_in(house.user("support", login="another")).json["second_factor"] == "enrol"
    house.machine().post(f"{path}/reset", headers={"If-Match": '"1"'})
    assert browser.get(HERE).status_code == 200


def test_who_has_worked_for_hours_is_led_to_the_setup_and_not_signed_out(house: Gate) -> None:
    browser = house.browser("support")
    for _ in range(5):
        house.clock.advance(dt.timedelta(minutes=20))
        assert browser.get(HERE).status_code == 200
    decided = house.machine().send(
        "PUT", "/api/gateway/settings/two_factor_roles", {"value": ["support"]}, headers={"If-Match": '"0"'}
    )
    assert decided.status_code == 200
    assert (browser.get(HERE).status_code, browser.get(HERE).json["type"]) == (403, "/problems/second-factor-missing")
    assert browser.post("/two-factor/start", {}).status_code == 200


def test_only_an_administrator_decides_how_people_sign_in(house: Gate) -> None:
    made = house.machine().post("/api/gateway/api-keys", {"name": "due days", "permissions": ["settings:write"]})
    assert made.status_code == 201, made.text
    program = house.machine(made.json["key"])
    for name, value in (("two_factor_roles", []), ("session_idle_minutes", 720)):
        answer = program.send("PUT", f"/api/gateway/settings/{name}", {"value": value}, headers={"If-Match": '"0"'})
        assert (answer.status_code, answer.json["detail"]) == (403, "The right gateway:admin is missing.")


@pytest.mark.parametrize("meanwhile", ["eleven minutes", "another password"])
def test_a_setup_that_was_begun_and_left_is_of_no_use(house: Gate, meanwhile: str) -> None:
    browser = house.browser("support")
    phone = Phone(house, browser.post("/two-factor/start", {"current_password": PASSWORD}).json["secret"])
    if meanwhile == "eleven minutes":
        house.clock.advance(dt.timedelta(minutes=11))
    else:
        (user,) = house.machine().get("/api/gateway/users").json["items"]
        changed = house.machine().post(
            f"/api/gateway/users/{user['id']}/password", {"password": "another sentence nobody guesses"}
        )
        assert changed.status_code == 204, changed.text
        browser.sign_in("support", "another sentence nobody guesses")
    answer = browser.post("/two-factor", {"code": phone.code()})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/second-factor-absent")
    assert phone.secret not in browser.get("/two-factor").text.replace(" ", "")


def test_no_role_can_need_what_cannot_be_kept(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(sealing_key="")
    path = "/api/gateway/settings/two_factor_roles"
    refused = gate.machine().send("PUT", path, {"value": ["support"]}, headers={"If-Match": '"0"'})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/value")


def test_an_administrator_resets_a_lost_factor(house: Gate) -> None:
    browser = house.browser("support")
    enrol(house, browser)
    admin = house.machine()
    (user,) = admin.get("/api/gateway/users").json["items"]
    assert user["second_factor_at"] is not None
    path = f"/api/gateway/users/{user['id']}/second-factor/reset"
    assert house.browser("finance").post(path).status_code == 403
    assert admin.post(path).status_code == 204
    assert browser.get(HERE).status_code == 401
    assert house.browser().sign_in("support").json["second_factor"] is None
    assert "second_factor_reset" in audited(house)
    again = admin.post(path)
    assert (again.status_code, again.json["type"]) == (409, "/problems/second-factor-absent")


def test_a_reset_password_does_not_go_round_the_factor(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    with house.harness.session() as session:
        user_id = session.scalars(select(User.id)).one()
    house.machine().post(f"/api/gateway/users/{user_id}/password", {"password": "another good sentence"})
    browser = house.browser()
    assert browser.sign_in("support", "another good sentence").json["second_factor"] == "code"
    assert browser.get(HERE).status_code == 403
    assert send(browser, phone.code()) == 200


def test_a_new_password_keeps_the_proof_of_the_second_factor(house: Gate) -> None:
    browser = house.browser("support")
    enrol(house, browser)
    changed = browser.post("/password", {"current_password": PASSWORD, "password": "another good sentence"})
    assert (changed.status_code, changed.json["second_factor"]) == (200, None)
    assert browser.get(HERE).status_code == 200


def test_without_a_key_nothing_is_set_up_and_nobody_gets_round(make_gate: Callable[..., Gate]) -> None:
    gate = make_gate(sealing_key="")
    browser = gate.browser("support")
    assert browser.post("/two-factor/start", {"current_password": PASSWORD}).status_code == 503
    assert browser.get(HERE).status_code == 200


def test_a_foreign_page_cannot_send_a_code(house: Gate) -> None:
    phone = enrol(house, house.browser("support"))
    browser = half(house, "support")
    body = {"code": phone.code()}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": ORIGIN, "X-CSRF-Token": "A" * 86}, {}):
        answer = browser.client.post("/sign-in/code", json=body, headers=headers)
        assert answer.status_code == 403
    assert browser.get(HERE).status_code == 403
