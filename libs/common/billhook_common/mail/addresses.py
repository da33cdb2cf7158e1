"""Mail addresses: one line, one address, nothing that could become a header of its own."""

import re
import unicodedata
from email.headerregistry import Address
from email.utils import parseaddr

from billhook_common.errors import Invalid

ADDRESS_CHARACTERS = 254
"""The longest e-mail address (RFC 5321)."""

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class AddressRefused(Invalid):
    """This is not one e-mail address, or more than that."""

    title = "This is not an e-mail address"


def is_address(text: str) -> bool:
    """Whether mail can be sent to ``text``: a plain address in ASCII, without a name or comment."""
    if len(text) > ADDRESS_CHARACTERS or not _ADDRESS.fullmatch(text):
        return False
    local, _, domain = text.partition("@")
    return not any(not part for part in (*local.split("."), *domain.split(".")))


def is_one_line(text: str) -> bool:
    """Whether ``text`` can stand in a header: no line breaks, control characters or halves of a surrogate pair."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)


def mailbox(name: str, address: str) -> Address:
    """A name with its address. Raises AddressRefused for line breaks in either and for what is no address."""
    if not is_one_line(name):
        raise AddressRefused("A name is one line without control characters.", pointer="/name")
    if not is_address(address):
        raise AddressRefused("An address looks like name@example.org.", pointer="/address")
    return Address(display_name=name, addr_spec=address)


def parse_mailbox(text: str) -> Address:
    """``Name <address>`` or an address alone. Raises AddressRefused."""
    if not is_one_line(text):
        raise AddressRefused("A name is one line without control characters.")
    return mailbox(*parseaddr(text))
