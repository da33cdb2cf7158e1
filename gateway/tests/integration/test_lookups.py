"""Reads in one round trip, and what happens when the database does not answer."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from billhook_common.errors import Unavailable
from billhook_common.testing import ServiceHarness
from billhook_gateway import lookups
from billhook_gateway.lookups import Lookups
from billhook_gateway.testing import Gate

pytestmark = pytest.mark.integration


@pytest.fixture
def rows(harness: ServiceHarness) -> Iterator[Lookups]:
    item = Lookups(harness.config.database_url, 500)
    yield item
    item.close()


def test_a_row_or_none(rows: Lookups) -> None:
    assert rows.one("SELECT %(a)s::int AS a", {"a": 1}) == {"a": 1}
    assert rows.one("SELECT 1 AS a WHERE false", {}) is None


def test_it_only_reads(rows: Lookups) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        rows.one("DELETE FROM session RETURNING id", {})
    assert rows.one("SELECT 1 AS a", {}) == {"a": 1}


def test_connections_that_were_cut_are_replaced(gate: Gate) -> None:
    browser = gate.browser("support")
    for _ in range(3):
        assert browser.get("/api/gateway/company").status_code == 200
        with psycopg.connect(gate.config.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def test_a_statement_that_takes_too_long_is_given_up(rows: Lookups) -> None:
    with pytest.raises(Unavailable):
        rows.one("SELECT pg_sleep(5)", {})
    assert rows.one("SELECT 1 AS a", {}) == {"a": 1}


def test_a_database_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Lookups("postgresql://nobody@127.0.0.1:1/nothing", 500)
    with pytest.raises(Unavailable):
        away.one("SELECT 1", {})
    away.close()


def test_who_comes_when_all_are_busy_waits_and_is_then_told(rows: Lookups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "WAIT_SECONDS", 0.05)
    busy = [threading.Thread(target=lambda: rows.one("SELECT pg_sleep(0.3)", {})) for _ in range(lookups.CONNECTIONS)]
    for thread in busy:
        thread.start()
    with pytest.raises(Unavailable):
        for _ in range(100):
            rows.one("SELECT 1", {})
            threading.Event().wait(0.001)
    for thread in busy:
        thread.join()


def test_the_companys_name_is_known_before_anybody_signs_in(gate: Gate) -> None:
    assert gate.app.company_name() == ""
    gate.machine().send("PUT", "/api/gateway/company", {"name": "Brightvale"}, headers={"If-Match": "*"})
    assert gate.app.company_name() == "Brightvale"


def test_pages_are_compressed_and_small_answers_are_not(gate: Gate) -> None:
    from billhook_common.auth import public  # noqa: PLC0415

    gate.app.add_url_rule("/page", "page", public(lambda: "<p>Hello</p>" * 500))
    gate.app.add_url_rule("/small", "small", public(lambda: "<p>Hello</p>"))
    client = gate.app.test_client()
    packed = client.get("/page", headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < 200
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in client.get("/page").headers
    assert "Content-Encoding" not in client.get("/small", headers={"Accept-Encoding": "gzip"}).headers
    assert "Content-Encoding" not in client.get("/livez", headers={"Accept-Encoding": "gzip"}).headers
