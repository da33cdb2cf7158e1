"""Keep the mirrors: customers as they are billed, the company as it sells, what is still open of each debit (G4)."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.billing import ItemChanged
from billhook_common.contracts.crm import CustomerSnapshot
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.events import newest
from billhook_invoicing.domain.document import Party
from billhook_invoicing.queries import folded

# All in the order of the key, so that two batches never wait for each other in a circle.
_CUSTOMERS = text("""
    INSERT INTO customer AS mine (id, version, number, name, search, payment_reference, language, bill_to)
    SELECT new.id, new.version, new.number, new.name, new.search, new.reference, new.language, new.bill_to
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:numbers AS text[]), CAST(:names AS text[]),
        CAST(:searches AS text[]), CAST(:references AS text[]), CAST(:languages AS text[]), CAST(:bill_tos AS jsonb[]))
        AS new(id, version, number, name, search, reference, language, bill_to)
    ORDER BY new.id
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, number = excluded.number, name = excluded.name, search = excluded.search,
        payment_reference = excluded.payment_reference, language = excluded.language, bill_to = excluded.bill_to
    WHERE mine.version < excluded.version
""")
# A version that comes late was never on a document and never will be.
_COMPANY = text("""
    INSERT INTO company (version, seller, vat_payer, iban, bic)
    SELECT :version, CAST(:seller AS jsonb), :vat_payer, :iban, :bic
    WHERE NOT EXISTS (SELECT FROM company WHERE version >= :version)
    ON CONFLICT DO NOTHING
""")
_ITEMS = text("""
    INSERT INTO open_item AS mine (transaction_id, version, currency, total, open, changed_at)
    SELECT new.id, new.version, new.currency, new.total, new.open, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:currencies AS text[]),
        CAST(:totals AS bigint[]), CAST(:opens AS bigint[])) AS new(id, version, currency, total, open)
    ORDER BY new.id
    ON CONFLICT (transaction_id) DO UPDATE SET
        version = excluded.version, total = excluded.total, open = excluded.open, changed_at = excluded.changed_at
    WHERE mine.version < excluded.version
""")


def mirror_customers(session: Session, customers: Iterable[CustomerSnapshot]) -> None:
    """Keep the newest version of each customer, in whatever order they come."""
    rows = newest((customer.customer_id, customer) for customer in customers)
    session.execute(
        _CUSTOMERS,
        {
            "ids": [customer.customer_id for customer in rows],
            "versions": [customer.version for customer in rows],
            "numbers": [customer.number for customer in rows],
            "names": [customer.name for customer in rows],
            "searches": [folded(f"{customer.name} {customer.number}") for customer in rows],
            "references": [customer.payment_reference for customer in rows],
            "languages": [customer.language for customer in rows],
            "bill_tos": [_json(_buyer(customer)) for customer in rows],
        },
    )


def keep_company(session: Session, company: CompanyChanged) -> None:
    """Sell under the newest version of the company from now on."""
    session.execute(
        _COMPANY,
        {
            "version": company.version,
            "seller": _json(_seller(company)),
            "vat_payer": company.vat_payer,
            "iban": company.iban,
            "bic": company.bic,
        },
    )


def keep_items(session: Session, clock: Clock, items: Iterable[ItemChanged]) -> None:
    """Keep what is open of each debit by its newest version, also where its document is still to come (O2)."""
    rows = newest((item.transaction_id, item) for item in items)
    session.execute(
        _ITEMS,
        {
            "now": clock.now(),
            "ids": [item.transaction_id for item in rows],
            "versions": [item.version for item in rows],
            "currencies": [item.total.currency for item in rows],
            "totals": [item.total.minor for item in rows],
            "opens": [item.open.minor for item in rows],
        },
    )


def _buyer(customer: CustomerSnapshot) -> Party:
    address = customer.address
    return Party(
        name=customer.name,
        street=address.street,
        zip=address.zip,
        city=address.city,
        country=address.country,
        company_number=customer.company_number,
        tax_id=customer.tax_id,
        email=customer.email,
        phone=customer.phone,
    )


def _seller(company: CompanyChanged) -> Party:
    address = company.address
    return Party(
        name=company.name,
        street=address.street,
        zip=address.zip,
        city=address.city,
        country=address.country,
        company_number=company.company_number,
        tax_id=company.tax_id,
        email=company.email,
        phone=company.phone,
    )


def _json(party: Party) -> str:
    return msgspec.json.encode(party).decode()
