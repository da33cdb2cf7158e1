"""Several services together over the direct transport, without threads: ``until_quiet`` moves the events."""

from collections.abc import Callable, Mapping, Sequence

from billhook_common.clock import FixedClock
from billhook_common.events.inbox import Inbox
from billhook_common.events.reconcile import publish_positions
from billhook_common.events.relay import Delivery, DirectDelivery, Relay
from billhook_common.testing.harness import ServiceHarness

_ROUNDS = 1_000
"""More rounds than any honest chain of events; beyond it two services feed each other for ever."""


class Suite:
    """Service harnesses that share a clock and hear each other; ``between`` makes each one's way to the others."""

    def __init__(
        self,
        harnesses: Mapping[str, ServiceHarness],
        clock: FixedClock,
        between: Callable[[Sequence[Inbox]], Delivery] = DirectDelivery,
    ) -> None:
        self.clock = clock
        self._between = between
        self._harnesses = dict(harnesses)
        self._relays = {name: self._relay(name) for name in harnesses}
        for harness in harnesses.values():
            harness.inbox.subscribe()

    def __getitem__(self, name: str) -> ServiceHarness:
        return self._harnesses[name]

    def relay(self, name: str) -> bool:
        """One round of one service's relay; True when there was something to send."""
        return self._relays[name].step()

    def until_quiet(self, *, jobs: bool = True) -> None:
        """Relay events, retry and run jobs until nothing is left to do."""
        for _ in range(_ROUNDS):
            moved = [relay.step() for relay in self._relays.values()]
            retried = [harness.retry() > 0 for harness in self._harnesses.values()]
            worked = [harness.run_jobs() for harness in self._harnesses.values()] if jobs else []
            if not any(moved + retried + worked):
                return
        raise AssertionError(f"not quiet after {_ROUNDS} rounds")

    def unfinished(self) -> dict[str, list[dict[str, object]]]:
        """Events that are not done, by service; empty when all is well."""
        states = {name: harness.unfinished() for name, harness in self._harnesses.items()}
        return {name: rows for name, rows in states.items() if rows}

    def reconcile(self) -> None:
        """Let every service tell how far its events have come, and all follow from it that does."""
        for name, harness in self._harnesses.items():
            with harness.session() as session:
                publish_positions(session, self.clock, name)
        self.until_quiet()

    def pause(self) -> None:
        """Let another relay send what is published from now on, until ``until_quiet``."""
        for relay in self._relays.values():
            relay.stop()

    def close(self) -> None:
        """Give the connections back."""
        self.pause()
        for harness in self._harnesses.values():
            harness.close()

    def _relay(self, name: str) -> Relay:
        own = self._harnesses[name]
        others = [harness.inbox for other, harness in self._harnesses.items() if other != name]
        return Relay(own.database, name, self.clock, self._between(others))
