"""The gateway's own key: a private JWK that only the gateway reads, and the key set that all services read."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm
from jwt.exceptions import InvalidKeyError

from billhook_common.auth import SigningKey
from billhook_common.config import ConfigError


def load_signing_key(path: str | Path) -> SigningKey:
    """The key in the JWK file at ``path``; raises ConfigError when it is not there or not an Ed25519 private key."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        private = OKPAlgorithm.from_jwk(document)
        key_id = str(document["kid"])
    except (OSError, ValueError, KeyError, InvalidKeyError) as error:
        raise ConfigError(f"BILLHOOK_GATEWAY_SIGNING_KEY: {path} holds no signing key ({error!r})") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"BILLHOOK_GATEWAY_SIGNING_KEY: {path} holds no private Ed25519 key")
    return SigningKey(key_id, private)


def create_signing_key(path_private: str | Path, path_public: str | Path) -> SigningKey:
    """Make a key pair: the private JWK (mode 0600) and the public key set.

    A key set that is there already keeps its newest key, so that tokens of the old key stay good while the gateways
    change over. Both files appear whole or not at all; services see the set change without a restart.
    """
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = SigningKey(hashlib.sha256(public).hexdigest()[:16], private)
    document = {**_jwk(private), "kid": key.key_id, "use": "sig"}
    new = json.loads(key.public_document())["keys"]
    # Services must know the new key before anything is signed with it.
    _replace(Path(path_public), json.dumps({"keys": new + _known_keys(Path(path_public))[:1]}, indent=1), 0o644)
    _replace(Path(path_private), json.dumps(document, indent=1), 0o600)
    return key


def _jwk(private: Ed25519PrivateKey) -> dict[str, Any]:
    document: dict[str, Any] = OKPAlgorithm.to_jwk(private, as_dict=True)
    return document


def _known_keys(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    keys: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return keys


def _replace(path: Path, text: str, mode: int) -> None:
    scratch = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
