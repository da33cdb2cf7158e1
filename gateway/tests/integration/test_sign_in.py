"""Signing in and out through the door."""

import datetime as dt
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from billhook_common.tables import audit_entry
from billhook_gateway import hashing
from billhook_gateway.actions.users import ensure_first_administrator
from billhook_gateway.domain.passwords import PasswordRefused
from billhook_gateway.models import SignedInSession, SignInFailure, User
from billhook_gateway.testing import ORIGIN, PASSWORD, Gate

pytestmark = pytest.mark.integration


def audited(gate: Gate) -> list[str]:
    with gate.harness.session() as session:
        return list(session.scalars(select(audit_entry.c.action).order_by(audit_entry.c.id)))


def test_a_form_signs_in_and_leads_to_the_page_that_was_wanted(gate: Gate) -> None:
    browser = gate.browser()
    answer = browser.post(
        "/sign-in", data={"login": gate.user("support"), "password": PASSWORD, "next": "/tickets?state=open"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tickets?state=open")
    caller = browser.get("/api/gateway/sessions/caller").json
    assert (caller["user"]["login"], caller["role_title"]) == ("support", "Support")
    assert audited(gate) == ["signed_in"]


def test_json_signs_in_and_gets_the_token_for_commands(gate: Gate) -> None:
    answer = gate.browser().sign_in(f"  {gate.user('cashier').upper()} ")
    assert answer.status_code == 200
    assert answer.json["role"] == "cashier"
    assert "payments:write" in answer.json["permissions"]
    assert len(answer.json["csrf_token"]) == 86


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(gate: Gate) -> None:
    (cookie,) = gate.browser().sign_in(gate.user("support")).headers.getlist("Set-Cookie")
    assert cookie.startswith("billhook=")
    assert cookie.partition(";")[2] == " HttpOnly; Path=/; SameSite=Lax"


def test_over_https_the_cookie_is_bound_to_the_host(harness: Any) -> None:
    with closing(Gate(harness, https=True)) as gate:
        headers = {"Origin": "https://localhost"}
        body = {"login": gate.user("support"), "password": PASSWORD}
        answer = gate.browser().client.post("/sign-in", json=body, headers=headers)
        (cookie,) = answer.headers.getlist("Set-Cookie")
        assert cookie.startswith("__Host-billhook=")
        assert cookie.partition(";")[2] == " Secure; HttpOnly; Path=/; SameSite=Lax"
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_database_keeps_no_token_and_no_password(gate: Gate) -> None:
    answer = gate.browser().sign_in(gate.user("support"))
    token = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    with gate.harness.session() as session:
        kept = session.scalars(select(SignedInSession)).one()
        user = session.scalars(select(User)).one()
    assert token.encode() not in kept.token_hash
    assert len(kept.token_hash) == 32
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("support", "wrong"),
        ("nobody", PASSWORD),
        ("support", PASSWORD + "\0"),
        ("support", ""),
        ("support", "🐎" * 1_025),
        ("support\0", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("support", "x" * 900_000),
        ("s" * 5_000, PASSWORD),
        ("", ""),
    ],
)
def test_what_was_wrong_is_not_said(gate: Gate, login: str, password: str) -> None:
    gate.user("support")
    answer = gate.browser().sign_in(login, password)
    assert answer.status_code == 401
    assert answer.json["type"] == "/problems/sign-in-failed"
    assert "detail" not in answer.json
    assert "Set-Cookie" not in answer.headers
    assert audited(gate) == ["sign_in_failed"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000),
        *(b'{"login": 1, "password": "x"}', b'{"login": "a"}', b'{"login": "\\ud800", "password": "x"}'),
    ],
)
def test_what_cannot_be_read_is_no_try(gate: Gate, body: bytes) -> None:
    answer = gate.browser().client.post("/sign-in", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/invalid")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/login", "/password"]
    assert audited(gate) == []


def test_a_password_of_a_megabyte_is_too_large(gate: Gate) -> None:
    answer = gate.browser().sign_in("support", "x" * 1_000_001)
    assert answer.status_code == 413


def test_a_user_who_left_cannot_sign_in(gate: Gate) -> None:
    gate.user("support")
    with gate.harness.session() as session:
        session.scalars(select(User)).one().active = False
    assert gate.browser().sign_in("support").status_code == 401


