"""New customers: one from a form or thousands from a file, by the same way."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.crm import Address, CustomerCreated, CustomerSnapshot
from billhook_common.db import copy_rows
from billhook_common.errors import Conflict, Invalid
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import uuid7
from billhook_common.scope import EVERYTHING, Scope
from billhook_crm.actions.belong import belonging, chosen
from billhook_crm.actions.names import explicit_keys, find_taken, hold_names, login_of, next_numbers, reference_keys
from billhook_crm.domain.details import STORED_NAMES, CustomerDetails
from billhook_crm.domain.keys import fold, login_key, reference_key, search_text
from billhook_crm.domain.lifecycle import status_of

S = TypeVar("S", bound=CustomerSnapshot)


class LoginTaken(Conflict):
    """Another customer signs in with this login, letter case apart."""

    title = "The login is taken"


class ReferenceTaken(Conflict):
    """The number or payment reference belongs, or belonged, to another customer; it is never given out twice (R70)."""

    title = "The number or payment reference is taken"


class ReferenceUnusable(Invalid):
    """A payer can only write letters A-Z and digits, so something of them must be there."""

    title = "The number or payment reference has no letter or digit"


def create_customer(
    session: Session, clock: Clock, details: CustomerDetails, *, currency: str, scope: Scope = EVERYTHING
) -> UUID:
    """One new customer; returns the id. Raises LoginTaken, ReferenceTaken, ReferenceUnusable, NoSuchGroup."""
    details = chosen(session, clock, details, scope)
    require_usable("/number", details.number)
    require_usable("/payment_reference", details.payment_reference)
    hold_names(session)
    taken = find_taken(session, [login_of(details)], reference_keys(details))
    if taken.logins:
        raise LoginTaken(f"“{details.login or details.number}” is another customer's.", pointer="/login")
    if taken.references:
        field = "number" if reference_key(details.number) in taken.references else "payment_reference"
        raise ReferenceTaken(f"“{getattr(details, field)}” is another customer's.", pointer=f"/{field}")
    (customer_id,) = register_customers(session, clock, [details], currency=currency)
    audit(session, clock, "customer_created", customer_id, after={"name": details.name, "login": details.login})
    return customer_id


def require_usable(pointer: str, reference: str) -> None:
    """Raise ReferenceUnusable when a payer could not write ``reference``; blank is not one."""
    if reference and not reference_key(reference):
        raise ReferenceUnusable(f"“{reference}” has no letter A-Z and no digit.", pointer=pointer)


def register_customers(
    session: Session, clock: Clock, customers: Sequence[CustomerDetails], *, currency: str
) -> list[UUID]:
    """Write customers whose names are free, with COPY, and tell everyone; returns their ids.

    Call ``hold_names`` and ``find_taken`` first. Partners and locations that are not known yet are made. ``currency``
    is that of the accounts until billing says better.
    """
    complete = _with_names(session, clock, belonging(session, clock, customers))
    made = [(uuid7(), details) for details in complete]
    copy_rows(session, "customer", ("id", "version", *_COLUMNS), ((id_, 1, *_row(item)) for id_, item in made))
    copy_rows(
        session,
        "given_reference",
        ("key", "customer_id"),
        ((key, id_) for id_, item in made for key in reference_keys(item)),
    )
    copy_rows(
        session,
        "customer_summary",
        ("customer_id", "account_version", "balance", "currency"),
        ((id_, 0, 0, currency) for id_, _ in made),
    )
    publish_many(session, clock, (_created(id_, item) for id_, item in made))
    return [id_ for id_, _ in made]


def _with_names(session: Session, clock: Clock, customers: Sequence[CustomerDetails]) -> list[CustomerDetails]:
    """The customers with number, login, payment reference and first day filled in."""
    missing = sum(1 for details in customers if not details.number)
    numbers = iter(next_numbers(session, missing, but_not=explicit_keys(customers)))
    today = clock.today()
    return [_filled(details, details.number or next(numbers), today) for details in customers]


def _filled(details: CustomerDetails, number: str, today: dt.date) -> CustomerDetails:
    return dataclasses.replace(
        details,
        number=number,
        login=details.login or number,
        payment_reference=details.payment_reference or number,
        created_on=details.created_on or today,
    )


def derived_columns(details: CustomerDetails) -> Mapping[str, str]:
    """The columns of a stored customer that follow from the details: keys, search text, status."""
    return {
        "login_key": login_key(details.login),
        "sort_name": fold(details.name),
        "search": search_text(
            name=details.name, login=details.login, number=details.number,
            email=details.email, phone=details.phone, city=details.city,
        ),
        "status": status_of(details.lifecycle, details.imported_status),
    }  # fmt: skip


_COLUMNS = (*STORED_NAMES, "login_key", "sort_name", "search", "status")


def _row(details: CustomerDetails) -> tuple[Any, ...]:
    return (*(getattr(details, name) for name in STORED_NAMES), *derived_columns(details).values())


def _created(customer_id: UUID, details: CustomerDetails) -> Outgoing:
    fact = snapshot(CustomerCreated, customer_id, 1, details)
    return Outgoing(fact=fact, subject=customer_id, customer_id=customer_id, version=1)


def snapshot(kind: type[S], customer_id: UUID, version: int, details: CustomerDetails) -> S:
    """What everyone may know of a registered customer."""
    assert details.created_on is not None
    return kind(
        customer_id=customer_id,
        version=version,
        number=details.number,
        login=details.login,
        name=details.name,
        category=details.category,  # type: ignore[arg-type]  # the column's check constraint holds the literal's values
        lifecycle=details.lifecycle,  # type: ignore[arg-type]  # likewise
        email=details.email,
        phone=details.phone,
        address=Address(street=details.street, city=details.city, zip=details.zip, country=details.country),
        company_number=details.company_number,
        tax_id=details.tax_id,
        payment_reference=details.payment_reference,
        language=details.language,
        partner=details.partner,
        location=details.location,
        partner_id=details.partner_id,
        location_id=details.location_id,
        created_on=details.created_on,
    )
