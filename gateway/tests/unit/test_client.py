"""How pages ask: JSON, problems, panels."""

import datetime as dt
import io
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, Response, request

from billhook_common.auth import Identity, SigningKey
from billhook_common.clock import FixedClock
from billhook_gateway.backends import Backend, InProcess, NoSuchService
from billhook_gateway.client import ApiProblem, ServiceClient, ServiceDown, Unavailable, query_text
from billhook_gateway.panels import KEPT_VALUES, Panels

pytestmark = pytest.mark.unit
KEY = SigningKey("unit", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
AT = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
ANNA = Identity("user:anna", "Anna", frozenset({"crm:read"}))
BOB = Identity("user:bob", "Bob", frozenset({"crm:read"}))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def ask(clock: FixedClock) -> Iterator[Callable[..., ServiceClient]]:
    """Makes clients: ``ask(things=view_function)`` for services with one view for everything."""
    made: list[Panels] = []

    def make(identity: Identity = ANNA, **views: Callable[[], Any]) -> ServiceClient:
        apps = {}
        for name, view in views.items():
            app = Flask(name, static_folder=None)
            rule = {"defaults": {"path": ""}, "methods": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
            app.add_url_rule("/", "view", lambda path, view=view: view(), **rule)
            app.add_url_rule("/<path:path>", "view", methods=rule["methods"])
            apps[name] = InProcess(name, app)
        made.append(Panels(clock))
        return ServiceClient(Backend(apps, KEY, clock), identity, {"X-Request-Id": "r1"}, made[-1])

    yield make
    for panels in made:
        panels.close()


def seen() -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.full_path,
        "body": request.get_data(as_text=True),
        "key": request.headers.get("Idempotency-Key"),
        "id": request.headers.get("X-Request-Id"),
        "type": request.content_type,
    }


def test_queries_are_written_as_services_read_them() -> None:
    query = {"state": "open", "after": None, "limit": 5, "mine": True, "tag": ["a b", "c&d"]}
    assert query_text(query) == "state=open&limit=5&mine=true&tag=a+b&tag=c%26d"


def test_every_verb_sends_json_and_gets_it_decoded(ask: Callable[..., ServiceClient]) -> None:
    client = ask(things=seen)
    assert client.get("things", "/x", q="Žižka")["path"] == "/x?q=%C5%BDi%C5%BEka"
    for verb in ("post", "put", "patch"):
        answer = getattr(client, verb)("things", "/x", {"amount": "29.90"}, key="k1")
        assert (answer["method"], answer["body"], answer["key"]) == (verb.upper(), '{"amount":"29.90"}', "k1")
        assert (answer["id"], answer["type"]) == ("r1", "application/json")
    assert client.delete("things", "/x")["method"] == "DELETE"
    assert client.post("things", "/x/close")["type"] is None


def test_an_upload_is_a_form_with_a_file(ask: Callable[..., ServiceClient]) -> None:
    def received() -> dict[str, Any]:
        file = request.files["file"]
        return {"name": file.filename, "size": len(file.read()), "form": request.form.to_dict()}

    content = io.BytesIO(b"a;b\n" * 1_000)
    answer = ask(crm=received).upload("crm", "/imports", {"delimiter": ";"}, ("žluťoučký.csv", content), key="k")
    assert answer == {"name": "žluťoučký.csv", "size": 4_000, "form": {"delimiter": ";"}}


def test_an_empty_answer_is_none(ask: Callable[..., ServiceClient]) -> None:
    assert ask(things=lambda: Response(status=204)).post("things", "/x") is None


def test_a_refusal_is_an_exception_with_its_problem(ask: Callable[..., ServiceClient]) -> None:
    problem = {
        "type": "/problems/ticket-is-closed",
        "title": "The ticket is closed",
        "status": 409,
        "detail": "Reopen it.",
    }
    answer = Response(json.dumps(problem), 409, content_type="application/problem+json")
    with pytest.raises(ApiProblem) as refused:
        ask(things=lambda: answer).post("things", "/x")
    assert (refused.value.status, refused.value.kind, refused.value.detail) == (409, "ticket-is-closed", "Reopen it.")
    assert refused.value.problem == problem


@pytest.mark.parametrize(
    "answer",
    [
        Response("<h1>Oops</h1>", 500, content_type="text/html"),
        Response("not json", 502, content_type="application/problem+json"),
        Response("[]", 500, content_type="application/problem+json"),
        Response("<h1>Hello</h1>", 200, content_type="text/html"),
        Response("", 302, {"Location": "/elsewhere"}),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_problem_too(ask: Callable[..., ServiceClient], answer: Response) -> None:
    with pytest.raises(ApiProblem) as refused:
        ask(things=lambda: answer).get("things", "/x")
    assert refused.value.kind == "unexpected-answer"


def test_there_are_only_the_services_that_there_are(ask: Callable[..., ServiceClient]) -> None:
    with pytest.raises(NoSuchService):
        ask().get("nothing", "/x")


def test_panels_are_asked_at_once(ask: Callable[..., ServiceClient]) -> None:
    together = threading.Barrier(3, timeout=5)

    def view() -> dict[str, str]:
        together.wait()
        return {"path": request.full_path}

    panels = ask(a=view, b=view, c=view).gather(one=("a", "/1"), two=("b", "/2", {"q": 1}), three=("c", "/3"))
    assert panels == {"one": {"path": "/1?"}, "two": {"path": "/2?q=1"}, "three": {"path": "/3?"}}


def test_one_service_down_is_its_panels_only_and_the_last_value_keeps_its_age(
    ask: Callable[..., ServiceClient], clock: FixedClock
) -> None:
    broken = False

    def view() -> Any:
        return Response("{}", 503, content_type="application/problem+json") if broken else {"open": 7}

    client = ask(tickets=view, crm=lambda: {"customers": 3})
    wanted = {"open": ("tickets", "/panels/tickets"), "customers": ("crm", "/panels/customers")}
    assert client.gather(**wanted)["open"] == {"open": 7}
    broken = True
    clock.advance(dt.timedelta(minutes=5))
    panels = client.gather(**wanted)
    assert panels["customers"] == {"customers": 3}
    stale = panels["open"]
    assert isinstance(stale, Unavailable)
    assert (stale.service, stale.status, stale.value, stale.at) == ("tickets", 503, {"open": 7}, AT)
    assert client.backend.down() == {"tickets": AT}


def test_what_one_may_not_see_is_not_shown_from_anothers_memory(
    ask: Callable[..., ServiceClient], clock: FixedClock
) -> None:
    allowed = True

    def view() -> Any:
        return {"open": 7} if allowed else Response("{}", 403, content_type="application/problem+json")

    anna = ask(tickets=view)
    bob = ServiceClient(anna.backend, BOB, {}, anna.panels)
    assert anna.gather(open=("tickets", "/x"))["open"] == {"open": 7}
    allowed = False
    for client in (anna, bob):
        panel = client.gather(open=("tickets", "/x"))["open"]
        assert (panel.status, panel.value) == (403, None)


def test_a_service_that_hangs_costs_two_seconds_and_no_other_panel(
    ask: Callable[..., ServiceClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billhook_gateway.panels.PANEL_SECONDS", 0.05)
    release = threading.Event()

    def hang() -> dict[str, str]:
        release.wait(10)
        return {}

    client = ask(slow=hang, fast=lambda: {"ok": True})
    names = [f"slow{number}" for number in range(20)]
    panels = client.gather(**{name: ("slow", f"/{name}") for name in names}, fast=("fast", "/x"))
    assert panels["fast"] == {"ok": True}
    assert {panels[name].problem["type"] for name in names} == {"/problems/service-down"}
    release.set()


def test_memory_of_panels_is_bounded(ask: Callable[..., ServiceClient]) -> None:
    client = ask(a=lambda: {})
    for number in range(0, KEPT_VALUES + 20, 20):
        client.gather(**{f"p{step}": ("a", f"/{number + step}") for step in range(20)})
    assert len(client.panels._kept) == KEPT_VALUES


def test_a_defect_behind_a_panel_is_not_hidden(ask: Callable[..., ServiceClient]) -> None:
    with pytest.raises(NoSuchService):
        ask().gather(x=("nothing", "/x"))


def test_a_silent_service_is_named(ask: Callable[..., ServiceClient]) -> None:
    client = ask(things=lambda: Response(status=401))
    with pytest.raises(ServiceDown, match="things does not accept"):
        client.get("things", "/x")