def test_wrong_passwords_make_the_account_wait_whether_it_exists_or_not(gate: Gate) -> None:
    gate.user("support")
    for login in ("support", "nobody"):
        answers = [gate.browser().sign_in(login, "wrong").status_code for _ in range(6)]
        assert answers == [401, 401, 401, 401, 401, 429]
    refused = gate.browser().sign_in("support")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert refused.json["type"] == "/problems/sign-in-too-soon"
    gate.clock.advance(dt.timedelta(seconds=2))
    assert gate.browser().sign_in("support").status_code == 200
    assert gate.browser().sign_in("support", "wrong").status_code == 401


def test_the_wait_grows_and_is_forgotten_after_a_day(gate: Gate) -> None:
    waits = []
    for _ in range(20):
        answer = gate.browser().sign_in("nobody", "wrong")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            gate.clock.advance(dt.timedelta(seconds=waits[-1]))
    assert waits[:3] == [2, 4, 8]
    with gate.harness.session() as session:
        session.scalars(select(SignInFailure)).one().failures = 1_000
    gate.clock.advance(dt.timedelta(hours=25))
    assert gate.browser().sign_in("nobody", "wrong").status_code == 401
    assert gate.browser().sign_in("nobody", "wrong").status_code == 401


def test_two_passwords_at_once_and_the_house_stays_open(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    gate.user("support")
    running, most, lock = 0, 0, threading.Lock()
    real = hashing._hasher.verify

    class Counting:
        def verify(self, password_hash: str, password: bytes) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            try:
                return real(password_hash, password)
            finally:
                with lock:
                    running -= 1

    monkeypatch.setattr(hashing, "_hasher", Counting())
    monkeypatch.setattr(hashing, "is_outdated", lambda _hash: False)
    with ThreadPoolExecutor(100) as threads:
        answers = [threads.submit(gate.browser().sign_in, f"user{number}", "wrong password") for number in range(100)]
        alive = [gate.app.test_client().get("/livez").status_code for _ in range(20)]
        counted = Counter(answer.result().status_code for answer in answers)
    assert alive == [200] * 20
    assert most <= 2
    assert set(counted) <= {401, 429}
    assert counted[401] >= 1
    assert counted.total() == 100


def test_signing_in_again_ends_the_session_that_the_browser_brought(gate: Gate) -> None:
    browser = gate.browser("support")
    old = browser.client.get_cookie("billhook")
    assert old is not None
    assert browser.sign_in("support").status_code == 200
    thief = gate.browser()
    thief.client.set_cookie("billhook", old.value)
    assert thief.get("/api/gateway/company").status_code == 401
    assert browser.get("/api/gateway/company").status_code == 200


def test_a_session_that_an_attacker_planted_is_not_adopted(gate: Gate) -> None:
    browser = gate.browser()
    browser.client.set_cookie("billhook", "A" * 43)
    browser.sign_in(gate.user("support"))
    cookie = browser.client.get_cookie("billhook")
    assert cookie is not None
    assert cookie.value != "A" * 43


def test_after_signing_out_the_cookie_is_worth_nothing(gate: Gate) -> None:
    browser = gate.browser("support")
    kept = browser.client.get_cookie("billhook")
    assert kept is not None
    assert browser.post("/sign-out", data={"csrf_token": browser.csrf_token}).headers["Location"] == "/sign-in"
    assert browser.client.get_cookie("billhook") is None
    browser.client.set_cookie("billhook", kept.value)
    assert browser.get("/api/gateway/company").status_code == 401
    assert audited(gate) == ["signed_in", "signed_out"]


def test_audit_rows_name_who_and_from_where(gate: Gate) -> None:
    browser = gate.browser("support")
    gate.browser().sign_in("support", "wrong")
    browser.post("/sign-out")
    with gate.harness.session() as session:
        user_id = session.scalars(select(User.id)).one()
        rows = session.execute(
            select(audit_entry.c.action, audit_entry.c.actor, audit_entry.c.subject, audit_entry.c.ip).order_by(
                audit_entry.c.id
            )
        ).all()
    actor = f"user:{user_id}"
    assert [tuple(row) for row in rows] == [
        ("signed_in", actor, user_id, "127.0.0.1"),
        ("sign_in_failed", "anyone", user_id, "127.0.0.1"),
        ("signed_out", actor, user_id, "127.0.0.1"),
    ]


def test_own_password_is_changed_with_the_old_one_and_ends_other_sessions(gate: Gate) -> None:
    browser, other = gate.browser("support"), gate.browser()
    other.sign_in("support")
    wrong = browser.post("/password", {"current_password": "wrong", "password": "another good sentence"})
    assert wrong.status_code == 401
    short = browser.post("/password", {"current_password": PASSWORD, "password": "short"})
    assert (short.status_code, short.json["type"]) == (422, "/problems/password-refused")
    done = browser.post("/password", {"current_password": PASSWORD, "password": "another good sentence"})
    assert done.status_code == 200
    assert browser.get("/api/gateway/company").status_code == 200
    assert other.get("/api/gateway/company").status_code == 401
    assert gate.browser().sign_in("support").status_code == 401
    assert gate.browser().sign_in("support", "another good sentence").status_code == 200


def test_a_key_has_no_password(gate: Gate) -> None:
    answer = gate.machine().post("/password", {"current_password": "x", "password": "another good sentence"})
    assert answer.status_code == 403


def test_a_hash_of_older_costs_is_renewed_by_signing_in(gate: Gate) -> None:
    from argon2 import PasswordHasher  # noqa: PLC0415

    gate.user("support")
    with gate.harness.session() as session:
        session.scalars(select(User)).one().password_hash = PasswordHasher(1, 8_192, 1).hash(PASSWORD)
    assert gate.browser().sign_in("support").status_code == 200
    with gate.harness.session() as session:
        assert "m=19456,t=2,p=1" in session.scalars(select(User.password_hash)).one()
    assert gate.browser().sign_in("support").status_code == 200


def test_the_first_administrator_is_made_once(gate: Gate) -> None:
    with gate.harness.session() as session:
        made_up = ensure_first_administrator(session, gate.clock, "")
    assert made_up is not None
    assert gate.browser().sign_in("admin", made_up).json["role"] == "administrator"
    with gate.harness.session() as session:
        assert ensure_first_administrator(session, gate.clock, "another password") is None
    assert gate.browser().sign_in("admin", made_up).status_code == 200


def test_the_first_administrator_has_the_password_that_was_set(gate: Gate) -> None:
    with gate.harness.session() as session:
        assert ensure_first_administrator(session, gate.clock, "a password that was set") is None
    assert gate.browser().sign_in("admin", "a password that was set").status_code == 200


def test_a_bad_first_password_is_refused_and_taken_only_for_trials(gate: Gate) -> None:
    with pytest.raises(PasswordRefused), gate.harness.session() as session:
        ensure_first_administrator(session, gate.clock, "changeme")
    with gate.harness.session() as session:
        assert ensure_first_administrator(session, gate.clock, "changeme", strict=False) is None
    assert gate.browser().sign_in("admin", "changeme").status_code == 200


def test_two_first_starts_at_once_make_one_administrator(gate: Gate) -> None:
    def start(number: int) -> str | None:
        with gate.harness.session() as session:
            return ensure_first_administrator(session, gate.clock, "")

    with ThreadPoolExecutor(4) as threads:
        made_up = [password for password in threads.map(start, range(4)) if password]
    assert len(made_up) == 1
    assert gate.browser().sign_in("admin", made_up[0]).status_code == 200


def test_what_is_over_is_forgotten_by_the_clock(gate: Gate) -> None:
    gate.browser("support")
    gate.browser().sign_in("nobody", "wrong")
    gate.harness.run_jobs()
    gate.clock.advance(dt.timedelta(days=2))
    gate.harness.run_jobs()
    with gate.harness.session() as session:
        assert session.scalars(select(SignedInSession)).all() == []
        assert session.scalars(select(SignInFailure)).all() == []


def test_a_foreign_page_cannot_sign_its_visitor_in(gate: Gate) -> None:
    body = {"login": gate.user("support"), "password": PASSWORD}
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "https://localhost", f"{ORIGIN}:81"):
        answer = gate.browser().client.post("/sign-in", data=body, headers={"Origin": origin})
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/foreign-origin"), origin
