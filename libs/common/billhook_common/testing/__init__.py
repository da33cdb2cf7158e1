"""What tests stand on: a private PostgreSQL, services with a clock that can be set, and all of them wired together."""

from billhook_common.testing.harness import Client, ServiceHarness
from billhook_common.testing.suite import Suite

__all__ = ["Client", "ServiceHarness", "Suite"]
