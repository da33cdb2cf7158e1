"""Snapshots of one batch: only the newest of each record is worth a write, and only over an older one (G4)."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import DeclarativeBase, Session


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


def keep_newest(session: Session, mirror: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Write ``newest`` snapshots as rows with ``id`` and ``version``, in one statement; what is newer there stays."""
    statement = upsert(mirror).values(rows)
    new = statement.excluded
    changed = {name: new[name] for name in rows[0] if name != "id"}
    older = mirror.__table__.c.version < new.version
    session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed, where=older))
