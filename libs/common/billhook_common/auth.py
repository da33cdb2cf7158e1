"""Who calls: tokens that the gateway signs for one request, and the right that every route names."""

import functools
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from billhook_common.errors import Forbidden, Unauthenticated
from billhook_common.ids import uuid7
from billhook_common.scope import EVERYTHING, Scope, scope_of

ISSUER = "billhook-gateway"
TOKEN_SECONDS = 60
LEEWAY_SECONDS = 5

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts: ``subject`` is a stable id, ``name`` is for people.

    ``customer_id`` limits a portal session, ``scope`` a colleague.
    """

    subject: str
    name: str
    permissions: frozenset[str]
    customer_id: UUID | None = None
    scope: Scope = EVERYTHING

    def allows(self, permission: str) -> bool:
        """Whether the right is there, by name or through ``*`` or ``area:*``."""
        area = permission.partition(":")[0]
        return not self.permissions.isdisjoint({permission, f"{area}:*", "*"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route asks for. Permission ``None``: anyone; ``""``: anyone who is known.

    ``key``: an Idempotency-Key; ``upload``: the larger limit; ``secret``: nothing of request or answer is kept;
    ``own``: customers too, each for what is theirs. Without it a route is for staff.
    ``scoped``: colleagues with a limited scope too, each for what is inside. Without it a route is not for them.
    ``half``: at the gateway's door, also whoever has proved only the first of two factors.
    """

    permission: str | None
    key: bool = False
    upload: bool = False
    secret: bool = False
    own: bool = False
    half: bool = False
    scoped: bool = False


def requires(
    permission: str,
    *,
    key: bool = False,
    upload: bool = False,
    secret: bool = False,
    own: bool = False,
    scoped: bool = False,
) -> Callable[[F], F]:
    """Name the right of a route; ``key=True`` for commands that move money (they need an Idempotency-Key, G6).

    ``secret=True`` for commands that bring or give a password or key: an Idempotency-Key has no effect on them,
    because the stored answer would hold the secret, and the stored hash of the request would help to guess it.
    ``own=True`` where the view narrows everything to ``identity.customer_id``: only these are open to customers.
    ``scoped=True`` where the view narrows everything to ``identity.scope``, in its queries: only these are open to
    colleagues who are limited to partners or locations.
    """
    return _with_policy(Policy(permission, key=key, upload=upload, secret=secret, own=own, scoped=scoped))


def signed_in(view: F) -> F:
    """A route for everyone who is known, whatever their rights."""
    return _with_policy(Policy(""))(view)


def half_signed_in(view: F) -> F:
    """A route for everyone who is known, and for those who are about to prove their second factor."""
    return _with_policy(Policy("", half=True))(view)


def public(view: F) -> F:
    """A route that anyone may call."""
    return _with_policy(Policy(None))(view)


def _with_policy(policy: Policy) -> Callable[[F], F]:
    def mark(view: F) -> F:
        view.billhook_policy = policy  # type: ignore[attr-defined]  # read by policy_of, kept by functools.wraps
        return view

    return mark


def policy_of(view: Callable[..., Any]) -> Policy | None:
    """The policy of a view function; None means that the route must not exist."""
    return getattr(view, "billhook_policy", None)


class KeySet:
    """The gateway's public keys, by key id; the file is read again when it changes (rotation without restart)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._read_at = 0.0
        self._keys: Mapping[str, Any] = {}

    def get(self, key_id: str) -> Any:
        """The public key named ``key_id``; raises Unauthenticated."""
        try:
            changed = os.stat(self._path).st_mtime
        except OSError:
            changed = self._read_at
        if changed != self._read_at:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            self._keys = {item["kid"]: OKPAlgorithm.from_jwk(item) for item in document["keys"]}
            self._read_at = changed
        if key_id not in self._keys:
            raise Unauthenticated("The token is signed with an unknown key.")
        return self._keys[key_id]


def verify_token(token: str, audience: str, keys: KeySet) -> Identity:
    """Who the token speaks for; raises Unauthenticated."""
    try:
        key = keys.get(str(jwt.get_unverified_header(token).get("kid", "")))
        claims = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=audience,
            issuer=ISSUER,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "aud", "iss", "sub"]},
        )
        customer = claims.get("customer")
        return Identity(
            subject=str(claims["sub"]),
            name=str(claims.get("name", "")),
            permissions=frozenset(str(item) for item in claims.get("permissions", ())),
            customer_id=UUID(customer) if customer else None,
            scope=scope_of(claims),
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Unauthenticated("The token is not valid.") from error


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The gateway's private key and its id."""

    key_id: str
    private: Ed25519PrivateKey

    def sign(self, identity: Identity, audience: str) -> str:
        """A token for one request to one service, good for a minute."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": audience,
            "sub": identity.subject,
            "name": identity.name,
            "permissions": sorted(identity.permissions),
            "jti": str(uuid7()),
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **identity.scope.claims(),
        }
        if identity.customer_id is not None:
            claims["customer"] = str(identity.customer_id)
        return jwt.encode(claims, self.private, algorithm="EdDSA", headers={"kid": self.key_id})

    def public_document(self) -> str:
        """The JSON key set that services read."""
        return public_document([self])


def public_document(keys: Iterable[SigningKey]) -> str:
    """A JSON key set with the public halves of ``keys``."""
    items = [
        {**json.loads(OKPAlgorithm.to_jwk(key.private.public_key())), "kid": key.key_id, "use": "sig"} for key in keys
    ]
    return json.dumps({"keys": items}, indent=1)


@functools.cache
def key_set(path: str) -> KeySet:
    """The key set of a file, one a process."""
    return KeySet(path)


def check(identity: Identity | None, policy: Policy) -> None:
    """Raise Unauthenticated or Forbidden when ``identity`` does not satisfy ``policy``."""
    if policy.permission is None:
        return
    if identity is None:
        raise Unauthenticated("Send a token in the Authorization header.")
    if identity.customer_id is not None and not policy.own:
        raise Forbidden("This is for staff.")
    if policy.permission and identity.scope.limited and not policy.scoped:
        raise Forbidden("This is not for colleagues who are limited to partners or locations.")
    if policy.permission and not identity.allows(policy.permission):
        raise Forbidden(f"The right {policy.permission} is missing.")
