"""What the gateway tells: the operator's own company data."""

from typing import ClassVar
from uuid import UUID

from billhook_common.contracts import Fact
from billhook_common.contracts.crm import Address


class CompanyChanged(Fact, frozen=True, kw_only=True):
    """The operator as it stands on documents; a reader keeps the highest ``version``."""

    TYPE: ClassVar[str] = "gateway.company.changed.v1"
    company_id: UUID
    version: int
    name: str
    address: Address = Address()
    company_number: str = ""
    tax_id: str = ""
    vat_payer: bool = True
    email: str = ""
    phone: str = ""
    iban: str = ""
    bic: str = ""
