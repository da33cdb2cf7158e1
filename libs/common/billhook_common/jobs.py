"""Jobs: what runs on the clock. One step is one transaction, under a lease, so replicas are safe."""

from collections.abc import Callable
from dataclasses import dataclass

from billhook_common.events.handlers import Context

JobFunction = Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """A function called every ``every_seconds``; True from it means: again at once."""

    name: str
    function: JobFunction
    every_seconds: float


def job(*, every_seconds: float) -> Callable[[JobFunction], Job]:
    """Make the decorated function a job."""

    def make(function: JobFunction) -> Job:
        return Job(function.__name__, function, every_seconds)

    return make
