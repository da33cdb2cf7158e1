"""Evidence that a payment is a certain customer's: which rule, how many points, and the reason in words."""

from dataclasses import dataclass, field
from uuid import UUID

from billhook_payments.domain.index import KnownDocument

HARD = 80  # from here on a rule alone names a customer; two customers named by such rules contradict each other


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for (or against) a pairing, as stored and shown."""

    rule: str
    points: int
    text: str


@dataclass(frozen=True, slots=True)
class Clue:
    """Evidence for one customer; ``document`` is what the payer named by it."""

    customer_id: UUID
    evidence: Evidence
    document: KnownDocument | None = None


@dataclass(slots=True)
class Clues:
    """All clues for one customer while a payment is being judged."""

    evidence: list[Evidence] = field(default_factory=list)
    documents: list[KnownDocument] = field(default_factory=list)

    def add(self, clue: Clue) -> None:
        """Keep the clue; a document named twice is named once."""
        if clue.evidence not in self.evidence:
            self.evidence.append(clue.evidence)
        if clue.document is not None and clue.document not in self.documents:
            self.documents.append(clue.document)

    @property
    def best(self) -> int:
        """The points of the strongest rule: rules that say the same thing do not add up."""
        return max((evidence.points for evidence in self.evidence), default=0)
