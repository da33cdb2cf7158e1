"""The world around payments: a bank that writes CAMT.053 files, customers and invoices that other services tell of."""

import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

import pytest
from werkzeug.test import TestResponse

from billhook_common.contracts.billing import ItemChanged
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.testing import Client, ServiceHarness

IBAN = "DE89370400440532013000"
DAY = dt.date(2026, 11, 23)


@dataclass(frozen=True)
class Booked:
    """One line that the bank writes; ``amount`` above 0 is money in."""

    amount: str
    text: str = ""
    name: str = "Somebody"
    account: str = ""
    reference: str = ""
    end_to_end: str = "NOTPROVIDED"
    bank_ref: str = ""
    on: dt.date = DAY
    status: str = "BOOK"
    currency: str = "EUR"
    details: Sequence["Booked"] = ()
    returned: str = ""

    def xml(self) -> str:
        value = Decimal(self.amount)
        parts = self.details or (self,)
        return (
            f'<Ntry><Amt Ccy="{self.currency}">{abs(value)}</Amt><CdtDbtInd>{_sign(value)}</CdtDbtInd>'
            f"<Sts><Cd>{self.status}</Cd></Sts><BookgDt><Dt>{self.on}</Dt></BookgDt><ValDt><Dt>{self.on}</Dt></ValDt>"
            + (f"<AcctSvcrRef>{self.bank_ref}</AcctSvcrRef>" if self.bank_ref else "")
            + f"<NtryDtls>{''.join(part.detail(bool(self.details)) for part in parts)}</NtryDtls></Ntry>"
        )

    def detail(self, is_part: bool) -> str:
        role = "Dbtr" if Decimal(self.amount) > 0 else "Cdtr"
        account = f"<{role}Acct><Id><IBAN>{self.account}</IBAN></Id></{role}Acct>" if self.account else ""
        structured = f"<Strd><CdtrRefInf><Ref>{self.reference}</Ref></CdtrRefInf></Strd>" if self.reference else ""
        text = f"<Ustrd>{escape(self.text)}</Ustrd>" if self.text else ""
        amount = f'<Amt Ccy="{self.currency}">{self.amount}</Amt>' if is_part else ""
        returned = f"<RtrInf><Rsn><Cd>{self.returned}</Cd></Rsn></RtrInf>" if self.returned else ""
        return (
            f"<TxDtls><Refs><EndToEndId>{self.end_to_end}</EndToEndId></Refs>{amount}"
            f"<RltdPties><{role}><Pty><Nm>{escape(self.name)}</Nm></Pty></{role}>{account}</RltdPties>"
            f"<RmtInf>{text}{structured}</RmtInf>{returned}</TxDtls>"
        )


def a_statement(
    *lines: Booked,
    opening: str = "100.00",
    closing: str | None = None,
    sequence: str = "1",
    on: dt.date = DAY,
    account: str = IBAN,
    currency: str = "EUR",
    kind: str = "Stmt",
) -> bytes:
    """A CAMT file whose balances prove unless ``closing`` is given; ``kind``: Stmt, Rpt (052) or Ntfctn (054)."""
    booked = [Decimal(line.amount) for line in lines if line.status == "BOOK" and line.currency == currency]
    end = Decimal(closing) if closing is not None else Decimal(opening) + sum(booked, Decimal(0))
    message = {"Stmt": "BkToCstmrStmt", "Rpt": "BkToCstmrAcctRpt", "Ntfctn": "BkToCstmrDbtCdtNtfctn"}[kind]
    balances = _balance("OPBD", Decimal(opening), on, currency) + _balance("CLBD", end, on, currency)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        f"<{message}><GrpHdr><MsgId>M{sequence}</MsgId></GrpHdr><{kind}><Id>S{sequence}</Id>"
        f"<ElctrncSeqNb>{sequence}</ElctrncSeqNb><CreDtTm>{on}T23:00:00Z</CreDtTm>"
        f"<FrToDt><FrDtTm>{on}T00:00:00Z</FrDtTm><ToDtTm>{on}T23:59:59Z</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{balances if kind == 'Stmt' else ''}"
        f"{''.join(line.xml() for line in lines)}</{kind}></{message}></Document>"
    ).encode()


