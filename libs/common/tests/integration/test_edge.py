"""The HTTP edge: rights, one transaction a request, problems, Idempotency-Key, pages, limits."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from billhook_common import migrate
from billhook_common.auth import Identity, SigningKey
from billhook_common.local.postgres import LocalPostgres
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import TEST_KEY
from billhook_common.testing.sample import Counted

pytestmark = pytest.mark.integration


def _made(harness: ServiceHarness, name: str = "a") -> str:
    answer = harness.client().post("/counters", {"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_a_refusal_leaves_nothing_behind(harness: ServiceHarness) -> None:
    _made(harness)
    answer = harness.client().post("/counters", {"name": "a"})
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "/problems/counter-taken"
    assert answer.json["errors"] == [{"pointer": "/name", "message": "a exists."}]
    assert len(harness.published(Counted)) == 1


def test_a_defect_is_a_500_without_its_details(harness: ServiceHarness) -> None:
    answer = harness.client()._send("GET", "/counters/broken", headers={"X-Request-Id": "abc-12345678"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "abc-12345678"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "a", "step": 1.5}, "/step"),
        ({"name": "a", "id": "x"}, "/id"),
        ([], "/"),
    ],
)
def test_a_wrong_body_names_the_field(harness: ServiceHarness, body: object, pointer: str) -> None:
    answer = harness.client().post("/counters", body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_broken_json_and_a_wrong_content_type_are_problems(harness: ServiceHarness) -> None:
    client = harness.client()
    broken = client._send("POST", "/counters", data=b'{"name": ', content_type="application/json")
    assert broken.status_code == 400
    assert broken.content_type == "application/problem+json"
    form = client._send("POST", "/counters", data={"name": "a"})
    assert form.status_code == 422
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/counters").status_code == 405


def test_a_body_above_the_limit_is_refused(harness: ServiceHarness) -> None:
    answer = harness.client().post("/counters", {"name": "a" * 1_000_001})
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


class TestTokens:
    """Who may call."""

    def _status(self, harness: ServiceHarness, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return harness.stranger()._send("GET", "/counters", headers=headers).status_code

    def test_a_good_token_with_the_right(self, harness: ServiceHarness) -> None:
        assert harness.client("sample:read").get("/counters").status_code == 200

    def test_without_the_right_it_is_403_naming_it(self, harness: ServiceHarness) -> None:
        answer = harness.client("other:read").get("/counters")
        assert answer.status_code == 403
        assert "sample:read" in answer.json["detail"]

    def test_a_customers_token_opens_only_what_is_meant_for_customers(self, harness: ServiceHarness) -> None:
        answer = harness.client("sample:read", customer_id=uuid4()).get("/counters")
        assert (answer.status_code, answer.json["detail"]) == (403, "This is for staff.")

    def test_without_a_token_it_is_401(self, harness: ServiceHarness) -> None:
        assert harness.stranger().get("/counters").status_code == 401

    @pytest.mark.parametrize(
        "fault", ["audience", "issuer", "expired", "other-key", "unknown-kid", "none", "hs256", "junk"]
    )
    def test_a_forged_token_is_401(self, harness: ServiceHarness, fault: str) -> None:
        identity = Identity("user:eve", "Eve", frozenset({"*"}))
        claims = jwt.decode(TEST_KEY.sign(identity, "sample"), options={"verify_signature": False})
        public = json.loads(TEST_KEY.public_document())["keys"][0]["x"]
        token = {
            "audience": lambda: TEST_KEY.sign(identity, "billing"),
            "issuer": lambda: jwt.encode({**claims, "iss": "eve"}, TEST_KEY.private, "EdDSA", {"kid": "test"}),
            "expired": lambda: jwt.encode({**claims, "exp": 1_000}, TEST_KEY.private, "EdDSA", {"kid": "test"}),
            "other-key": lambda: SigningKey("test", Ed25519PrivateKey.generate()).sign(identity, "sample"),
            "unknown-kid": lambda: SigningKey("../../etc", TEST_KEY.private).sign(identity, "sample"),
            "none": lambda: jwt.encode(claims, None, "none", {"kid": "test"}),
            "hs256": lambda: jwt.encode(claims, base64.b64encode(public.encode()).decode(), "HS256", {"kid": "test"}),
            "junk": lambda: "not.a.token",
        }[fault]()
        assert self._status(harness, token) == 401


class TestIdempotencyKey:
    """G6."""

    def test_a_money_command_needs_a_key(self, harness: ServiceHarness) -> None:
        counter = _made(harness)
        answer = harness.client().post(f"/counters/{counter}/pay", key=None)
        assert (answer.status_code, answer.json["type"]) == (400, "/problems/idempotency-key-missing")

    def test_a_repetition_has_one_effect_and_the_same_answer(self, harness: ServiceHarness) -> None:
        counter = _made(harness)
        first = harness.client().post(f"/counters/{counter}/pay", key="k1")
        again = harness.client().post(f"/counters/{counter}/pay", key="k1")
        assert (first.status_code, first.json) == (again.status_code, again.json)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert first.json["value"] == 2
        assert harness.published(Counted)[-1].step == 1
        assert len(harness.published(Counted)) == 2

    def test_another_body_with_the_same_key_is_refused(self, harness: ServiceHarness) -> None:
        harness.client().post("/counters", {"name": "a"}, key="k1")
        answer = harness.client().post("/counters", {"name": "b"}, key="k1")
        assert (answer.status_code, answer.json["type"]) == (422, "/problems/idempotency-key-reused")

    def test_a_refusal_is_kept_too(self, harness: ServiceHarness) -> None:
        _made(harness)
        first = harness.client().post("/counters", {"name": "a"}, key="k2")
        again = harness.client().post("/counters", {"name": "a"}, key="k2")
        assert first.status_code == again.status_code == 409
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.content_type == "application/problem+json"

    def test_keys_of_two_callers_do_not_meet(self, harness: ServiceHarness) -> None:
        counter = _made(harness)
        harness.client(name="Ann").post(f"/counters/{counter}/pay", key="k1")
        assert harness.client(name="Bob").post(f"/counters/{counter}/pay", key="k1").json["value"] == 3

    def test_fifty_at_once_have_one_effect(self, harness: ServiceHarness) -> None:
        counter = _made(harness)

        def pay(_: int) -> tuple[int, object]:
            answer = harness.client().post(f"/counters/{counter}/pay", key="storm")
            return answer.status_code, answer.json

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(pay, range(50)))
        assert {status for status, _ in answers} == {200}
        assert {body["value"] for _, body in answers} == {2}
        assert len(harness.published(Counted)) == 2

    def test_a_key_that_cannot_be_stored_is_refused(self, harness: ServiceHarness) -> None:
        assert harness.client().post("/counters", {"name": "a"}, key="k" * 256).status_code == 400


class TestPages:
    """Keyset pages."""

    def test_every_row_comes_once(self, harness: ServiceHarness) -> None:
        names = [f"c{number:02d}" for number in range(7)]
        for name in reversed(names):
            _made(harness, name)
        seen, after = [], None
        for _ in range(4):
            page = harness.client().get("/counters", limit=2, **({"after": after} if after else {})).json
            seen += [item["name"] for item in page["items"]]
            after = page["next"]
        assert seen == names
        assert after is None

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "0"},
            {"limit": "501"},
            {"limit": "x"},
            {"limit": "²"},
            {"after": "%%%"},
            {"after": "W10"},
            {"after": "W1tdXQ"},
        ],
    )
    def test_a_bad_page_is_400(self, harness: ServiceHarness, query: dict[str, str]) -> None:
        assert harness.client().get("/counters", **query).status_code == 400


def test_health_metrics_and_documentation(harness: ServiceHarness) -> None:
    anyone = harness.stranger()
    assert anyone.get("/livez").json == {"status": "ok"}
    assert anyone.get("/readyz").json == {"status": "ok"}
    assert "billhook_requests_total" in anyone.get("/metrics").text
    document = anyone.get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert "/counters" in document["paths"]


def test_models_and_migrations_agree(harness: ServiceHarness) -> None:
    migrate.check(harness.service.migrations, harness.config.database_url, harness.service.metadata)


def test_a_database_that_is_away_is_503_and_comes_back(harness: ServiceHarness, postgres: LocalPostgres) -> None:
    _made(harness)
    postgres.stop()
    try:
        away = harness.client().get("/counters")
        assert away.status_code == 503
        assert away.headers["Retry-After"] == "2"
        assert harness.stranger().get("/livez").status_code == 200
        assert harness.stranger().get("/readyz").status_code == 503
    finally:
        postgres.start()
    # The run's server keeps nothing through a stop that is not clean; that it serves again is what counts here.
    assert harness.client().post("/counters", {"name": "b"}).status_code == 201


def test_text_of_any_kind_is_kept_as_it_is(harness: ServiceHarness) -> None:
    for name in ("'; DROP TABLE counter; --", "Žižka", "<script>alert(1)</script>", "\u202e", str(uuid4())):
        assert harness.client().post("/counters", {"name": name}).json["name"] == name
    nul = harness.client().post("/counters", {"name": "a\x00b"})
    assert nul.status_code == 422
