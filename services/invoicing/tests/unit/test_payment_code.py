"""Bank accounts with checked IBANs, and what the payment code says."""

from decimal import Decimal

import pytest

from billhook_invoicing.domain.bank_account import (
    BankAccount,
    WrongBic,
    WrongIban,
    is_creditor_reference,
)
from billhook_invoicing.domain.payment_code import payment_code

pytestmark = pytest.mark.unit

ACCOUNT = BankAccount("Brightvale Networks s.r.o.", "cz65 0800 0000 1920 0014 5399", "GIBA CZ PX")


@pytest.mark.parametrize(
    "iban",
    [
        "CZ6508000000192000145399",
        "DE89370400440532013000",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "BR1800360305000010009795493C1",
    ],
)
def test_a_good_iban_is_kept_without_blanks(iban: str) -> None:
    assert BankAccount("x", f" {iban[:4]} {iban[4:].lower()}").iban == iban


@pytest.mark.parametrize(
    "iban",
    ["", "CZ6508000000192000145398", "CZ65080000001920001453", "DE8937040044053201300", "1234", "CZ65-0800", "é" * 20],
)
def test_a_wrong_iban_is_refused(iban: str) -> None:
    with pytest.raises(WrongIban):
        BankAccount("x", iban)


def test_a_wrong_bic_is_refused() -> None:
    with pytest.raises(WrongBic):
        BankAccount("x", "DE89370400440532013000", "GIBACZ")


def test_structured_references_are_told_by_their_check_digits() -> None:
    assert is_creditor_reference("RF18539007547034")
    assert not is_creditor_reference("RF19539007547034")
    assert not is_creditor_reference("1000012300")


def test_an_epc_code_asks_for_the_amount_with_a_text() -> None:
    assert payment_code(ACCOUNT, Decimal("39.8"), "EUR", "1000012300") == (
        "BCD\n002\n1\nSCT\nGIBACZPX\nBrightvale Networks s.r.o.\nCZ6508000000192000145399\nEUR39.80\n\n\n1000012300"
    )


def test_an_epc_code_carries_a_structured_reference_instead_of_the_text() -> None:
    code = payment_code(ACCOUNT, Decimal(5), "EUR", "rf18 5390 0754 7034")
    assert code is not None
    assert code.split("\n")[8:] == ["", "RF18539007547034"]


def test_an_epc_code_keeps_to_its_lengths_and_lines() -> None:
    account = BankAccount("Žižka\n" * 30, "DE89370400440532013000")
    code = payment_code(account, Decimal("999999999.99"), "EUR", "x\ny " * 100)
    assert code is not None
    lines = code.split("\n")
    assert (len(lines), lines[4], len(lines[5]), lines[7], len(lines[10])) == (11, "", 70, "EUR999999999.99", 140)


def test_crowns_get_a_payment_descriptor() -> None:
    assert payment_code(ACCOUNT, Decimal(668), "CZK", "1000012300") == (
        "SPD*1.0*ACC:CZ6508000000192000145399+GIBACZPX*AM:668.00*CC:CZK*X-VS:1000012300"
    )
    no_bic = BankAccount("x", "CZ6508000000192000145399")
    assert payment_code(no_bic, Decimal(1), "CZK", "50 % * INV-1") == (
        "SPD*1.0*ACC:CZ6508000000192000145399*AM:1.00*CC:CZK*MSG:50 %25 %2A INV-1"
    )


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0", "EUR"), ("-1", "EUR"), ("0.001", "EUR"), ("1000000000", "EUR"), ("10000000", "CZK"), ("5", "USD")],
)
def test_there_is_no_code_for_other_amounts_and_currencies(amount: str, currency: str) -> None:
    assert payment_code(ACCOUNT, Decimal(amount), currency, "1") is None
