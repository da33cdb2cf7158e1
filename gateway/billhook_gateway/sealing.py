"""Secrets that must be read again, sealed at rest: a stolen database makes no codes."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from billhook_common.config import ConfigError
from billhook_common.errors import Unavailable


class Sealer:
    """Seals with the first of the keys in a file, opens with any; without a file it does neither."""

    def __init__(self, path: str) -> None:
        self._keys = MultiFernet(_read(path)) if path else None

    @property
    def ready(self) -> bool:
        """Whether there is a key."""
        return self._keys is not None

    def seal(self, secret: str) -> bytes:
        """The secret as it is stored. Raises Unavailable."""
        return self._known().encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """The secret again. Raises Unavailable when it was sealed with a key that is gone."""
        try:
            return self._known().decrypt(sealed).decode()
        except InvalidToken as error:
            raise Unavailable("The key that sealed this secret is not among BILLHOOK_GATEWAY_SEALING_KEY.") from error

    def _known(self) -> MultiFernet:
        if self._keys is None:
            raise Unavailable("This installation has no key for second factors: BILLHOOK_GATEWAY_SEALING_KEY.")
        return self._keys


def create_sealing_key(path: Path) -> None:
    """Make a key file (mode 0600)."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")


def _read(path: str) -> list[Fernet]:
    try:
        keys = [Fernet(line.strip()) for line in Path(path).read_bytes().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ConfigError(f"BILLHOOK_GATEWAY_SEALING_KEY: {path} holds no Fernet key ({error!r})") from error
    if not keys:
        raise ConfigError(f"BILLHOOK_GATEWAY_SEALING_KEY: {path} holds no key")
    return keys
