"""API keys at the door."""

import datetime as dt
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select

from billhook_gateway.models import ApiKey
from billhook_gateway.testing import BOOTSTRAP_KEY, Gate

pytestmark = pytest.mark.integration


def issue(gate: Gate, **wanted: Any) -> dict[str, Any]:
    body = {"name": "Nightly export", "permissions": ["crm:read", "tickets:*"], **wanted}
    made = gate.machine().post("/api/gateway/api-keys", body)
    assert made.status_code == 201, made.text
    return dict(made.json)


def test_a_key_opens_what_it_was_issued_for(gate: Gate) -> None:
    key = issue(gate)
    machine = gate.machine(key["key"])
    assert machine.get("/api/echo/things").json["subject"] == f"key:{key['prefix']}"
    assert machine.get("/api/echo/things").json["permissions"] == ["crm:read", "tickets:*"]
    assert machine.get("/api/gateway/users").status_code == 403
    assert machine.get("/api/gateway/sessions/caller").json["user"] is None
    assert machine.get("/api/gateway/sessions").json["items"] == []


def test_a_key_is_shown_once_and_kept_as_a_hash(gate: Gate) -> None:
    key = issue(gate)
    secret = key["key"].split("_", 2)[2]  # which may have one of its own
    listed = gate.machine().get("/api/gateway/api-keys").text
    assert key["prefix"] in listed
    assert secret not in listed
    with gate.harness.session() as session:
        kept = session.scalars(select(ApiKey)).one()
    assert len(kept.digest) == 32
    assert secret.encode() not in kept.digest


def test_a_revoked_key_ends_at_once(gate: Gate) -> None:
    key = issue(gate)
    machine = gate.machine(key["key"])
    for _ in range(2):
        revoked = gate.machine().post(f"/api/gateway/api-keys/{key['id']}/revoke")
        assert revoked.json["revoked_at"] is not None
        assert machine.get("/api/echo/things").status_code == 401


def test_a_key_expires(gate: Gate) -> None:
    key = issue(gate, expires_at="2026-11-24T10:00:00Z")
    machine = gate.machine(key["key"])
    assert machine.get("/api/echo/things").status_code == 200
    gate.clock.advance(dt.timedelta(hours=1))
    assert machine.get("/api/echo/things").status_code == 401


def test_its_last_use_is_seen(gate: Gate) -> None:
    key = issue(gate)
    assert key["last_used_at"] is None
    for minutes in (0, 0, 5):
        gate.clock.advance(dt.timedelta(minutes=minutes))
        gate.machine(key["key"]).get("/api/echo/things")
    (item,) = gate.machine().get("/api/gateway/api-keys").json["items"]
    assert item["last_used_at"] == "2026-11-24T09:05:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"permissions": ["everything"]},
        {"permissions": ["billing:delete"]},
        {"permissions": []},
        {"permissions": "*"},
        {"name": ""},
        {"name": "a\x1b[31m"},
        {"expires_at": "2026-11-24T09:00:00Z"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"key": "bh_mine"},
        {"created_by": "user:x"},
    ],
)
def test_a_bad_key_is_refused(gate: Gate, change: dict[str, Any]) -> None:
    body = {"name": "x", "permissions": ["crm:read"], **change}
    answer = gate.machine().post("/api/gateway/api-keys", body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"].split("/")[1]) == (
        422,
        next(iter(change)),
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {BOOTSTRAP_KEY}",
        BOOTSTRAP_KEY,
        f"Bearer {BOOTSTRAP_KEY} ",
        f"Bearer  {BOOTSTRAP_KEY}",
        f"Bearer {BOOTSTRAP_KEY[:-1]}",
        f"Bearer {BOOTSTRAP_KEY}x",
        f"Bearer {BOOTSTRAP_KEY.upper()}",
        "Bearer bh_abcdefghij_" + "x" * 43,
        "Bearer " + "x" * 100_000,
        "Bearer \x80\xff",
        "Bearer ' OR 1=1 --",
    ],
)
def test_what_is_no_key_opens_nothing(gate: Gate, authorization: str) -> None:
    client = gate.app.test_client()
    answer = client.get("/api/echo/things", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/unauthenticated")


def test_the_right_prefix_with_another_secret_opens_nothing(gate: Gate) -> None:
    first, second = issue(gate), issue(gate)
    mixed = first["key"][:14] + second["key"][14:]
    assert mixed.startswith(f"bh_{first['prefix']}_")
    assert gate.machine(mixed).get("/api/echo/things").status_code == 401


def test_a_key_in_a_url_is_refused_even_beside_a_good_one(gate: Gate) -> None:
    key = issue(gate)["key"]
    for path in (f"/api/echo/things?api_key={key}", f"/livez?x={key}"):
        answer = gate.machine().get(path)
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/key-in-url")
        assert key not in answer.text
    assert gate.app.test_client().get(f"/api/echo/things?key={BOOTSTRAP_KEY}").status_code == 401


def test_the_bootstrap_key_is_one_only_when_it_is_set(harness: Any) -> None:
    with closing(Gate(harness, bootstrap_key="")) as gate:
        for key in ("", BOOTSTRAP_KEY, "None"):
            assert gate.machine(key).get("/api/gateway/users").status_code == 401
