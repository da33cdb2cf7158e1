"""One ``Ntry`` of a CAMT message: what was booked, with whom, and the payments inside it."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal

from lxml import etree

from billhook_common.bank_formats import (
    Counterparty,
    Detail,
    Entry,
    EntryStatus,
    Finding,
    HandlerError,
    References,
    Return,
)
from billhook_payments.formats.fields import Fields
from billhook_payments.formats.values import check_exact

# BOOK moved the balance; all else is shown, never posted. FUTR (a future entry) is pending too.
_STATUS: dict[str, EntryStatus] = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending", "INFO": "information"}
_NO_REFERENCE = {"NOTPROVIDED", "NOTAVAILABLE", "NONREF"}
_VARIABLE_SYMBOL = re.compile(r"(?:^|[/\s])VS[:/]?([0-9]{1,10})(?![0-9])")
_ADDRESS = ("StrtNm", "BldgNb", "PstCd", "TwnNm", "Ctry")


def read_entry(element: etree._Element, number: int, findings: list[Finding]) -> Entry:
    """The entry; ``number`` counts entries of the file from 1. Raises HandlerError; adds what is odd to ``findings``.

    The amount and its direction are the entry's own: what details say is another currency or another sum at times.
    """
    position = f"entry {number}, line {element.sourceline}"
    fields = Fields.of(element, position, findings, skip=("TxDtls",))
    amount, currency = fields.signed(), fields.first("Amt@Ccy")
    if not currency:
        raise HandlerError("missing_field", position, "The amount has no currency")
    check_exact(amount, currency, position)
    is_reversal = fields.first("RvslInd") in ("true", "1")
    first, details = None, []
    for part in _read_parts(element, position, findings):
        first = first or part
        details.append(_detail(part, amount, currency, is_reversal))
    only = first if len(details) == 1 else None
    entry = Entry(
        amount=amount,
        currency=currency,
        booking_date=_booking_day(element, fields),
        value_date=fields.day("ValDt"),
        status=_status(fields),
        counterparty=_counterparty(only, amount, is_reversal) if only else Counterparty(),
        references=_references(only, fields),
        position=position,
        remittance=_remittance(only, fields),
        type_code=_type_code(fields) or (_type_code(only) if only else ""),
        is_reversal=is_reversal,
        returned=_returned(only) if only else None,
        details=() if only else tuple(details),
    )
    _check_details(entry, fields, len(details), findings)
    return entry


def _read_parts(element: etree._Element, position: str, findings: list[Finding]) -> Iterator[Fields]:
    """The ``TxDtls`` one by one, each freed at once: a batch may hold tens of thousands."""
    for path in ("{*}NtryDtls/{*}TxDtls", "{*}TxDtls"):
        for part in element.iterfind(path):
            yield Fields.of(part, position, findings)
            part.clear()


def _check_details(entry: Entry, fields: Fields, parts: int, findings: list[Finding]) -> None:
    stated = fields.first("NtryDtls/Btch/NbOfTxs")
    if entry.details and not entry.details_sum_up():
        message = f"The {parts} details do not sum to the entry's {entry.amount} {entry.currency}; it stays one payment"
        findings.append(Finding("details_do_not_sum", entry.position, message))
    elif stated.isdecimal() and int(stated) > 1 and int(stated) != parts:
        message = f"A batch of {stated} payments with {parts} details"
        findings.append(Finding("batch_without_details", entry.position, message))


def _status(fields: Fields) -> EntryStatus:
    text = fields.first("Sts/Cd", "Sts", "Sts/Prtry")
    if text not in _STATUS:
        raise HandlerError("bad_value", fields.position, f"The entry status {text[:20]!r} is not known")
    return _STATUS[text]


def _booking_day(element: etree._Element, fields: Fields) -> dt.date:
    """The booking date; entries without one (not yet booked) take the value date or the day of the message."""
    day = fields.day("BookgDt") or fields.day("ValDt")
    statement = element.getparent()
    if day is None and statement is not None:
        day = Fields.of(statement, fields.position, [], skip=("Ntry", "Bal", "Acct")).day("CreDtTm")
    if day is None:
        raise HandlerError("missing_field", fields.position, "The booking date is missing")
    return day


def _counterparty(fields: Fields, amount: Decimal, is_reversal: bool) -> Counterparty:
    """The payer of money in, the payee of money out; in a return the parties keep the roles of the original."""
    goes_back = is_reversal or _returned(fields) is not None
    role = "Dbtr" if (amount > 0) != goes_back else "Cdtr"
    party, agent = f"RltdPties/{role}", f"RltdAgts/{role}Agt/FinInstnId"
    account = fields.first(*(f"{party}Acct/Id/{kind}" for kind in ("IBAN", "Othr/Id", "BBAN", "PrtryAcct/Id", "UPIC")))
    address = [
        text
        for part in ("AdrLine", *_ADDRESS)
        for text in fields.all(f"{party}/Pty/PstlAdr/{part}", f"{party}/PstlAdr/{part}")
    ]
    return Counterparty(
        name=fields.first(
            f"{party}/Pty/Nm", f"{party}/Nm", f"RltdPties/Ultmt{role}/Pty/Nm", f"RltdPties/Ultmt{role}/Nm"
        ),
        account=re.sub(r"\s", "", account).upper(),
        bic=fields.first(f"{agent}/BICFI", f"{agent}/BIC", f"{agent}/CmbndId/BIC"),
        address=", ".join(address),
    )


def _references(part: Fields | None, entry: Fields) -> References:
    bank_ref = _reference(entry.first("AcctSvcrRef"))
    if part is None:
        return References(bank_ref=bank_ref, variable_symbol=_variable_symbol(entry.all("AddtlNtryInf")))
    end_to_end = _reference(part.first("Refs/EndToEndId"))
    structured = part.all("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef")
    return References(
        end_to_end=end_to_end,
        mandate=_reference(part.first("Refs/MndtId")),
        creditor_ref=next((text for text in structured if not _VARIABLE_SYMBOL.search(text)), ""),
        customer_ref=_reference(part.first("Refs/InstrId")),
        bank_ref=bank_ref or _reference(part.first("Refs/AcctSvcrRef")),
        variable_symbol=_variable_symbol((end_to_end, *structured)),
    )


def _reference(text: str) -> str:
    return "" if text.upper() in _NO_REFERENCE else text


def _variable_symbol(texts: tuple[str, ...]) -> str:
    """The Czech and Slovak variable symbol: "/VS/123", "VS:123" in the end-to-end id or a structured reference."""
    return next((match[1] for text in texts if (match := _VARIABLE_SYMBOL.search(text))), "")


def _remittance(part: Fields | None, entry: Fields) -> tuple[str, ...]:
    own = () if part is None else _lines(part)
    return own or entry.all("AddtlNtryInf")


def _lines(part: Fields) -> tuple[str, ...]:
    strd = "RmtInf/Strd"
    lines = part.all("RmtInf/Ustrd", f"{strd}/RfrdDocInf/Nb", f"{strd}/RfrdDocInf/RfrdDocNb", f"{strd}/AddtlRmtInf")
    return lines or part.all("AddtlTxInf")


def _returned(part: Fields) -> Return | None:
    code = part.first("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/RtrRsn/Cd", "RtrInf/RtrRsn/Prtry")
    if not code and not part.all("RtrInf/AddtlInf", "RtrInf/AddtlRtrRsnInf", "RtrInf/OrgnlBkTxCd/Prtry/Cd"):
        return None
    charges = part.amount("Chrgs/TtlChrgsAndTaxAmt") or part.amount("Chrgs/Rcrd/Amt") or part.amount("Chrgs/Amt")
    return Return(code, part.amount("AmtDtls/InstdAmt/Amt"), charges)


def _type_code(fields: Fields) -> str:
    family = fields.all("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd")
    return ".".join(family) or fields.first("BkTxCd/Prtry/Cd")


def _detail(part: Fields, total: Decimal, currency: str, is_reversal: bool) -> Detail:
    """A part of a batch; without a direction of its own it goes the way of the entry."""
    path = "Amt" if part.first("Amt") else "AmtDtls/TxAmt/Amt"
    amount = part.amount(path) or Decimal(0)
    direction = part.first("CdtDbtInd") or ("CRDT" if total > 0 else "DBIT")
    amount = amount if direction == "CRDT" else -amount
    return Detail(
        amount=amount,
        currency=part.first(f"{path}@Ccy") or currency,
        counterparty=_counterparty(part, amount, is_reversal),
        references=_references(part, part),
        remittance=_lines(part),
    )
