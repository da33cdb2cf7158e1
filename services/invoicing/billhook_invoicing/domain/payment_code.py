"""What the payment QR code of a document says: EPC069-12 for euros, SPAYD for Czech crowns (payments.md 4.4)."""

import re
from decimal import Decimal

from billhook_invoicing.domain.bank_account import BankAccount, is_creditor_reference

_NAME_LENGTH = 70
_TEXT_LENGTH = 140
_LOWEST, _HIGHEST = Decimal("0.01"), Decimal("999999999.99")
_SPAYD_MESSAGE_LENGTH = 60
_SPAYD_HIGHEST = Decimal("9999999.99")
_VARIABLE_SYMBOL = re.compile(r"\d{1,10}")


def payment_code(account: BankAccount, amount: Decimal, currency: str, reference: str) -> str | None:
    """The text of the code that asks for ``amount``, or None where no code exists for the currency or amount."""
    if currency == "EUR" and _LOWEST <= amount <= _HIGHEST:
        return _epc(account, amount, reference)
    if currency == "CZK" and _LOWEST <= amount <= _SPAYD_HIGHEST:
        return _spayd(account, amount, reference)
    return None


def _epc(account: BankAccount, amount: Decimal, reference: str) -> str:
    """Version 002 (no BIC needed in the EEA), UTF-8; a structured reference or a text, never both."""
    compact = "".join(reference.split()).upper()
    structured = compact if is_creditor_reference(compact) else ""
    text = "" if structured else _one_line(reference)[:_TEXT_LENGTH]
    holder = _one_line(account.holder)[:_NAME_LENGTH]
    lines = ["BCD", "002", "1", "SCT", account.bic, holder, account.iban, f"EUR{amount:.2f}", "", structured, text]
    return "\n".join(lines).rstrip("\n")


def _spayd(account: BankAccount, amount: Decimal, reference: str) -> str:
    """Short Payment Descriptor 1.0; a reference of up to ten digits is the variable symbol, else the message."""
    fields = [f"ACC:{account.iban}" + (f"+{account.bic}" if account.bic else ""), f"AM:{amount:.2f}", "CC:CZK"]
    if _VARIABLE_SYMBOL.fullmatch(reference):
        fields.append(f"X-VS:{reference}")
    else:
        fields.append(f"MSG:{_escaped(_one_line(reference)[:_SPAYD_MESSAGE_LENGTH])}")
    return "*".join(["SPD", "1.0", *fields])


def _escaped(text: str) -> str:
    """Percent signs and the asterisk, which ends a field, as hexadecimal."""
    return text.replace("%", "%25").replace("*", "%2A")


def _one_line(text: str) -> str:
    return " ".join(text.split())
