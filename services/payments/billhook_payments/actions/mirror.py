"""Mirrors of customers and of documents with their open amounts, kept right in any order of arrival (G4).

Each function takes a batch and writes it with one statement: a billing run sends thousands of events.
"""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.contracts.billing import ItemChanged
from billhook_common.contracts.crm import CustomerSnapshot
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.events import newest
from billhook_common.money import Money
from billhook_payments.domain.references import compact, normalise
from billhook_payments.domain.search import search_text

_CUSTOMERS = text("""
    INSERT INTO customer AS mine (id, version, number, login, name, lifecycle, payment_reference, search)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:numbers AS text[]),
        CAST(:logins AS text[]), CAST(:names AS text[]), CAST(:lifecycles AS text[]), CAST(:refs AS text[]),
        CAST(:searches AS text[]))
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, number = excluded.number, login = excluded.login, name = excluded.name,
        lifecycle = excluded.lifecycle, payment_reference = excluded.payment_reference, search = excluded.search
    WHERE mine.version < excluded.version
""")
_REFERENCES = text("""
    INSERT INTO given_reference (customer_id, reference)
    SELECT DISTINCT * FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[])) ON CONFLICT DO NOTHING
""")
# An open amount that came before its invoice stays.
_INVOICES = text("""
    INSERT INTO document AS mine (id, customer_id, number, number_key, currency, gross, issued_on, due_on,
        payment_reference, item_version, open)
    SELECT new.*, 0, new.gross FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:numbers AS text[]),
        CAST(:keys AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS bigint[]), CAST(:issued AS date[]),
        CAST(:dues AS date[]), CAST(:refs AS text[]))
        AS new(id, customer_id, number, number_key, currency, gross, issued_on, due_on, payment_reference)
    ON CONFLICT (id) DO UPDATE SET
        customer_id = excluded.customer_id, number = excluded.number, number_key = excluded.number_key,
        currency = excluded.currency, gross = excluded.gross, issued_on = excluded.issued_on,
        due_on = excluded.due_on, payment_reference = excluded.payment_reference
    WHERE mine.number IS NULL
""")
_ITEMS = text("""
    INSERT INTO document AS mine (id, customer_id, currency, gross, due_on, payment_reference, item_version, open)
    SELECT new.id, new.customer_id, new.currency, new.total, new.due_on, '', new.version, new.open
    FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:currencies AS text[]),
        CAST(:totals AS bigint[]), CAST(:dues AS date[]), CAST(:versions AS bigint[]), CAST(:amounts AS bigint[]))
        AS new(id, customer_id, currency, total, due_on, version, open)
    ON CONFLICT (id) DO UPDATE SET item_version = excluded.item_version, open = excluded.open
    WHERE mine.item_version < excluded.item_version
""")


def keep_customers(session: Session, customers: Iterable[CustomerSnapshot]) -> None:
    """Keep the newest version of each customer, and every payment reference that one ever had (R70)."""
    snapshots = list(customers)
    rows = newest((customer.customer_id, customer) for customer in snapshots)
    session.execute(
        _CUSTOMERS,
        {
            "ids": [customer.customer_id for customer in rows],
            "versions": [customer.version for customer in rows],
            "numbers": [customer.number for customer in rows],
            "logins": [customer.login for customer in rows],
            "names": [customer.name for customer in rows],
            "lifecycles": [customer.lifecycle for customer in rows],
            "refs": [customer.payment_reference for customer in rows],
            "searches": [
                search_text(customer.name, customer.number, customer.login, customer.payment_reference)
                for customer in rows
            ],
        },
    )
    given = sorted({(one.customer_id, one.payment_reference) for one in snapshots if one.payment_reference})
    if given:
        session.execute(_REFERENCES, {"ids": [one[0] for one in given], "refs": [one[1] for one in given]})


def keep_invoices(session: Session, invoices: Iterable[InvoiceIssued]) -> None:
    """Keep invoices; one is born with all of it open. An invoice never changes."""
    by_id = {invoice.document_id: invoice for invoice in invoices}
    rows = [by_id[document_id] for document_id in sorted(by_id)]
    session.execute(
        _INVOICES,
        {
            "ids": [row.document_id for row in rows],
            "customers": [row.customer_id for row in rows],
            "numbers": [row.number for row in rows],
            "keys": [compact(normalise(row.number)) for row in rows],
            "currencies": [row.currency for row in rows],
            "amounts": [Money.of(row.gross, row.currency).minor for row in rows],
            "issued": [row.issued_on for row in rows],
            "dues": [row.due_on for row in rows],
            "refs": [row.payment_reference for row in rows],
        },
    )


def keep_open_amounts(session: Session, items: Iterable[ItemChanged]) -> None:
    """Keep the newest open amount of each document; what is not on a document cannot be named by a payer."""
    rows = newest((item.document_id, item) for item in items if item.document_id is not None)
    if not rows:
        return
    session.execute(
        _ITEMS,
        {
            "ids": [row.document_id for row in rows],
            "customers": [row.customer_id for row in rows],
            "currencies": [row.open.currency for row in rows],
            "totals": [row.total.minor for row in rows],
            "dues": [row.due_on for row in rows],
            "versions": [row.version for row in rows],
            "amounts": [row.open.minor for row in rows],
        },
    )
