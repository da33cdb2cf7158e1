"""Jobs: what runs on the clock. One step is one transaction, under a lease, so replicas are safe."""

from collections.abc import Callable
from dataclasses import dataclass

from billhook_common.events.handlers import Context

JobFunction = Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """A function called every ``every_seconds``; True from it means: again at once.

    A step that takes more than ``longest_seconds`` is taken for hung, and its process ends.
    """

    name: str
    function: JobFunction
    every_seconds: float
    longest_seconds: float = 90.0


def job(*, every_seconds: float, longest_seconds: float = 90.0) -> Callable[[JobFunction], Job]:
    """Make the decorated function a job."""

    def make(function: JobFunction) -> Job:
        return Job(function.__name__, function, every_seconds, longest_seconds)

    return make
