"""Customers' accounts: opened and kept by crm's events, locked before the ledger changes them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_common.contracts.crm import CustomerSnapshot
from billhook_common.db import no_sequential_scans
from billhook_common.errors import NotKnownYet
from billhook_common.events import NotYet

BULK = 16
"""From so many customers on, plans must not depend on what PostgreSQL knows of the tables' sizes."""

_LOCK = (
    "SELECT customer_id, currency, balance, version FROM account WHERE customer_id = ANY(%s) "
    "ORDER BY customer_id FOR NO KEY UPDATE"
)
_MIRROR = text("""
    INSERT INTO account (customer_id, customer_version, number, login, name, lifecycle, partner, currency, due_days)
    SELECT new.*, :currency, :due_days FROM unnest(
        CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:numbers AS text[]), CAST(:logins AS text[]),
        CAST(:names AS text[]), CAST(:lifecycles AS text[]), CAST(:partners AS text[])) AS new
    ON CONFLICT (customer_id) DO UPDATE SET
        customer_version = excluded.customer_version, number = excluded.number, login = excluded.login,
        name = excluded.name, lifecycle = excluded.lifecycle, partner = excluded.partner
    WHERE account.customer_version < excluded.customer_version
""")


@dataclass(slots=True)
class LockedAccount:
    """An account that nobody else can change now; ``balance`` in minor units, moved on with each posting."""

    currency: str
    balance: int
    version: int


def lock_accounts(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, LockedAccount]:
    """Hold the accounts until the transaction ends, always in the order of their ids: so nobody waits in a circle.

    Raises NotKnownYet while an account's customer has not arrived.
    """
    if not customer_ids:
        return {}
    if len(customer_ids) >= BULK:
        no_sequential_scans(session)
    rows = session.connection().exec_driver_sql(_LOCK, (list(customer_ids),))
    accounts = {row.customer_id: LockedAccount(row.currency, row.balance, row.version) for row in rows}
    missing = set(customer_ids) - accounts.keys()
    if missing:
        raise NotKnownYet(f"Customer {min(missing)} has not arrived here yet.", pointer="/customer_id")
    return accounts


def mirror_customers(session: Session, customers: Iterable[CustomerSnapshot], *, currency: str, due_days: int) -> None:
    """Open accounts in ``currency`` that are due after ``due_days``, or keep the newest version of a customer.

    In whatever order they come (G4).

    Raises NotYet while another customer still has the number or the login here.
    """
    newest: dict[UUID, CustomerSnapshot] = {}
    for customer in customers:
        known = newest.get(customer.customer_id)
        if known is None or known.version < customer.version:
            newest[customer.customer_id] = customer
    ordered = [newest[customer_id] for customer_id in sorted(newest)]
    try:
        session.execute(
            _MIRROR,
            {
                "currency": currency,
                "due_days": due_days,
                "ids": [customer.customer_id for customer in ordered],
                "versions": [customer.version for customer in ordered],
                "numbers": [customer.number for customer in ordered],
                "logins": [customer.login for customer in ordered],
                "names": [customer.name for customer in ordered],
                "lifecycles": [customer.lifecycle for customer in ordered],
                "partners": [customer.partner for customer in ordered],
            },
        )
    except IntegrityError as error:
        raise NotYet("a number or login is still that of another customer here") from error
