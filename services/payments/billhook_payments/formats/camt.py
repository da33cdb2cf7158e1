"""CAMT.052, .053 and .054 (ISO 20022), versions 1 to 14, by local names: the namespace is not looked at.

An intraday report (052) and a notification (054) are read like a statement (053), but tell so: only a statement is
final. Balances: opening OPBD, else PRCD; closing CLBD; interim ones (ITBD) stand in on the pages of a long statement.
"""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from lxml import etree

from billhook_common.bank_formats import (
    Balance,
    ControlTotals,
    Entry,
    Finding,
    HandlerError,
    Statement,
    StatementKind,
)
from billhook_payments.formats.camt_entries import read_entry
from billhook_payments.formats.fields import Fields, local_name
from billhook_payments.formats.safe_xml import as_text, elements, unicode_encoding

_KINDS: dict[str, StatementKind] = {"Stmt": "statement", "Rpt": "report", "Ntfctn": "notification"}
_MESSAGE = re.compile(r"BkToCstmr(Stmt|AcctRpt|DbtCdtNtfctn)(V\d\d)?")
_MESSAGE_TAG = re.compile(rf"<([\w.-]+:)?{_MESSAGE.pattern}[\s/>]")


class Camt:
    """The reader of camt.052, camt.053 and camt.054."""

    id = "camt"
    label = "CAMT (ISO 20022)"
    formats: tuple[str, ...] = ("camt.052", "camt.053", "camt.054")
    version = "1"

    def sniff(self, head: bytes, filename: str) -> int:
        """Sure when the head is XML and opens one of the three messages."""
        text = as_text(head, unicode_encoding(head)).removeprefix("\ufeff").lstrip()
        return 100 if text.startswith("<") and _MESSAGE_TAG.search(text) else 0

    def parse(self, stream: BinaryIO, profile: Mapping[str, str]) -> Iterator[Statement]:
        """Every ``Stmt``, ``Rpt`` or ``Ntfctn``; a profile is not needed. Raises HandlerError."""
        entries: list[Entry] = []
        findings: list[Finding] = []
        number, statements = 0, 0
        for element in elements(stream, ("Ntry", *_KINDS)):
            if _is_statement(element):
                yield _statement(element, tuple(entries), findings)
                statements += 1
                entries, findings = [], []
            elif _is_statement(element.getparent()):
                number += 1
                entries.append(read_entry(element, number, findings))
        if not statements:
            raise HandlerError("missing_field", "", "The message holds no statement")


def _is_statement(element: etree._Element | None) -> bool:
    """Whether it is one of ours, and not the same name inside a bank's own extension of the message."""
    message = None if element is None else element.getparent()
    return (
        element is not None
        and message is not None
        and local_name(element) in _KINDS
        and _MESSAGE.fullmatch(local_name(message)) is not None
        and next(element.iterancestors("{*}SplmtryData"), None) is None
    )


def _statement(element: etree._Element, entries: tuple[Entry, ...], findings: list[Finding]) -> Statement:
    where = f"statement at line {element.sourceline}"
    fields = Fields.of(element, where, findings, skip=("Ntry", "Bal"))
    balances = [Fields.of(child, where, findings) for child in element.iterchildren("{*}Bal")]
    opening, closing = _opening_and_closing(balances)
    account = fields.first("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/BBAN", "Acct/Id/PrtryAcct/Id", "Acct/Id/UPIC")
    if not account:
        raise HandlerError("missing_field", where, "The account is missing")
    currency = fields.first("Acct/Ccy") or next((one.first("Amt@Ccy") for one in balances), "")
    findings.extend(_oddities(where, currency, fields, entries))
    page = fields.first("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb")
    bank = "Acct/Svcr/FinInstnId"
    return Statement(
        account=re.sub(r"\s", "", account).upper(),
        currency=currency,
        entries=entries,
        kind=_KINDS[local_name(element)],
        bank_code=fields.first(f"{bank}/BICFI", f"{bank}/BIC", f"{bank}/CmbndId/BIC"),
        reference=fields.first("Id"),
        sequence=fields.first("ElctrncSeqNb", "LglSeqNb"),
        page=int(page) if re.fullmatch(r"[0-9]{1,5}", page) else 1,
        opening=opening,
        closing=closing,
        from_date=fields.day("FrToDt/FrDtTm"),
        to_date=fields.day("FrToDt/ToDtTm"),
        controls=_controls(fields),
        warnings=tuple(findings),
    )


def _opening_and_closing(balances: list[Fields]) -> tuple[Balance | None, Balance | None]:
    by_code: dict[str, list[Fields]] = {}
    for one in balances:
        by_code.setdefault(one.first("Tp/CdOrPrtry/Cd", "Tp/Cd"), []).append(one)
    interim = [_balance(one) for one in by_code.get("ITBD", [])]
    opened = next((_balance(one) for code in ("OPBD", "PRCD") for one in by_code.get(code, [])), None)
    closed = next((_balance(one) for one in by_code.get("CLBD", [])), None)
    # A lone interim balance of a report is where it ends, not where it began.
    if opened is None and interim and (closed is not None or len(interim) > 1):
        opened = interim[0]
    if closed is None and interim:
        closed = interim[-1]
    return opened, closed


def _balance(fields: Fields) -> Balance:
    day = fields.day("Dt")
    if day is None:
        raise HandlerError("missing_field", fields.position, "A balance has no date")
    return Balance(fields.signed(), day)


def _controls(fields: Fields) -> ControlTotals | None:
    """The message's own summary, where it has one."""
    totals = "TxsSummry/Ttl"
    count = fields.first(f"{totals}Ntries/NbOfNtries")
    controls = ControlTotals(
        credits=fields.amount(f"{totals}CdtNtries/Sum"),
        debits=fields.amount(f"{totals}DbtNtries/Sum"),
        entries=int(count) if re.fullmatch(r"[0-9]{1,15}", count) else None,
    )
    return controls if controls != ControlTotals() else None


def _oddities(where: str, currency: str, fields: Fields, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    if not currency:
        yield Finding("currency_not_stated", where, "The currency of the account is not stated")
    for entry in entries:
        if currency and entry.currency != currency:
            message = f"{entry.currency} on an account in {currency}: kept, never paired automatically"
            yield Finding("currency_mismatch", entry.position, message)
    if fields.first("StmtPgntn/LastPgInd", "RptPgntn/LastPgInd", "NtfctnPgntn/LastPgInd") in ("false", "0"):
        yield Finding("more_pages", where, "The statement goes on in another page")
