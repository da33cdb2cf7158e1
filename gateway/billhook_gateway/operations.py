"""``GET /api/ops/messaging``: how much is under way in the whole suite, or which source cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Response

from billhook_common.api import json_response
from billhook_common.auth import requires
from billhook_common.errors import Unavailable
from billhook_gateway.client import ServiceClient
from billhook_gateway.door import door, services
from billhook_gateway.panels import Unavailable as Missing

blueprint = Blueprint("operations", __name__, url_prefix="/api/ops")

READINGS_MOST = 4

Readings = Mapping[str, Mapping[str, Any]]
"""What each service says of itself."""


class SourceUnreadable(Unavailable):
    """One of the sources is silent; what it holds is not known to be zero."""

    title = "A figure cannot be read"


@dataclass(frozen=True, slots=True)
class Messaging:
    """Events on their way, over all services; all zero means that none is still to be applied."""

    outbox_pending: int
    queue_ready_and_unacked: int
    retries_scheduled: int
    parked: int

    @property
    def is_zero(self) -> bool:
        """Whether nothing was seen anywhere."""
        return not any(asdict(self).values())


@blueprint.route("/messaging", methods=["GET"])
@requires("ops:read")
def show_messaging() -> Response:
    """Read now, never from memory; 503 naming the source that cannot be read."""
    return json_response(read_messaging(services(), door().backend.services))


def read_messaging(client: ServiceClient, names: Sequence[str]) -> Messaging:
    """The sums over ``names``; raises SourceUnreadable.

    An event may move from a service not yet asked to one that was asked before. So zero is believed only when a
    second reading finds zero too, and nothing written or published since the first.
    """
    readings = _read(client, names)
    for _ in range(READINGS_MOST):
        total = summed(readings)
        if not total.is_zero:
            return total
        before, readings = readings, _read(client, names)
        moved = _moved(before, readings)
        if not moved:
            return summed(readings)
    return Messaging(0, moved, 0, 0)


def summed(readings: Readings) -> Messaging:
    """One figure over all services."""

    def over(figure: str) -> int:
        return sum(int(reading[figure]) for reading in readings.values())

    published = {
        (stream["type"], stream["epoch"]): int(stream["last"])
        for reading in readings.values()
        for stream in reading["published"]
    }
    return Messaging(
        outbox_pending=over("outbox_pending"),
        queue_ready_and_unacked=sum(_under_way(reading, published) for reading in readings.values()),
        retries_scheduled=over("retries_scheduled"),
        parked=over("parked"),
    )


def _under_way(reading: Mapping[str, Any], published: Mapping[tuple[str, str], int]) -> int:
    """What is on its way to one service: messages seen in its queue or in hand, or the events that it has not
    received of those published, whichever is more. Between the broker and a consumer only the latter sees them.
    """
    seen = int(reading["queue_ready"]) + int(reading["queue_unacked"])
    last = {(stream["type"], stream["epoch"]): int(stream["last"]) for stream in reading["received"]}
    return max(seen, sum(max(0, published[stream] - number) for stream, number in last.items() if stream in published))


def _moved(before: Readings, after: Readings) -> int:
    """How many events were written or published between two readings."""
    return sum(
        abs(new - old) for name in after for old, new in zip(before[name]["marks"], after[name]["marks"], strict=True)
    )


def _read(client: ServiceClient, names: Sequence[str]) -> Readings:
    readings: dict[str, Mapping[str, Any]] = {}
    for name, answer in client.gather(**{name: (name, "/ops/messaging") for name in names}).items():
        if isinstance(answer, Missing):
            raise SourceUnreadable(f"{name}: {answer.problem.get('detail') or answer.problem.get('title', '')}")
        readings[name] = answer
    return readings
