"""Facts as other services tell them, and what the books say afterwards."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from billhook_billing.actions.post import NewTransaction, Posted, post
from billhook_billing.actions.settle import settle_new
from billhook_billing.actions.verify import verify_books
from billhook_billing.domain import ledger
from billhook_common.contracts.billing import TaxLine
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billhook_common.contracts.payments import NamedDocument, PaymentReceived, PaymentReversed, RefundSent
from billhook_common.ids import derive_id, uuid7
from billhook_common.money import Money
from billhook_common.testing import ServiceHarness

TODAY = dt.date(2026, 11, 24)


def euros(amount: str | int) -> Money:
    return Money.of(str(amount), "EUR")


def day(number: int, month: int = 11) -> dt.date:
    return dt.date(2026, month, number)


class Books:
    """One billing service's books: makes facts, delivers them, and reads what became of them."""

    def __init__(self, harness: ServiceHarness) -> None:
        self.harness = harness
        self._customers = 0

    def a_customer(self, name: str = "Anna Nováková") -> CustomerCreated:
        self._customers += 1
        return CustomerCreated(
            customer_id=uuid7(), version=1, number=f"1{self._customers:07}", login=f"anna{self._customers}", name=name,
            category="person", lifecycle="active", email="anna@example.org", created_on=day(5, 1),
        )  # fmt: skip

    def customer(self) -> UUID:
        """A customer who has arrived."""
        created = self.a_customer()
        self.harness.deliver(created)
        return created.customer_id

    def charge(
        self, customer_id: UUID, gross: int, *, charge_id: UUID | None = None, due: dt.date = dt.date(2026, 11, 15),
        text: str = "Internet", documented: bool = True,
    ) -> UUID:  # fmt: skip
        """Post a charge as a run does; its id."""
        charge_id = charge_id or uuid7()
        net = gross * 100 * 100 // 121
        posting = ledger.charge(customer_id, "EUR", nets=[net], taxes=[(Decimal(21), gross * 100 - net)])
        with self.harness.session() as session:
            new = NewTransaction(
                id=derive_id("charge", charge_id), posting=posting, customer_id=customer_id, posted_on=day(1),
                due_on=due, description=text, source="run", charge_id=charge_id, wants_document=documented,
            )  # fmt: skip
            settle_new(session, self.harness.clock, post(session, self.harness.clock, [new]))
        return charge_id

    def post(self, *transactions: NewTransaction) -> list[Posted]:
        """Post and settle."""
        with self.harness.session() as session:
            posted = post(session, self.harness.clock, transactions)
            settle_new(session, self.harness.clock, posted)
        return posted

    def read(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        with self.harness.session() as session:
            return [tuple(row) for row in session.execute(text(statement), values)]

    def balance(self, customer_id: UUID) -> int:
        """In whole euros."""
        ((minor,),) = self.read("SELECT balance FROM account WHERE customer_id = :id", id=customer_id)
        assert isinstance(minor, int)
        return minor // 100

    def settlement(self, customer_id: UUID) -> dict[str, object]:
        """Balance, items, credits and who pays what, in whole euros, by the descriptions of the transactions."""
        items = self.read(
            "SELECT description, total / 100, open / 100, due_on, document_number FROM open_item "
            "JOIN ledger_transaction ON id = transaction_id WHERE open_item.customer_id = :id",
            id=customer_id,
        )
        credits = self.read(
            "SELECT description, total / 100, unallocated / 100 FROM credit "
            "JOIN ledger_transaction ON id = transaction_id WHERE credit.customer_id = :id",
            id=customer_id,
        )
        pays = self.read(
            "SELECT credit.description, item.description, CAST(sum(allocation.amount) AS bigint) / 100 "
            "FROM allocation JOIN ledger_transaction AS credit ON credit.id = credit_id "
            "JOIN ledger_transaction AS item ON item.id = item_id WHERE allocation.customer_id = :id "
            "GROUP BY 1, 2 HAVING sum(allocation.amount) <> 0",
            id=customer_id,
        )
        return {
            "balance": self.balance(customer_id),
            "items": {row[0]: row[1:] for row in items},
            "credits": {row[0]: row[1:] for row in credits},
            "pays": {row[:2]: row[2] for row in pays},
        }

    def prove(self) -> None:
        """The books are right as a whole."""
        with self.harness.session() as session:
            assert verify_books(session) == []


def a_payment(
    customer_id: UUID,
    amount: str | int,
    *documents: UUID,
    number: str = "P1",
    on: dt.date = dt.date(2026, 11, 10),
    **other: object,
) -> PaymentReceived:
    return PaymentReceived(
        **{
            "payment_id": uuid7(), "number": number, "customer_id": customer_id, "amount": euros(amount),
            "method": "transfer", "received_on": on, "booked_on": on,
            "documents": tuple(NamedDocument(document_id=document_id) for document_id in documents),
        } | other
    )  # fmt: skip


def a_reversal(payment: PaymentReceived, on: dt.date = dt.date(2026, 11, 20)) -> PaymentReversed:
    return PaymentReversed(
        reversal_id=uuid7(), payment_id=payment.payment_id, customer_id=payment.customer_id, amount=payment.amount,
        reversed_on=on, reason_code="MD06",
    )  # fmt: skip


def a_refund(customer_id: UUID, amount: int, on: dt.date = dt.date(2026, 11, 21)) -> RefundSent:
    return RefundSent(refund_id=uuid7(), customer_id=customer_id, amount=euros(amount), sent_on=on)


def totals(gross: int) -> dict[str, object]:
    minor = gross * 100
    net, tax = Decimal(minor * 100 // 121) / 100, Decimal(minor - minor * 100 // 121) / 100
    lines = [TaxLine(rate=Decimal(21), net=net, tax=tax)]
    return {"currency": "EUR", "taxes": lines, "net": net, "tax": tax, "gross": net + tax}


def an_invoice(
    customer_id: UUID, gross: int, /, *, number: str = "2026001", charge_id: UUID | None = None,
    due: dt.date = dt.date(2026, 11, 15), **other: object,
) -> InvoiceIssued:  # fmt: skip
    return InvoiceIssued(
        **{
            "document_id": uuid7(), "number": number, "customer_id": customer_id, "charge_id": charge_id,
            "issued_on": day(1), "tax_point_on": day(1), "due_on": due, "payment_reference": number,
        } | totals(gross) | other
    )  # fmt: skip


def a_credit_note(
    invoice: InvoiceIssued, gross: int, *, number: str = "CN1", on: dt.date = dt.date(2026, 11, 18)
) -> CreditNoteIssued:
    return CreditNoteIssued(
        **{
            "document_id": uuid7(), "number": number, "customer_id": invoice.customer_id,
            "refers_to": invoice.document_id, "issued_on": on,
        } | totals(gross)
    )  # fmt: skip


@pytest.fixture
def books(harness: ServiceHarness) -> Iterator[Books]:
    """The books of one test; proven right when it ends."""
    item = Books(harness)
    yield item
    item.prove()


class Facts:
    """The builders, for tests that cannot import a neighbour."""

    payment = staticmethod(a_payment)
    reversal = staticmethod(a_reversal)
    refund = staticmethod(a_refund)
    invoice = staticmethod(an_invoice)
    credit_note = staticmethod(a_credit_note)
    euros = staticmethod(euros)
    day = staticmethod(day)
    today = TODAY


@pytest.fixture
def facts() -> type[Facts]:
    """Builders of facts."""
    return Facts
