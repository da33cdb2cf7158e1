"""A customer's details change."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.errors import NotFound
from billhook_common.etags import check_version
from billhook_common.events import publish
from billhook_common.scope import EVERYTHING, Scope
from billhook_crm.actions.belong import chosen_again, with_names
from billhook_crm.actions.names import find_taken, hold_names
from billhook_crm.actions.register import LoginTaken, ReferenceTaken, derived_columns, require_usable, snapshot
from billhook_crm.domain.details import DETAIL_NAMES, STORED_NAMES, CustomerDetails
from billhook_crm.domain.keys import login_key, reference_key
from billhook_crm.domain.lifecycle import check_move
from billhook_crm.models import Customer, GivenReference
from billhook_crm.queries import inside


def change_customer(
    session: Session,
    clock: Clock,
    customer_id: UUID,
    changes: Mapping[str, Any],
    *,
    seen: int | None = None,
    scope: Scope = EVERYTHING,
) -> Customer:
    """Set the details named in ``changes``; nothing happens where all have that value already.

    Raises NotFound, VersionGone when the version ``seen`` is not the present one, LifecycleMoveRefused, LoginTaken,
    ReferenceTaken, ReferenceUnusable, NoSuchGroup.
    """
    wanted = select(Customer).where(Customer.id == customer_id, *inside(scope))
    customer = session.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if customer is None:
        raise NotFound("There is no such customer.")
    check_version(session, customer_id, seen=seen, present=customer.version)
    old = details_of(session, customer)
    new = dataclasses.replace(old, **changes)
    if changes.keys() & {"partner", "partner_id", "location", "location_id"}:
        new = chosen_again(session, clock, new, changes, scope)
    if new != old:
        if new.lifecycle != old.lifecycle:
            check_move(old.lifecycle, new.lifecycle)
        _take_names(session, customer_id, old, new)
        _store(session, clock, customer, new)
        names = [name for name in DETAIL_NAMES if getattr(old, name) != getattr(new, name)]
        before, after = ({name: getattr(value, name) for name in names} for value in (old, new))
        audit(session, clock, "customer_changed", customer_id, before=before, after=after)
    return customer


def connect_customers(session: Session, clock: Clock, customer_ids: Collection[UUID]) -> None:
    """Billing provides them a service: whoever was new or imported as inactive is active from now on (K2)."""
    waiting = session.scalars(
        select(Customer)
        .where(Customer.id.in_(customer_ids), or_(Customer.lifecycle == "new", Customer.imported_status == "inactive"))
        .where(Customer.lifecycle != "archived")
        .order_by(Customer.id)
        .with_for_update()
    )
    for customer in waiting.all():
        old = details_of(session, customer)
        _store(session, clock, customer, dataclasses.replace(old, lifecycle="active", imported_status=""))
        audit(session, clock, "customer_connected", customer.id, before={"status": old.lifecycle})


def details_of(session: Session, customer: Customer) -> CustomerDetails:
    """The details of a stored customer."""
    return with_names(session, CustomerDetails(**{name: getattr(customer, name) for name in STORED_NAMES}))


def _take_names(session: Session, customer_id: UUID, old: CustomerDetails, new: CustomerDetails) -> None:
    """Claim a changed login and payment reference; references given up stay the customer's own (R70)."""
    require_usable("/payment_reference", new.payment_reference)
    login, reference = login_key(new.login), reference_key(new.payment_reference)
    if login == login_key(old.login) and reference == reference_key(old.payment_reference):
        return
    hold_names(session)
    taken = find_taken(session, [login], [reference])
    if login != login_key(old.login) and taken.logins:
        raise LoginTaken(f"“{new.login}” is another customer's.", pointer="/login")
    owner = taken.references.get(reference)
    if owner is None:
        session.add(GivenReference(key=reference, customer_id=customer_id))
    elif owner != customer_id:
        raise ReferenceTaken(f"“{new.payment_reference}” is another customer's.", pointer="/payment_reference")


def _store(session: Session, clock: Clock, customer: Customer, details: CustomerDetails) -> None:
    for name in STORED_NAMES:
        setattr(customer, name, getattr(details, name))
    for name, value in derived_columns(details).items():
        setattr(customer, name, value)
    customer.version += 1
    session.flush()
    fact = snapshot(CustomerChanged, customer.id, customer.version, details)
    publish(session, clock, fact, subject=customer.id, customer_id=customer.id, version=customer.version)
