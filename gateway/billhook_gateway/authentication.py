"""Who knocks: a browser with its session cookie, or a machine with its key; and what a foreign page may not do."""

import hashlib
import hmac
from typing import LiteralString

from flask import Request

from billhook_common.auth import Identity
from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_common.errors import BadRequest, Forbidden, Unauthenticated
from billhook_common.scope import Scope
from billhook_common.settings import latest_value
from billhook_gateway.actions.api_keys import touch_key
from billhook_gateway.actions.sessions import touch_session
from billhook_gateway.caller import NOBODY, Caller
from billhook_gateway.config import GatewayConfig
from billhook_gateway.decided import demanding_roles, idle_time
from billhook_gateway.domain.api_keys import IN_TEXT, parse_key
from billhook_gateway.domain.api_keys import TOUCH_EVERY as KEY_TOUCH_EVERY
from billhook_gateway.domain.csrf import fits
from billhook_gateway.domain.roles import ROLES
from billhook_gateway.domain.sessions import TOKEN_CHARACTERS, is_live, missing_step, token_hash
from billhook_gateway.domain.sessions import TOUCH_EVERY as SESSION_TOUCH_EVERY
from billhook_gateway.lookups import Lookups

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CREDENTIAL_CHARACTERS = 512
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"


class KeyInUrl(BadRequest):
    """URLs end up in logs, histories and referrers: a key in one is no longer secret."""

    title = "Never put an API key into a URL"


class ForeignOrigin(Forbidden):
    """A page of another site sent the request."""

    title = "This request comes from another site"


class CsrfTokenWrong(Forbidden):
    """The form does not carry its session's token, so it may not be ours."""

    title = "This form is not from this session"


class LengthMissing(BadRequest):
    """A body in chunks of unknown number would be cut off at the limit, and half a file taken for a whole one."""

    status = 411
    title = "Send a Content-Length"


_SESSION: LiteralString = f"""
    SELECT s.id, s.csrf_secret, s.created_at, s.seen_at, s.second_factor_at IS NOT NULL AS proved,
           u.second_factor_at IS NOT NULL AS has_second_factor, u.id AS user_id, u.login, u.name, u.role,
           u.partner_ids, u.location_ids,
           {latest_value("session_idle_minutes")} AS session_idle_minutes,
           {latest_value("two_factor_roles")} AS two_factor_roles
    FROM session s JOIN "user" u ON u.id = s.user_id WHERE s.token_hash = %(token_hash)s AND u.active"""  # noqa: S608  (constants)
UNATTENDED = "X-Billhook-Unattended"
"""The header of requests that no person made."""
_KEY: LiteralString = """
    SELECT id, prefix, digest, name, permissions, expires_at, last_used_at
    FROM api_key WHERE prefix = %(prefix)s AND revoked_at IS NULL"""


class Authenticator:
    """Tells who makes a request, from the gateway's own database."""

    def __init__(self, config: GatewayConfig, clock: Clock, database: Database, lookups: Lookups) -> None:
        self._config = config
        self._clock = clock
        self._database = database
        self._lookups = lookups
        self._bootstrap = _digest(config.bootstrap_key) if config.bootstrap_key else b""
        self.cookie = "__Host-billhook" if config.https else "billhook"

    def refuse_tricks(self, request: Request) -> None:
        """Raise KeyInUrl, LengthMissing, or ForeignOrigin for what a page elsewhere sent with our visitor's cookies."""
        if "Transfer-Encoding" in request.headers and request.content_length is None:
            raise LengthMissing
        if IN_TEXT.search(request.query_string.decode("latin-1")):
            raise KeyInUrl("Send it in the Authorization header, and revoke this one: it has been written to logs.")
        if "Authorization" in request.headers:
            return
        origin = request.headers.get("Origin")
        own = f"{'https' if self._config.https else 'http'}://{request.host}"
        if origin is not None and origin != own:
            raise ForeignOrigin(f"Its origin is not {own}.")
        from_elsewhere = request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
        follows_a_link = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in SAFE_METHODS
        if from_elsewhere and not follows_a_link:
            raise ForeignOrigin

    def recognise(self, request: Request) -> Caller:
        """The caller; a key goes before a cookie. Raises Unauthenticated for a key that is not good."""
        authorization = request.headers.get("Authorization")
        if authorization is not None:
            return Caller(self._machine(authorization))
        token = request.cookies.get(self.cookie, "")
        if len(token) != TOKEN_CHARACTERS or not token.isascii():
            return NOBODY
        return self._person(token, is_attended=UNATTENDED not in request.headers)

    def _person(self, token: str, *, is_attended: bool) -> Caller:
        found = self._lookups.one(_SESSION, {"token_hash": token_hash(token)})
        now = self._clock.now()
        if found is None:
            return NOBODY
        idle = idle_time(found["session_idle_minutes"], self._config)
        demanded = found["role"] in demanding_roles(found["two_factor_roles"], self._config)
        step = missing_step(proved=found["proved"], has_second_factor=found["has_second_factor"], demanded=demanded)
        if not is_live(now, found["created_at"], found["seen_at"], idle=idle, half=step == "code"):
            return NOBODY
        # A page that refreshes itself keeps nobody signed in.
        if is_attended and found["seen_at"] + SESSION_TOUCH_EVERY <= now:
            with self._database.transaction() as session:
                touch_session(session, self._clock, found["id"])
        identity = Identity(
            f"user:{found['user_id']}",
            found["name"],
            ROLES[found["role"]].permissions,
            scope=Scope(frozenset(found["partner_ids"]), frozenset(found["location_ids"])),
        )
        return Caller(
            identity=None if step else identity,
            user_id=found["user_id"],
            login=found["login"],
            role=found["role"],
            csrf_secret=found["csrf_secret"],
            session_id=found["id"],
            step=step,
            proved=found["proved"],
        )

    def _machine(self, authorization: str) -> Identity:
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or not text or len(text) > CREDENTIAL_CHARACTERS:
            raise Unauthenticated("Send the API key as: Authorization: Bearer KEY")
        if self._bootstrap and hmac.compare_digest(_digest(text), self._bootstrap):
            return Identity("key:bootstrap", "Bootstrap key", frozenset({"*"}))
        key = parse_key(text)
        found = self._lookups.one(_KEY, {"prefix": key.prefix}) if key else None
        if key is None or found is None or not hmac.compare_digest(found["digest"], key.digest):
            raise Unauthenticated("The API key is not known, or it was revoked.")
        now = self._clock.now()
        if found["expires_at"] is not None and found["expires_at"] <= now:
            raise Unauthenticated("The API key has expired.")
        if found["last_used_at"] is None or found["last_used_at"] + KEY_TOUCH_EVERY <= now:
            with self._database.transaction() as session:
                touch_key(session, self._clock, found["id"])
        return Identity(f"key:{found['prefix']}", found["name"], frozenset(found["permissions"]))


def check_csrf(request: Request, caller: Caller, form: bool) -> None:
    """Raise CsrfTokenWrong when a browser session changes something without its token.

    The token comes in the header X-CSRF-Token or, where ``form`` is true, in the form field csrf_token.
    """
    if caller.session_id is None or request.method in SAFE_METHODS:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None and form:
        given = request.form.get(CSRF_FIELD)
    if given is None or not fits(given, caller.csrf_secret):
        raise CsrfTokenWrong("Load the page again and repeat.")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()
