"""Who makes a request."""

from dataclasses import dataclass
from uuid import UUID

from billhook_common.auth import Identity
from billhook_gateway.domain.csrf import masked


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls. ``identity`` is None before sign-in; only a browser session has the other values.

    ``role`` is a role's code; ``session_id`` names the session, never its cookie. ``step`` is what a half session
    still lacks (``code`` or ``enrol``): it has no identity. ``proved``: the second factor was proved in it.
    """

    identity: Identity | None = None
    user_id: UUID | None = None
    login: str = ""
    role: str = ""
    csrf_secret: str = ""
    session_id: UUID | None = None
    step: str = ""
    proved: bool = False

    @property
    def csrf_token(self) -> str:
        """What goes into a form or the header X-CSRF-Token; another text each time, good as long as the session."""
        return masked(self.csrf_secret) if self.csrf_secret else ""


NOBODY = Caller()
