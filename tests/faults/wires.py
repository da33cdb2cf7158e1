"""The way from one service to the others over the direct transport, on which events are doubled, late or lost."""

import random
from collections.abc import Sequence

from billhook_common.events.inbox import Inbox
from billhook_common.events.relay import Bundle, DirectDelivery

_COPIES = (0, 1, 1, 1, 2)
"""Of an event to one subscriber."""
_LATE = 0.3


class Wire:
    """Takes every event and says so, as a broker does whose queue is deleted afterwards; ``calm`` loses nothing."""

    def __init__(self, inboxes: Sequence[Inbox]) -> None:
        self._ways = [DirectDelivery([inbox]) for inbox in inboxes]
        self._held: list[tuple[DirectDelivery, Bundle]] = []
        self.chance: random.Random | None = None
        """By which events go astray; calm without."""

    def deliver(self, bundles: Sequence[Bundle]) -> set[int]:
        """Bring to each subscriber what is not late and not lost."""
        unwanted = set(range(len(bundles)))
        for way in self._ways:
            unwanted &= way.deliver([self._now(way, item) for item in bundles])
        return unwanted

    def bring(self, chance: random.Random) -> None:
        """Some of what is late arrives, in any order."""
        chance.shuffle(self._held)
        for _ in range(chance.randint(0, len(self._held))):
            way, item = self._held[-1]
            way.deliver([item])  # what dies in it comes again
            self._held.pop()

    def bring_all(self) -> None:
        """Everything that is late arrives."""
        while self._held:
            way, item = self._held.pop()
            way.deliver([item])

    def _now(self, way: DirectDelivery, item: Bundle) -> Bundle:
        if self.chance is None:
            return item
        now: list[bytes] = []
        for body in item.bodies:
            copies = [body] * self.chance.choice(_COPIES)
            late = [copy for copy in copies if self.chance.random() < _LATE]
            self._held += [(way, _only(item, copy)) for copy in late]
            now += copies[len(late) :]
        self.chance.shuffle(now)
        return _only(item, *now)


def _only(item: Bundle, *bodies: bytes) -> Bundle:
    return Bundle(item.type, item.recipient, item.first_id, list(bodies), item.seqs)
