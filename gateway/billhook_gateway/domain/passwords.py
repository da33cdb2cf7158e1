"""What makes a password good enough: length and not being everybody's first guess; no composition rules (ASVS V6)."""

import unicodedata

from billhook_common.errors import Invalid
from billhook_gateway.domain.common_passwords import COMMON_PASSWORDS
from billhook_gateway.domain.logins import normal_login

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 1_024
"""Far beyond any passphrase; a longer one would only cost time to hash."""


class PasswordRefused(Invalid):
    """The password would be guessed."""

    title = "Choose another password"


def normal_password(typed: str) -> bytes:
    """The bytes to hash: the same for the same characters, however the keyboard composed them.

    Raises PasswordRefused for half a surrogate pair, which no keyboard makes.
    """
    try:
        return unicodedata.normalize("NFKC", typed).encode()
    except UnicodeEncodeError as error:
        raise PasswordRefused("The password holds a broken character.", pointer="/password") from error


def check_password(password: str, login: str) -> None:
    """Raise PasswordRefused when it is too short, too long, the login or one of the commonest."""
    length = len(normal_password(password).decode())
    if length < LEAST_CHARACTERS:
        raise PasswordRefused(f"At least {LEAST_CHARACTERS} characters; a sentence is fine.", pointer="/password")
    if length > MOST_CHARACTERS:
        raise PasswordRefused(f"At most {MOST_CHARACTERS:,} characters.", pointer="/password")
    guess = normal_login(password)
    if guess in {normal_login(login), normal_login(login).partition("@")[0]}:
        raise PasswordRefused("The login is the first thing that anyone would try.", pointer="/password")
    if guess in COMMON_PASSWORDS:
        raise PasswordRefused("This is one of the commonest passwords.", pointer="/password")