def _balance(code: str, amount: Decimal, on: dt.date, currency: str) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{_sign(amount)}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def _sign(amount: Decimal) -> str:
    return "DBIT" if amount < 0 else "CRDT"


@dataclass
class World:
    """One operator with a bank account, and the events that tell it of customers and invoices."""

    harness: ServiceHarness
    customers: int = 0
    documents: int = 0

    line = Booked
    file = staticmethod(a_statement)
    iban = IBAN
    day = DAY

    @property
    def client(self) -> Client:
        return self.harness.client()

    def account(self, iban: str = IBAN, **terms: Any) -> dict[str, Any]:
        answer = self.client.post("/bank-accounts", {"name": "Savings Bank", "iban": iban, **terms})
        assert answer.status_code == 201, answer.text
        return dict(answer.json)

    def customer(self, name: str = "Anna Nováková", **details: Any) -> CustomerCreated:
        self.customers += 1
        number = f"1000{self.customers:04d}"
        fact = CustomerCreated(**{
            "customer_id": uuid7(), "version": 1, "number": number, "login": f"login.{number}", "name": name,
            "category": "person", "lifecycle": "active", "payment_reference": f"77{number}",
            "created_on": dt.date(2026, 1, 5), **details,
        })  # fmt: skip
        self.harness.deliver(fact)
        return fact

    def invoice(self, customer_id: UUID, gross: str = "29.90", currency: str = "EUR", **details: Any) -> InvoiceIssued:
        self.documents += 1
        amount = Decimal(gross)
        fact = InvoiceIssued(**{
            "document_id": uuid7(), "number": f"INV-2026-{self.documents:06d}", "customer_id": customer_id,
            "currency": currency, "taxes": [], "net": amount, "tax": Decimal(0), "gross": amount,
            "issued_on": dt.date(2026, 11, 1), "tax_point_on": dt.date(2026, 11, 1), "due_on": dt.date(2026, 11, 15),
            "payment_reference": f"88{self.documents:06d}", **details,
        })  # fmt: skip
        self.harness.deliver(fact)
        return fact

    def open_amount(self, invoice: InvoiceIssued, amount: str, version: int = 2) -> ItemChanged:
        fact = ItemChanged(
            transaction_id=uuid7(),
            version=version,
            customer_id=invoice.customer_id,
            document_id=invoice.document_id,
            total=Money.of(invoice.gross, invoice.currency),
            open=Money.of(amount, invoice.currency),
            due_on=invoice.due_on,
        )
        self.harness.deliver(fact)
        return fact

    def upload(self, content: bytes, name: str = "statement.xml", **query: str) -> TestResponse:
        data = {"file": (io.BytesIO(content), name)}
        return self.client.post("/statements", data=data, content_type="multipart/form-data", query_string=query)

    def imported(self, content: bytes) -> dict[str, Any]:
        """The first statement of a file that was imported, in full."""
        answer = self.upload(content)
        assert answer.status_code == 201, answer.text
        return self.statement(answer.json["statements"][0]["id"])

    def statement(self, statement_id: str) -> dict[str, Any]:
        return dict(self.client.get(f"/statements/{statement_id}").json)

    def entries(self, statement: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        return self.walk(f"/statements/{statement['id']}/entries", **query)

    def walk(self, path: str, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = self.client.get(path, **query, **after)
            assert page.status_code == 200, page.text
            items += page.json["items"]
            if page.json["next"] is None:
                return items
            after = {"after": page.json["next"]}


@pytest.fixture
def make_world() -> Callable[[ServiceHarness], World]:
    """Makes an operator whose account is set up."""

    def make(harness: ServiceHarness) -> World:
        world = World(harness)
        world.account()
        return world

    return make


@pytest.fixture
def world(harness: ServiceHarness, make_world: Callable[[ServiceHarness], World]) -> World:
    """An operator whose account is set up."""
    return make_world(harness)


@pytest.fixture
def empty_world(harness: ServiceHarness) -> World:
    """An operator without an account."""
    return World(harness)
