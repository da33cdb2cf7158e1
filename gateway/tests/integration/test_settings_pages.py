"""Settings as pages: grouped by service, decided, refused, put back; shown with who did it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook_common.clock import FixedClock
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.sample import sample_service
from billhook_gateway.backends import Http, connection_pool
from billhook_gateway.testing import Browser, Gate, sealing_key_file

pytestmark = pytest.mark.integration

PAGE = {"Accept": "text/html"}
IDLE = "/settings/gateway/session_idle_minutes"
ROLES = "/settings/gateway/two_factor_roles"


@pytest.fixture
def house(service: Service, databases: TestDatabases, clock: FixedClock, tmp_path: Path) -> Iterator[Gate]:
    """A door with a service that has settings behind it, and others that are silent."""
    dsns = [databases.create(service), databases.create(sample_service())]
    own = ServiceHarness(service, dsns[0], clock, sealing_key=sealing_key_file(tmp_path))
    sample = ServiceHarness(sample_service(), dsns[1], clock)
    silent = {name: Http(name, "http://127.0.0.1:9", connection_pool()) for name in ("crm", "payments", "tickets")}
    gate = Gate(own, {"sample": sample.app}, silent)
    yield gate
    gate.close()
    for harness, dsn in zip((own, sample), dsns, strict=True):
        harness.close()
        databases.drop(dsn)


def shown(browser: Browser, path: str) -> str:
    answer = browser.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def send(browser: Browser, path: str, version: int, *values: str) -> tuple[int, str]:
    data = {"csrf_token": browser.csrf_token, "version": str(version), "value": list(values)}
    answer = browser.post(path, data=data, headers=PAGE)
    return answer.status_code, answer.text


def test_an_administrator_decides_and_sees_who_did(house: Gate) -> None:
    browser = house.browser("administrator")
    assert "Sign out after" in shown(browser, "/settings")
    assert send(browser, IDLE, 0, "60")[0] == 303
    assert "60 minutes" in shown(browser, "/settings")
    assert "Test administrator" in shown(browser, IDLE)
    assert send(browser, ROLES, 0, "finance", "support")[0] == 303
    assert "Finance, Support" in shown(browser, "/settings")
    assert send(browser, f"{IDLE}/reset", 1)[0] == 303
    assert "60 minutes" not in shown(browser, "/settings").partition("Roles that")[0]


@pytest.mark.parametrize("typed", ["4", "721", "", "soon", "9" * 20])
def test_what_is_refused_stays_in_the_form(house: Gate, typed: str) -> None:
    status, text = send(house.browser("administrator"), IDLE, 0, typed)
    assert status == 422
    assert "A whole number from 5 to 720." in text
    assert f'value="{typed}"' in text


def test_somebody_elses_decision_is_not_overwritten(house: Gate) -> None:
    browser = house.browser("administrator")
    send(browser, IDLE, 0, "60")
    status, text = send(browser, IDLE, 0, "90")
    assert status == 412
    assert "This was changed while you had it open" in text
    assert 'name="version" value="1"' in text
    assert send(browser, IDLE, 1, "90")[0] == 303


def test_every_type_goes_through_its_form(house: Gate) -> None:
    browser = house.browser("administrator")
    for name, values in (("ceiling", ["500,5"]), ("loud", ["true"]), ("colours", ["red", "blue"])):
        assert send(browser, f"/settings/sample/{name}", 0, *values)[0] == 303
    page = shown(browser, "/settings")
    assert "500.50" in page
    assert "Red, Blue" in page
    assert "Payments: does not answer" in page
    assert send(browser, "/settings/sample/ceiling", 1, "")[0] == 303
    assert "500.50" not in shown(browser, "/settings")


def test_pages_for_whoever_may(house: Gate) -> None:
    finance = house.browser("finance")
    assert [finance.get(path, headers=PAGE).status_code for path in ("/settings", IDLE)] == [403, 403]
    assert send(finance, IDLE, 0, "60")[0] == 403
