"""Password rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_gateway.domain.common_passwords import COMMON_PASSWORDS
from billhook_gateway.domain.passwords import PasswordRefused, check_password, normal_password

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "password",
    [
        "a sentence is fine",
        "žluťoučký kůň",
        "🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋",
        "with a NUL \0 inside",
        "x" * 11 + "y",
        "y" * 1_023 + "x",
    ],
)
def test_length_is_what_counts(password: str) -> None:
    check_password(password, "anna@example.org")


@pytest.mark.parametrize(
    "password",
    [
        *("", "short", "elevenchars", " " * 3, "x" * 1_025),
        *("anna@example.org", " ANNA@Example.org ", "password1234", "PassWord1234", "123456789012"),
        "\ud800 is half a character",
        # Twelve characters as typed, but only one when they are put together.
        "e\u0301" * 6,
    ],
)
def test_a_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        check_password(password, "anna@example.org")


def test_the_name_before_the_at_sign_is_no_password() -> None:
    with pytest.raises(PasswordRefused):
        check_password("anna.novakova", "Anna.Novakova@example.org")


def test_every_common_password_is_one_that_length_lets_through() -> None:
    assert [password for password in COMMON_PASSWORDS if len(password) < 12 or password != password.casefold()] == []


@given(st.text(min_size=12, max_size=60))
def test_the_same_characters_are_the_same_password_however_composed(text: str) -> None:
    import unicodedata  # noqa: PLC0415

    assert normal_password(unicodedata.normalize("NFD", text)) == normal_password(unicodedata.normalize("NFC", text))
