"""A row of a customer file as a customer (E2)."""

from billhook_common.tabular import Record, Value
from billhook_crm.domain.details import CustomerDetails

_ONE_LINE = (
    "number", "login", "name", "contact_person", "company_number", "tax_id", "street", "city", "zip",
    "contract_number", "payment_reference", "location",
)  # fmt: skip


def details_of(record: Record) -> CustomerDetails:
    """The customer in a row that passed the checks of its cells.

    Without a status the customer is active: whoever comes from another system is served already.
    """
    values = record.values
    latitude, longitude = record.place("gps") or (None, None)
    status = record.text("status") or "active"
    return CustomerDetails(
        **{name: _line(values[name]) for name in _ONE_LINE},
        category=record.text("category") or "person",
        email=record.text("email") or "",
        phone=record.text("phone") or "",
        country=record.text("country") or "",
        latitude=latitude,
        longitude=longitude,
        birth_date=record.date("birth_date"),
        lifecycle="new" if status == "new" else "active",
        imported_status=status if status in ("blocked", "inactive") else "",
        partner=_line(values["partner"]) or "main",
        note=record.text("note") or "",
        created_on=record.date("created_on"),
    )


def _line(value: Value) -> str:
    assert value is None or isinstance(value, str)
    return " ".join(value.split()) if value else ""
