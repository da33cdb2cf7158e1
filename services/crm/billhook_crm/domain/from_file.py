"""A row of a customer file as a customer (E2)."""

from typing import Any

from billhook_common.tabular import Record, Value
from billhook_crm.domain.details import CustomerDetails

_ONE_LINE = (
    "number", "login", "name", "contact_person", "company_number", "tax_id", "street", "city", "zip",
    "contract_number", "payment_reference", "location", "partner",
)  # fmt: skip


def details_of(record: Record) -> CustomerDetails:
    """The customer in a row that passed the checks of its cells.

    Without a status the customer is active: whoever comes from another system is served already.
    """
    latitude, longitude = record.place("gps") or (None, None)
    status = record.text("status") or "active"
    return CustomerDetails(
        **_lines(record),
        category=record.text("category") or "person",
        email=record.text("email") or "",
        phone=record.text("phone") or "",
        country=record.text("country") or "",
        latitude=latitude,
        longitude=longitude,
        birth_date=record.date("birth_date"),
        lifecycle="new" if status == "new" else "active",
        imported_status=status if status in ("blocked", "inactive") else "",
        note=record.text("note") or "",
        created_on=record.date("created_on"),
    )


def _lines(record: Record) -> dict[str, Any]:
    """The texts of one line, by the names of CustomerDetails."""
    return {name: _line(record.values[name]) for name in _ONE_LINE}


def _line(value: Value) -> str:
    assert value is None or isinstance(value, str)
    return " ".join(value.split()) if value else ""
