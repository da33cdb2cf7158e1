"""Logins, numbers and references: nobody gets one that somebody else has, or is about to get."""

from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func, select, text, union_all
from sqlalchemy.orm import Session

from billhook_common.imports import ImportRow
from billhook_crm.domain.details import CustomerDetails
from billhook_crm.domain.keys import login_key, reference_key
from billhook_crm.models import Customer, GivenReference, customer_number

_ROUNDS = 1_000
"""More blocks of numbers than can be taken one after the other; beyond it the search for a free number is a defect."""
_HOLD = text("SELECT pg_advisory_xact_lock(hashtext('crm_names'))")
# Joined, not compared with ANY: on a table that grows faster than its statistics that would look at every pair.
_KEY = func.unnest(bindparam("keys", type_=ARRAY(Text))).column_valued("wanted")


@dataclass(frozen=True, slots=True)
class Taken:
    """Of the names asked for: the logins that customers have, and who has which reference."""

    logins: Set[str]
    references: dict[str, UUID]


def hold_names(session: Session) -> None:
    """Let no other transaction give names until this one ends; without it two could find the same name free."""
    session.execute(_HOLD)


def find_taken(session: Session, logins: Iterable[str], references: Iterable[str]) -> Taken:
    """Which of these login keys and reference keys customers have already."""
    found = session.scalars(select(Customer.login_key).where(Customer.login_key == _KEY), {"keys": [*logins]})
    givens = session.execute(
        select(GivenReference.key, GivenReference.customer_id).where(GivenReference.key == _KEY),
        {"keys": [*references]},
    )
    return Taken(set(found), {key: owner for key, owner in givens})


def next_numbers(session: Session, count: int, *, but_not: Set[str]) -> list[str]:
    """``count`` new customer numbers, none of which is a login, number or reference of anybody or in ``but_not``.

    Call ``hold_names`` first. Rows of a running import count as somebody.
    """
    numbers: list[str] = []
    for _ in range(_ROUNDS):
        if len(numbers) == count:
            return numbers
        drawn = [str(number) for number in session.scalars(_DRAW, {"count": count - len(numbers)})]
        used = set(session.scalars(_USED, {"keys": drawn})) | but_not
        numbers += [number for number in drawn if number not in used]
    raise AssertionError(f"no free customer number in {_ROUNDS} blocks")


_DRAW = select(customer_number.next_value()).select_from(
    func.generate_series(1, bindparam("count", type_=BigInteger)).table_valued("n")
)
_STAGED = select(func.unnest(ImportRow.names).label("key")).subquery()
_USED = union_all(
    select(GivenReference.key).where(GivenReference.key == _KEY),
    select(Customer.login_key).where(Customer.login_key == _KEY),
    select(_STAGED.c.key).where(_STAGED.c.key == _KEY),
)


def reference_keys(details: CustomerDetails) -> list[str]:
    """The keys of the number and payment reference that a customer brings; blank ones are left out."""
    keys = (reference_key(details.number), reference_key(details.payment_reference))
    return [key for key in dict.fromkeys(keys) if key]


def login_of(details: CustomerDetails) -> str:
    """The key of the login that a customer will have: without one of their own, the number is the login."""
    return login_key(details.login or details.number)


def explicit_keys(customers: Collection[CustomerDetails]) -> set[str]:
    """Every login and reference key that these customers bring."""
    keys = {login_of(details) for details in customers}
    for details in customers:
        keys.update(reference_keys(details))
    return keys
