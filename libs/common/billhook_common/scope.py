"""The scope of a caller: which partners' and locations' customers exist for them, applied in queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

Column = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """Partners and locations that a caller is limited to; an empty set: all of them.

    Of a customer without a location nothing is seen by whoever is limited to locations.
    """

    partners: frozenset[UUID] = frozenset()
    locations: frozenset[UUID] = frozenset()

    @property
    def limited(self) -> bool:
        """Whether there is anything that the caller must not see."""
        return bool(self.partners or self.locations)

    def holds(self, partner_id: UUID | None, location_id: UUID | None) -> bool:
        """Whether a customer of this partner at this location is inside."""
        return (not self.partners or partner_id in self.partners) and (
            not self.locations or location_id in self.locations
        )

    def conditions(self, partner: Column, location: Column) -> list[ColumnElement[bool]]:
        """What a row with these columns must fulfil; null is outside of every limit."""
        limits = ((partner, self.partners), (location, self.locations))
        return [column.in_(sorted(wanted)) for column, wanted in limits if wanted]

    def claims(self) -> dict[str, list[str]]:
        """The scope in a token."""
        limits = {"partners": self.partners, "locations": self.locations}
        return {name: sorted(map(str, wanted)) for name, wanted in limits.items() if wanted}


EVERYTHING = Scope()


def scope_of(claims: Mapping[str, Any]) -> Scope:
    """The scope that a token names. Raises ValueError for what is no id."""
    return Scope(*(frozenset(UUID(str(item)) for item in claims.get(name, ())) for name in ("partners", "locations")))
