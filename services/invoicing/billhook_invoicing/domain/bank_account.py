"""A bank account to pay to, with an IBAN that was checked: a wrong one on an invoice sends money astray."""

import re
from dataclasses import dataclass

from billhook_common.errors import Invalid

# Length of an IBAN by country, for the countries of SEPA; elsewhere only the check digits are checked.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT EE LT LU XK",
        21: "CH HR LI LV",
        22: "BG DE GB GE IE ME RS VA",
        23: "GI IL",
        24: "AD CZ ES MD RO SE SK",
        26: "IS",
        27: "FR GR IT MC SM",
        28: "AL AZ CY HU LB PL",
        31: "MT",
    }.items()
    for country in countries.split()
}
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_REFERENCE = re.compile(r"RF\d{2}[A-Z0-9]{1,21}")


class WrongIban(Invalid):
    """The IBAN is too short or long for its country, or its check digits do not fit."""

    title = "The IBAN is not valid"


class WrongBic(Invalid):
    """A BIC has 8 or 11 characters."""

    title = "The BIC is not valid"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Whose account it is, and where. Raises WrongIban, WrongBic; blanks in either are taken out."""

    holder: str
    iban: str
    bic: str = ""
    bank: str = ""

    def __post_init__(self) -> None:
        iban = "".join(self.iban.split()).upper()
        if not is_iban(iban):
            raise WrongIban(f"{self.iban!r} is not a valid IBAN", pointer="/iban")
        bic = "".join(self.bic.split()).upper()
        if bic and not _BIC.fullmatch(bic):
            raise WrongBic(f"{self.bic!r} is not a valid BIC", pointer="/bic")
        object.__setattr__(self, "iban", iban)
        object.__setattr__(self, "bic", bic)


def is_iban(iban: str) -> bool:
    """Whether ``iban`` (no blanks, capital letters) has its country's length and fitting check digits."""
    if not _IBAN.fullmatch(iban) or len(iban) != _LENGTHS.get(iban[:2], len(iban)):
        return False
    return _mod_97(iban) == 1


def is_creditor_reference(reference: str) -> bool:
    """Whether ``reference`` is a structured creditor reference (ISO 11649, ``RF…``) with fitting check digits."""
    return _REFERENCE.fullmatch(reference) is not None and _mod_97(reference) == 1


def _mod_97(code: str) -> int:
    return int("".join(str(int(character, 36)) for character in code[4:] + code[:4])) % 97
