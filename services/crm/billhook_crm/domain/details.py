"""What crm knows of a customer by itself, as one value: a form, a row of a file and a stored record all give it."""

import datetime as dt
from dataclasses import dataclass, fields
from uuid import UUID

EMAIL_CHARACTERS = 500
"""Of all addresses of a customer together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """A customer without id and version (K1).

    Blank ``number``, ``login`` and ``payment_reference``: to be given at registration. ``email`` and ``phone`` may
    hold many, comma separated; ``latitude`` and ``longitude`` are WGS 84 degrees. Partner and location come by id or,
    from files and programs, by name: ``actions.belong`` finds the one by the other.
    """

    number: str = ""
    login: str = ""
    name: str
    category: str = "person"
    contact_person: str = ""
    company_number: str = ""
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    zip: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    birth_date: dt.date | None = None
    contract_number: str = ""
    lifecycle: str = "new"
    imported_status: str = ""
    partner: str = ""
    location: str = ""
    partner_id: UUID | None = None
    location_id: UUID | None = None
    payment_reference: str = ""
    language: str = "en"
    note: str = ""
    created_on: dt.date | None = None


DETAIL_NAMES = tuple(field.name for field in fields(CustomerDetails))
STORED_NAMES = tuple(name for name in DETAIL_NAMES if name not in ("partner", "location"))
"""The columns of a customer; partner and location are stored by id."""
