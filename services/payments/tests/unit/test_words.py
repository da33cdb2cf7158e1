"""Decisions, references, account numbers and searches in the form in which people see and write them."""

from typing import Any

import pytest

from billhook_common.bank_formats import HandlerError, References
from billhook_payments.domain.account_number import (
    AccountNumberNotValid,
    BicNotValid,
    IbanNotValid,
    masked,
    read_bic,
    read_iban,
    read_local_number,
)
from billhook_payments.domain.refusals import refusal_of
from billhook_payments.domain.search import search_text, search_words
from billhook_payments.domain.words import (
    NOTHING_FOUND,
    named_references,
    reason_in_words,
    reference_in_words,
    sentences,
    short_reasons,
)

pytestmark = pytest.mark.unit


def said(rule: str, points: int, text: str = "because", *, veto: bool = False) -> dict[str, Any]:
    return {"rule": rule, "points": points, "text": text, **({"veto": True} if veto else {})}


def test_short_reasons_are_the_strongest_first_and_each_once() -> None:
    evidence = [said("date", 5), said("amount", 20), said("payment_reference", 90), said("amount_unique", 10)]
    assert short_reasons(evidence) == ["payment reference", "amount"]
    assert short_reasons([said("known_payer", 0), said("name", 15), said("x", 0, "It is closed", veto=True)]) == [
        "name", "It is closed",
    ]  # fmt: skip
    assert sentences(evidence) == ["because"] * 4


def test_what_stands_against_a_pairing_is_its_reason() -> None:
    strong = said("payment_reference", 90, "It is named")
    assert reason_in_words([said("amount", 20), strong]) == "It is named"
    assert reason_in_words([strong, said("a", 0, "No", veto=True), said("b", 0, "Nor", veto=True)]) == "No; Nor"
    assert reason_in_words([]) == NOTHING_FOUND


def test_the_text_stands_for_a_payment_else_its_first_reference() -> None:
    references = named_references(References(end_to_end="E1", variable_symbol="77", bank_ref="B"))
    assert references == {"end_to_end": "E1", "variable_symbol": "77", "bank_ref": "B"}
    assert reference_in_words(("for", "november"), references) == "for november"
    assert reference_in_words((), references) == "77"
    assert reference_in_words((" ",), {"bank_ref": "B"}) == ""
    assert len(reference_in_words(("x" * 500,), {})) == 140


def test_account_numbers_are_read_whatever_their_spelling() -> None:
    assert read_iban(" de89 3704 0044 0532 0130 00 ") == "DE89370400440532013000"
    assert read_local_number("19-2000145399/0800") == "19-2000145399/0800"
    assert (read_bic("cobadeff"), read_bic("COBADEFFXXX"), read_bic(" ")) == ("COBADEFF", "COBADEFFXXX", "")


@pytest.mark.parametrize("wrong", ["", "DE", "DE88370400440532013000", "DE8937040044053201300", "XX00", "DE89\u202e"])
def test_a_wrong_iban_is_refused(wrong: str) -> None:
    with pytest.raises(IbanNotValid):
        read_iban(wrong)


@pytest.mark.parametrize("wrong", ["", "a", "1" * 41, "1234;5"])
def test_a_wrong_local_number_is_refused(wrong: str) -> None:
    with pytest.raises(AccountNumberNotValid):
        read_local_number(wrong)


def test_a_wrong_bic_is_refused() -> None:
    with pytest.raises(BicNotValid):
        read_bic("ABC")


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("CZ6508000000192000145399", "CZ65 0800 •••• •••• •••• 5399"),
        ("DE89370400440532013000", "DE89 3704 •••• •••• ••30 00"),
        ("123456789012", "123456789012"),
        ("", ""),
    ],
)
def test_an_account_is_shown_in_part(account: str, shown: str) -> None:
    assert masked(account) == shown


def test_customers_are_looked_for_without_accents() -> None:
    text = search_text("Žižka Jürgen", "10000037", "j.zizka")
    assert all(word in text for word in search_words("zizka JUERGEN 10000037"))
    assert search_words("---") == []
    assert len(search_words("a b c d e f g h i j")) == 8


def test_a_refusal_names_the_place_in_the_file() -> None:
    error = refusal_of(HandlerError("bad_amount", "entry 3, line 812", "'x' is not an amount"))
    assert (error.status, error.problem_type(), error.detail) == (422, "bad-amount", "'x' is not an amount")
    assert error.errors[0].message == "entry 3, line 812: 'x' is not an amount"
    large = refusal_of(HandlerError("too_large", "", "The file is larger than 50 MB"))
    assert (large.status, large.problem_type(), large.errors[0].message) == (
        413, "too-large", "The file is larger than 50 MB",
    )  # fmt: skip
