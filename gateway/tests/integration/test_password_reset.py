"""A forgotten password: asked for, mailed, set once."""

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select

from billhook_common.tables import audit_entry, mail
from billhook_gateway.models import PasswordReset, User
from billhook_gateway.testing import ORIGIN, PASSWORD, Gate

pytestmark = pytest.mark.integration
NEW = "another good sentence"
PUBLIC_URL = "https://billing.brightvale.example"


def ask(gate: Gate, login: str, **headers: str) -> int:
    body, headers = {"login": login}, {"Origin": ORIGIN, **headers}
    return gate.app.test_client().post("/forgot-password", json=body, headers=headers).status_code


def letters(folder: Path) -> list[str]:
    """The texts of the letters, oldest first."""
    texts = []
    for path in sorted(folder.glob("mail/*.eml")):
        body = message_from_bytes(path.read_bytes(), policy=policy.default).get_body(("plain",))
        assert body is not None
        texts.append(body.get_content())
    return texts


def token(gate: Gate, folder: Path, login: str) -> str:
    """The token of a link that is mailed now."""
    assert ask(gate, login) == 202
    gate.harness.run_jobs("send_reset_links", "send_mail")
    found = re.search(r"(https://\S+)/reset-password\?token=(\S{43})\s", letters(folder)[-1])
    assert found is not None
    assert found[1] == PUBLIC_URL
    return found[2]


def set_new(gate: Gate, link: str, password: str = NEW) -> tuple[int, str]:
    answer = gate.browser().post("/reset-password", {"token": link, "password": password})
    return answer.status_code, answer.json["type"] if answer.is_json or answer.status_code >= 400 else ""


def audited(gate: Gate) -> list[str]:
    with gate.harness.session() as session:
        return list(session.scalars(select(audit_entry.c.action).order_by(audit_entry.c.id)))


def test_a_link_sets_a_password_once_and_signs_out_everywhere(house: Gate, tmp_path: Path) -> None:
    browser = house.browser("support")
    link = token(house, tmp_path, "support")
    assert set_new(house, link) == (204, "")
    assert browser.get("/api/gateway/company").status_code == 401
    assert house.browser().sign_in("support", PASSWORD).status_code == 401
    assert house.browser().sign_in("support", NEW).status_code == 200
    assert set_new(house, link, "a third good sentence") == (410, "/problems/reset-link-over")
    assert audited(house) == ["signed_in", "password_reset_sent", "password_reset", "sign_in_failed", "signed_in"]
    house.harness.run_jobs("send_mail")
    assert "was just set anew" in letters(tmp_path)[-1]


