"""Events from other services: none yet."""

from billhook_common.events import Handlers

handles = Handlers()
