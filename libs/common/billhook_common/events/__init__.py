"""Events: written with the business rows, relayed, and applied exactly once a service (messaging promise G1-G8)."""

from billhook_common.events.envelope import Event
from billhook_common.events.handlers import Context, Handlers, NotYet
from billhook_common.events.newest import keep_newest, newest
from billhook_common.events.outbox import Outgoing, publish, publish_many

__all__ = ["Context", "Event", "Handlers", "NotYet", "Outgoing", "keep_newest", "newest", "publish", "publish_many"]
