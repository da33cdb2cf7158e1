"""What invoicing tells: documents issued."""

import datetime as dt
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from billhook_common.contracts import Fact
from billhook_common.contracts.billing import TaxLine


class InvoiceIssued(Fact, frozen=True, kw_only=True):
    """An invoice has its number; ``charge_id`` is empty for one made by hand."""

    TYPE: ClassVar[str] = "invoicing.invoice.issued.v1"
    document_id: UUID
    number: str
    customer_id: UUID
    charge_id: UUID | None = None
    currency: str
    taxes: list[TaxLine]
    net: Decimal
    tax: Decimal
    gross: Decimal
    issued_on: dt.date
    tax_point_on: dt.date
    due_on: dt.date
    payment_reference: str


class CreditNoteIssued(Fact, frozen=True, kw_only=True):
    """An invoice is corrected downwards; billing posts the credit and allocates it to that invoice first."""

    TYPE: ClassVar[str] = "invoicing.credit_note.issued.v1"
    document_id: UUID
    number: str
    customer_id: UUID
    refers_to: UUID
    adjustment_id: UUID | None = None
    currency: str
    taxes: list[TaxLine]
    net: Decimal
    tax: Decimal
    gross: Decimal
    issued_on: dt.date
