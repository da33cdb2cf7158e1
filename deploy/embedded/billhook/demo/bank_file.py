"""The bank's side of the demo: writes the CAMT.053 (camt.053.001.08) file that the operator will upload."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from textwrap import wrap
from xml.etree import ElementTree

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
LINE_LENGTH = 140  # ISO 20022: unstructured remittance, per line


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One booked line: ``amount`` in the account's currency, positive for money in; the other party; the text.

    ``reference`` is a structured creditor reference (RF…); without ``end_to_end`` the bank writes NOTPROVIDED.
    """

    amount: Decimal
    booked_on: dt.date
    name: str
    account: str = ""
    text: str = ""
    reference: str = ""
    end_to_end: str = "NOTPROVIDED"


@dataclass(frozen=True, slots=True)
class BankStatement:
    """An IBAN over some days, both included; the closing balance follows from ``opening`` and the entries."""

    account: str
    currency: str
    opening: Decimal
    first_day: dt.date
    last_day: dt.date
    entries: Sequence[BankEntry]
    sequence: int = 1


def write_statement(statement: BankStatement) -> bytes:
    """The statement as a camt.053.001.08 document; the same statement gives the same bytes."""
    one, closing = statement, statement.opening + sum((entry.amount for entry in statement.entries), Decimal(0))
    made_at = f"{one.last_day}T23:30:00Z"
    name = f"{one.account[-10:]}-{one.last_day:%Y%m%d}-{one.sequence}"
    document = _element(
        "Document",
        _element(
            "BkToCstmrStmt",
            _element("GrpHdr", _element("MsgId", name), _element("CreDtTm", made_at)),
            _element(
                "Stmt",
                _element("Id", name),
                _element("ElctrncSeqNb", str(one.sequence)),
                _element("CreDtTm", made_at),
                _element(
                    "FrToDt",
                    _element("FrDtTm", f"{one.first_day}T00:00:00Z"),
                    _element("ToDtTm", f"{one.last_day}T23:59:59Z"),
                ),
                _element("Acct", _account_id(one.account), _element("Ccy", one.currency)),
                _balance("OPBD", one.opening, one.first_day, one.currency),
                _balance("CLBD", closing, one.last_day, one.currency),
                *(_entry(entry, f"{name}-{number}", one.currency) for number, entry in enumerate(one.entries, 1)),
            ),
        ),
        xmlns=NAMESPACE,
    )
    ElementTree.indent(document)
    content: bytes = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _entry(entry: BankEntry, bank_reference: str, currency: str) -> ElementTree.Element:
    party = "Dbtr" if entry.amount > 0 else "Cdtr"
    family = "RCDT" if entry.amount > 0 else "ICDT"
    lines = [_element("Ustrd", line) for line in wrap(entry.text, LINE_LENGTH)]
    if entry.reference:
        kind = _element("Tp", _element("CdOrPrtry", _element("Cd", "SCOR")))
        lines.append(_element("Strd", _element("CdtrRefInf", kind, _element("Ref", entry.reference))))
    parties = [_element(party, _element("Pty", _element("Nm", entry.name)))]
    if entry.account:
        parties.append(_element(f"{party}Acct", _account_id(entry.account)))
    day = _element("Dt", entry.booked_on.isoformat())
    domain = _element("Fmly", _element("Cd", family), _element("SubFmlyCd", "ESCT"))
    return _element(
        "Ntry",
        *_amount(entry.amount, currency),
        _element("Sts", _element("Cd", "BOOK")),
        _element("BookgDt", day),
        _element("ValDt", day),
        _element("AcctSvcrRef", bank_reference),
        _element("BkTxCd", _element("Domn", _element("Cd", "PMNT"), domain)),
        _element(
            "NtryDtls",
            _element(
                "TxDtls",
                _element("Refs", _element("EndToEndId", entry.end_to_end)),
                _element("RltdPties", *parties),
                *([_element("RmtInf", *lines)] if lines else []),
            ),
        ),
    )


def _balance(code: str, amount: Decimal, on: dt.date, currency: str) -> ElementTree.Element:
    kind = _element("Tp", _element("CdOrPrtry", _element("Cd", code)))
    return _element("Bal", kind, *_amount(amount, currency), _element("Dt", _element("Dt", on.isoformat())))


def _amount(amount: Decimal, currency: str) -> tuple[ElementTree.Element, ElementTree.Element]:
    """ISO 20022 writes no signs: the amount and, beside it, its direction."""
    return _element("Amt", f"{abs(amount):f}", Ccy=currency), _element("CdtDbtInd", "DBIT" if amount < 0 else "CRDT")


def _account_id(account: str) -> ElementTree.Element:
    return _element("Id", _element("IBAN", account))


def _element(name: str, *content: ElementTree.Element | str, **attributes: str) -> ElementTree.Element:
    element = ElementTree.Element(name, attributes)
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element
