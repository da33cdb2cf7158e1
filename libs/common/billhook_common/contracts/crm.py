"""What CRM tells: customers, and the partners and locations that they belong to."""

import datetime as dt
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from billhook_common.contracts import Fact

Category = Literal["person", "company"]
Lifecycle = Literal["new", "active", "archived"]


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A postal address; ``country`` is ISO 3166-1 alpha-2."""

    street: str = ""
    city: str = ""
    zip: str = ""
    country: str = ""


class CustomerSnapshot(Fact, frozen=True, kw_only=True):
    """The whole public state of a customer; a reader keeps the highest ``version``."""

    customer_id: UUID
    version: int
    number: str
    login: str
    name: str
    category: Category
    lifecycle: Lifecycle
    email: str = ""
    phone: str = ""
    address: Address = Address()
    company_number: str = ""
    tax_id: str = ""
    payment_reference: str = ""
    language: str = "en"
    partner: str = "main"
    location: str = ""
    partner_id: UUID | None = None
    location_id: UUID | None = None
    created_on: dt.date


class CustomerCreated(CustomerSnapshot, frozen=True, kw_only=True):
    """A customer exists from now on; billing opens the account."""

    TYPE: ClassVar[str] = "crm.customer.created.v1"


class CustomerChanged(CustomerSnapshot, frozen=True, kw_only=True):
    """Something about the customer is new."""

    TYPE: ClassVar[str] = "crm.customer.changed.v1"


class PartnerChanged(Fact, frozen=True, kw_only=True):
    """A brand or reseller is new, renamed or archived; a reader keeps the highest ``version``."""

    TYPE: ClassVar[str] = "crm.partner.changed.v1"
    partner_id: UUID
    version: int
    name: str
    archived: bool = False


class LocationChanged(Fact, frozen=True, kw_only=True):
    """A location is new, renamed or archived; a reader keeps the highest ``version``."""

    TYPE: ClassVar[str] = "crm.location.changed.v1"
    location_id: UUID
    version: int
    name: str
    archived: bool = False
