"""Numbers of bank accounts: an IBAN with fitting check digits, or the number that a bank gives."""

import re

from stdnum import iban as iban_number

from billhook_common.errors import Invalid

_LOCAL = re.compile(r"[A-Z0-9/-]{4,40}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_SHOWN = 4


class IbanNotValid(Invalid):
    """Too short or long for its country, or the check digits do not fit."""

    title = "The IBAN is not valid"


class AccountNumberNotValid(Invalid):
    """A local number has 4 to 40 letters, digits, dashes and slashes."""

    title = "The account number is not valid"


class BicNotValid(Invalid):
    """A BIC has 8 or 11 characters."""

    title = "The BIC is not valid"


def read_iban(written: str) -> str:
    """An IBAN without blanks, in capitals. Raises IbanNotValid."""
    iban = _compact(written)
    if not iban_number.is_valid(iban, check_country=False):
        raise IbanNotValid(f"{written!r} is not a valid IBAN.", pointer="/iban")
    return iban


def read_local_number(written: str) -> str:
    """A local account number as statements write it. Raises AccountNumberNotValid."""
    number = _compact(written)
    if not _LOCAL.fullmatch(number):
        raise AccountNumberNotValid(f"{written!r} is no account number.", pointer="/local_number")
    return number


def read_bic(written: str) -> str:
    """A BIC in capitals; empty stays empty. Raises BicNotValid."""
    bic = _compact(written)
    if bic and not _BIC.fullmatch(bic):
        raise BicNotValid(f"{written!r} is not a valid BIC.", pointer="/bic")
    return bic


def masked(account: str) -> str:
    """Enough to recognise an account, too little to use it: ``CZ65 0800 •••• •••• 4471``."""
    if len(account) <= 2 * _SHOWN + _SHOWN:
        return account
    hidden = "•" * (len(account) - 3 * _SHOWN)
    shown = account[: 2 * _SHOWN] + hidden + account[-_SHOWN:]
    return " ".join(shown[at : at + 4] for at in range(0, len(shown), 4))


def _compact(written: str) -> str:
    return "".join(written.split()).upper()
