"""How texts of customers are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_crm.domain.keys import fold, login_key, reference_key, search_text, search_words

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Žižka", "zizka"),
        ("ŽIŽKA", "zizka"),
        ("Z\u030ciz\u030cka", "zizka"),
        ("Käthe  Weiß", "kathe weiss"),
        ("Łukasz Złoty", "lukasz zloty"),
        ("Söderström & Øst", "soderstrom & ost"),
        ("İstanbul", "istanbul"),
        ("Ελλάδα", "ελλαδα"),
        ("  a\t b\n", "a b"),
        ("", ""),
    ],
)
def test_marks_and_case_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=20))
def test_a_customer_is_found_by_each_word_of_the_name(name: str) -> None:
    text = search_text(name=name, login="", number="", email="", phone="", city="")
    assert all(word in text for word in search_words(name))


def test_a_phone_is_found_with_and_without_its_blanks() -> None:
    text = search_text(name="A", login="", number="", email="", phone="+420 555 111 222, 555-333", city="")
    assert "420555111222" in text
    assert "555 111 222" in text
    assert "555333" in text


def test_at_most_eight_words_count() -> None:
    assert len(search_words("a b c d e f g h i j")) == 8


@pytest.mark.parametrize(("one", "other"), [("Anja.Kohler", "anja.kohler"), ("STRASSE", "straße"), ("ａb", "ab")])
def test_logins_are_one_letter_case_apart(one: str, other: str) -> None:
    assert login_key(one) == login_key(other)


def test_logins_differ_by_their_accents() -> None:
    assert login_key("novák") != login_key("novak")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0010000001", "10000001"),
        ("12-34/56", "123456"),
        ("ab 12", "AB12"),
        ("RF18 0005 3900 7547 034", "RF18539007547034"),
    ],
)
def test_references_are_one_as_payers_write_them(one: str, other: str) -> None:
    assert reference_key(one) == reference_key(other)


@pytest.mark.parametrize("nothing", ["", "---", "žluť"[:1], "000"])
def test_a_reference_may_come_to_nothing(nothing: str) -> None:
    assert reference_key(nothing) == ""


@given(st.text(max_size=35))
def test_a_reference_key_is_its_own_key(reference: str) -> None:
    key = reference_key(reference)
    assert reference_key(key) == key
    assert all(char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" for char in key)
