"""Snapshots of one batch: only the newest of each record is worth a write."""

from collections.abc import Iterable
from typing import Protocol, TypeVar
from uuid import UUID


class Versioned(Protocol):
    """A snapshot of a record."""

    @property
    def version(self) -> int:
        """The higher, the newer."""


V = TypeVar("V", bound=Versioned)


def newest(snapshots: Iterable[tuple[UUID, V]]) -> list[V]:
    """The highest version under each id, in the order of ids, so that two batches never wait for each other."""
    kept: dict[UUID, V] = {}
    for key, snapshot in snapshots:
        known = kept.get(key)
        if known is None or known.version < snapshot.version:
            kept[key] = snapshot
    return [kept[key] for key in sorted(kept)]
