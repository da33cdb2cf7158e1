"""Names are compared folded; a name in a text counts only as a whole."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_payments.domain.names import SAME, NameIndex, fold_name

pytestmark = pytest.mark.unit

ANNA, JAN, JAN_TOO, FIRM = (UUID(int=number) for number in range(1, 5))
INDEX = NameIndex(
    [(ANNA, "Anna Nováková"), (JAN, "Jan Dvořák"), (JAN_TOO, "Dvořák Jan"), (FIRM, "Müller & Söhne GmbH")]
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ing. Jürgen Müller", "MUELLER JUERGEN"),
        ("Žižka, Jan", "jan zizka"),
        ("Łukasz Groß", "Lukasz GROSS"),
        ("Søren Ærø", "soren aro"),
        ("Frau Käthe Weiß", "Kaethe Weiss"),
    ],
)
def test_one_name_in_two_spellings_is_one(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_the_closest_names_are_found_with_their_likeness() -> None:
    assert INDEX.closest("NOVAKOVA ANNA") == {ANNA: 100.0}
    assert INDEX.closest("Jan Dvorak") == {JAN: 100.0, JAN_TOO: 100.0}
    assert SAME > INDEX.closest("Novakova Hanna X")[ANNA] >= 85
    assert INDEX.closest("Anna Horáková") == {}
    assert INDEX.closest("Nobody Known") == {}
    assert INDEX.closest("") == {}


def test_the_better_of_two_names_of_a_customer_counts() -> None:
    index = NameIndex([(ANNA, "Anna Nováková"), (ANNA, "Anna Novákov")])
    assert index.closest("Anna Nováková") == {ANNA: 100.0}


def test_a_common_word_does_not_make_the_search_slow() -> None:
    names = [(UUID(int=number + 10), f"Jan Novak{number}") for number in range(5000)] + [(ANNA, "Jan Zeman")]
    index = NameIndex(names)
    assert index.closest("Zeman Jan") == {ANNA: 100.0}
    assert len(index._rows_to_compare("JAN")) == 2000


def test_full_names_are_found_in_a_text() -> None:
    assert INDEX.named_in("Internet for Anna Novakova") == [frozenset({ANNA})]
    assert INDEX.named_in("DVORAK internet JAN") == [frozenset({JAN, JAN_TOO})]
    assert INDEX.named_in("Anna and Jan, Mueller Soehne GMBH") == [frozenset({FIRM})]
    assert INDEX.named_in("Anna") == []


def test_a_single_word_is_no_full_name() -> None:
    assert NameIndex([(FIRM, "Internet")]).named_in("Internet") == []


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_is_found_as_itself_and_nothing_fails(name: str, text: str) -> None:
    index = NameIndex([(ANNA, name)])
    index.named_in(text)
    words = [word for word in fold_name(name).split() if len(word) > 1]
    assert index.closest(name) == ({ANNA: 100.0} if words else {})