def test_forms_lead_through_it(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    browser = house.browser()
    assert "Forgot your password?" in browser.get("/sign-in").text
    asked = browser.post("/forgot-password", data={"login": "support@brightvale.example"})
    assert (asked.status_code, asked.headers["Location"]) == (303, "/forgot-password?sent=1")
    assert "on its way" in browser.get(asked.headers["Location"]).text
    house.harness.run_jobs("send_reset_links", "send_mail")
    found = re.search(r"/reset-password\?token=(\S{43})", letters(tmp_path)[-1])
    assert found is not None
    for _ in range(2):  # mail programs look first
        assert browser.get(found[0]).status_code == 200
    page = {"Accept": "text/html"}
    short = browser.post("/reset-password", data={"token": found[1], "password": "short"}, headers=page)
    assert (short.status_code, "At least 12 characters" in short.text, found[1] in short.text) == (422, True, True)
    done = browser.post("/reset-password", data={"token": found[1], "password": NEW}, headers=page)
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in?reset=1")
    assert "The new password is set" in browser.get("/sign-in?reset=1").text
    over = browser.post("/reset-password", data={"token": found[1], "password": NEW}, headers=page)
    assert (over.status_code, "no longer good" in over.text) == (410, True)


def test_the_answer_tells_nothing_of_who_exists(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    house.user("finance")
    with house.harness.session() as session:
        session.scalars(select(User).where(User.login == "finance")).one().active = False
    strangers = ("nobody", "nobody@example.org", "", "x" * 5_000, "\0", "' OR 1=1 --", "finance")
    answers = []
    for login in ("support", *strangers):
        answer = house.browser().post("/forgot-password", {"login": login})
        answers.append((answer.status_code, answer.data, sorted(answer.headers.keys())))
    assert answers == [answers[0]] * len(answers)
    with house.harness.session() as session:
        assert len(session.scalars(select(PasswordReset)).all()) == len(answers)
    house.harness.run_jobs("send_reset_links", "send_mail")
    assert len(letters(tmp_path)) == 1
    with house.harness.session() as session:
        assert len(session.scalars(select(PasswordReset)).all()) == 1


def test_the_link_is_never_made_of_the_host_header(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    evil = house.app.test_client().post(
        "/forgot-password", json={"login": "support"}, headers={"Host": "evil.example", "Origin": "http://evil.example"}
    )
    assert evil.status_code == 400
    assert ask(house, "support", **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}) == 202
    house.harness.run_jobs("send_reset_links", "send_mail")
    (text,) = letters(tmp_path)
    assert f"{PUBLIC_URL}/reset-password" in text
    assert "evil" not in text


def test_a_link_is_over_after_half_an_hour_or_when_a_newer_one_is_sent(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    first = token(house, tmp_path, "support")
    house.clock.advance(dt.timedelta(minutes=1))
    second = token(house, tmp_path, "support")
    assert set_new(house, first)[0] == 410
    house.clock.advance(dt.timedelta(minutes=30))
    assert set_new(house, second)[0] == 410
    house.harness.run_jobs("forget_what_is_over")
    with house.harness.session() as session:
        assert session.scalars(select(PasswordReset)).all() == []


@pytest.mark.parametrize("change", [{"email": "new@example.org"}, {"active": False}, {"role": "cashier"}])
def test_a_link_is_over_when_an_administrator_changes_the_user(
    house: Gate, tmp_path: Path, change: dict[str, object]
) -> None:
    house.user("support")
    link = token(house, tmp_path, "support")
    admin = house.machine()
    user = admin.get("/api/gateway/users").json["items"][0]
    body = {name: user[name] for name in ("login", "name", "role", "active")} | change
    seen = {"If-Match": f'"{user["version"]}"'}
    assert admin.send("PUT", f"/api/gateway/users/{user['id']}", body, headers=seen).status_code == 200
    assert set_new(house, link)[0] == 410


@pytest.mark.parametrize("bad", ["", "x", "A" * 43, "ü" * 43, "A" * 100_000, "' OR 1=1 --", "\0" * 43])
def test_a_made_up_link_sets_nothing(house: Gate, bad: str) -> None:
    house.user("support")
    assert set_new(house, bad) == (410, "/problems/reset-link-over")


def test_a_link_used_by_two_at_once_sets_one_password(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    link = token(house, tmp_path, "support")
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda number: set_new(house, link, f"good sentence number {number}")[0], range(4)))
    assert sorted(done) == [204, 410, 410, 410]


def test_the_database_keeps_the_hash_and_forgets_the_letter(house: Gate, tmp_path: Path) -> None:
    house.user("support")
    link = token(house, tmp_path, "support")
    with house.harness.session() as session:
        kept = session.scalars(select(PasswordReset)).one()
        sent = session.execute(mail.select()).one()
        audits = session.execute(select(audit_entry)).all()
    assert kept.token_hash is not None
    assert len(kept.token_hash) == 32
    assert (sent.state, sent.context) == ("sent", None)
    assert link not in repr(audits)


def test_asking_again_and_again_waits_whether_the_login_exists_or_not(house: Gate) -> None:
    house.user("support")
    for login in ("support", "nobody"):
        assert [ask(house, login) for _ in range(6)] == [202, 202, 202, 202, 202, 429]


def test_a_user_without_an_address_gets_nothing_and_an_installation_without_one_says_so(
    make_gate: Callable[..., Gate], tmp_path: Path
) -> None:
    gate = make_gate(public_url="")
    gate.user("support")
    assert ask(gate, "support") == 404
    assert gate.browser().get("/forgot-password", headers={"Accept": "text/html"}).status_code == 404
    assert "Forgot your password?" not in gate.browser().get("/sign-in").text


def test_users_have_one_address_each(house: Gate) -> None:
    admin = house.machine()
    anna = {"login": "anna", "name": "Anna", "role": "support", "password": PASSWORD, "email": "Anna@Example.org"}
    made = admin.post("/api/gateway/users", anna)
    assert (made.status_code, made.json["email"]) == (201, "anna@example.org")
    again = admin.post("/api/gateway/users", anna | {"login": "other"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/email-taken")
    assert again.json["errors"][0]["pointer"] == "/email"
    for bad in ("anna", "a@b, c@d", "a@x.org\r\nBcc: eve@x.org", "<a@x.org>", "ä@x.org", "a" * 250 + "@x.org"):
        refused = admin.post("/api/gateway/users", anna | {"login": "other", "email": bad})
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/email"), bad
    for login in ("third", "fourth"):
        assert admin.post("/api/gateway/users", anna | {"login": login, "email": ""}).status_code == 201
