"""A row of a file becomes a customer."""

import datetime as dt

import pytest

from billhook_common.tabular import Dialect, Record, Value
from billhook_crm.domain.customer_columns import customer_columns
from billhook_crm.domain.details import CustomerDetails
from billhook_crm.domain.from_file import details_of

pytestmark = pytest.mark.unit

BLANK: dict[str, Value] = {column.name: None for column in customer_columns(Dialect("csv"))}


def a_row(**values: Value) -> CustomerDetails:
    return details_of(Record(1, 2, BLANK | values))


def test_a_name_is_enough() -> None:
    assert a_row(name="Eva Nová") == CustomerDetails(name="Eva Nová", lifecycle="active")


@pytest.mark.parametrize(
    ("status", "lifecycle", "imported"),
    [
        (None, "active", ""),
        ("active", "active", ""),
        ("new", "new", ""),
        ("blocked", "active", "blocked"),
        ("inactive", "active", "inactive"),
    ],
)
def test_the_status_of_the_former_system_is_kept(status: str | None, lifecycle: str, imported: str) -> None:
    details = a_row(name="x", status=status)
    assert (details.lifecycle, details.imported_status) == (lifecycle, imported)


def test_every_column_has_its_place() -> None:
    details = a_row(
        name="Firma  Kapr\ns.r.o.", category="company", gps="49.5,-7.25", birth_date=dt.date(1980, 1, 2),
        created_on=dt.date(2020, 2, 3), note="one\ntwo", email="a@b.cz, c@d.cz", partner="north", country="CZ",
    )  # fmt: skip
    assert details.name == "Firma Kapr s.r.o."
    assert (details.latitude, details.longitude) == (49.5, -7.25)
    assert (details.birth_date, details.created_on) == (dt.date(1980, 1, 2), dt.date(2020, 2, 3))
    assert details.note == "one\ntwo"
    assert (details.email, details.partner, details.country) == ("a@b.cz, c@d.cz", "north", "CZ")


def test_no_column_is_forgotten() -> None:
    filled = {name: "x" for name in BLANK} | {"gps": "1,2", "birth_date": None, "created_on": None, "status": "blocked"}
    details = details_of(Record(1, 2, filled))
    texts = {name for name in BLANK if name not in ("gps", "birth_date", "created_on", "status")}
    assert {getattr(details, name) for name in texts} == {"x"}
