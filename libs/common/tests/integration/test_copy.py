"""COPY: its errors are those of any other statement, so that every edge knows them."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from billhook_common.db import copy_rows
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

COLUMNS = ("id", "name", "value")


def test_a_copy_that_the_server_breaks_off_means_that_the_database_is_away(harness: ServiceHarness) -> None:
    def rows() -> Iterator[tuple[UUID, str, int]]:
        yield uuid7(), "first", 1
        with psycopg.connect(harness.config.database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for number in range(10_000):
            yield uuid7(), f"later {number}", 1

    with pytest.raises(OperationalError), harness.session() as session:
        copy_rows(session, "counter", COLUMNS, rows())
    assert harness.client().get("/counters").json["items"] == []


def test_a_row_that_breaks_a_rule_is_an_integrity_error(harness: ServiceHarness) -> None:
    with pytest.raises(IntegrityError), harness.session() as session:
        copy_rows(session, "counter", COLUMNS, [(uuid7(), "same", 1), (uuid7(), "same", 1)])


def test_a_value_that_cannot_be_stored_is_a_data_error(harness: ServiceHarness) -> None:
    with pytest.raises(DataError), harness.session() as session:
        copy_rows(session, "counter", COLUMNS, [(uuid7(), "a\x00b", 1)])
