"""The operator's own company: what stands on documents."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.crm import Address
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.etags import check_version
from billhook_common.events import Outgoing, publish
from billhook_common.ids import derive_id
from billhook_gateway.models import Company

COMPANY_ID = derive_id("gateway", "company")
"""There is one company in a house; a house that was set up twice means the same one."""


def get_company(session: Session) -> Company:
    """The company; before it was ever saved an empty one with version 0."""
    return session.get(Company, COMPANY_ID) or _blank()


def change_company(session: Session, clock: Clock, details: Mapping[str, Any], *, seen: int | None) -> Company:
    """Save all ``details`` (the columns of Company) and tell the services. Raises VersionGone."""
    company = session.get(Company, COMPANY_ID, with_for_update=True) or _blank()
    check_version(session, COMPANY_ID, seen=seen, present=company.version)
    before = _details(company)
    for name, value in details.items():
        setattr(company, name, value)
    company.version += 1
    company.changed_at = clock.now()
    session.add(company)
    session.flush()
    audit(session, clock, "company_changed", company.id, before=before, after=_details(company))
    publish(session, clock, _snapshot(company), subject=company.id, version=company.version)
    return company


def _blank() -> Company:
    texts = ("name", "street", "city", "zip", "country", "company_number", "tax_id", "email", "phone", "iban", "bic")
    return Company(id=COMPANY_ID, version=0, vat_payer=True, **dict.fromkeys(texts, ""))


def _details(company: Company) -> dict[str, Any]:
    left_out = {"id", "changed_at"}
    return {
        column.key: getattr(company, column.key) for column in Company.__table__.columns if column.key not in left_out
    }


def company_as_it_is(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """The company's data as an event; nothing before they were ever saved."""
    company = session.get(Company, COMPANY_ID)
    if company is None or after is not None:
        return []
    return [Outgoing(fact=_snapshot(company), subject=company.id, version=company.version)]


def _snapshot(company: Company) -> CompanyChanged:
    return CompanyChanged(
        company_id=company.id,
        version=company.version,
        name=company.name,
        address=Address(street=company.street, city=company.city, zip=company.zip, country=company.country),
        company_number=company.company_number,
        tax_id=company.tax_id,
        vat_payer=company.vat_payer,
        email=company.email,
        phone=company.phone,
        iban=company.iban,
        bic=company.bic,
    )
