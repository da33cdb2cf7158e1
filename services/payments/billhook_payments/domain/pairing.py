"""Whose payment is it? Rules yield evidence with points; the points decide between posting, proposing and asking.

``auto``: at least 90 points, 30 more than the next customer, no veto. ``propose``: 50 and more: a person confirms.
``queue``: a person looks for the customer. The same payment and index always give the same decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from billhook_common.money import Money
from billhook_payments.domain.evidence import HARD, Clues, Evidence
from billhook_payments.domain.incoming import Incoming
from billhook_payments.domain.index import KnownDocument, PairingIndex
from billhook_payments.domain.recognition import CHECKED, clues_in
from billhook_payments.domain.references import PaymentText
from billhook_payments.domain.supports import NameMatches, amount_and_dates, with_equal_amount

RULES_VERSION = "1"
MAX_POINTS = 100
SHOWN_CANDIDATES = 3

Zone = Literal["auto", "propose", "queue"]
Allocation = tuple[UUID, Money]


@dataclass(frozen=True, slots=True)
class PairingRules:
    """The operator's thresholds; an amount above ``auto_limit`` is always confirmed by a person."""

    auto: int = 90
    lead: int = 30
    propose: int = 50
    auto_limit: Money | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer that the payment may belong to; ``documents`` are those the payer named, with their share."""

    customer_id: UUID
    score: int
    documents: tuple[Allocation, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the payment and why. ``customer_id`` is empty in the queue; ``candidates`` are the best three."""

    zone: Zone
    customer_id: UUID | None
    documents: tuple[Allocation, ...]
    score: int
    evidence: tuple[Evidence, ...]
    vetoes: tuple[Evidence, ...]
    candidates: tuple[Candidate, ...]

    @property
    def reason(self) -> str:
        """The decision in one line, for the person who reviews it."""
        against = "; ".join(veto.text for veto in self.vetoes)
        strongest = max(self.evidence, key=lambda evidence: evidence.points, default=None)
        return against or (strongest.text if strongest else "Nothing in the payment names a customer")


def pair(payment: Incoming, index: PairingIndex, rules: PairingRules = PairingRules()) -> Decision:
    """Decide whose payment it is. Pure: no reading besides ``index``."""
    fields = payment.references
    text = PaymentText.of(payment.lines, (fields.end_to_end, fields.creditor_ref, fields.customer_ref))
    clues: dict[UUID, Clues] = {}
    for clue in clues_in(payment, text, index):
        clues.setdefault(clue.customer_id, Clues()).add(clue)
    names = NameMatches.of(payment, index)
    for customer_id in (*names.likely(), *with_equal_amount(payment, index)):
        clues.setdefault(customer_id, Clues())
    ranked = sorted(
        (_candidate(payment, customer_id, found, names, index) for customer_id, found in clues.items()),
        key=lambda candidate: (-candidate.score, str(candidate.customer_id)),
    )
    if not ranked or ranked[0].score < rules.propose:
        evidence = ranked[0].evidence if ranked else ()
        score = ranked[0].score if ranked else 0
        return Decision("queue", None, (), score, evidence, (), tuple(ranked[:SHOWN_CANDIDATES]))
    best = ranked[0]
    vetoes = tuple(_vetoes(payment, best, clues, names, index, rules))
    lead = best.score - (ranked[1].score if len(ranked) > 1 else 0)
    is_clear = best.score >= rules.auto and lead >= rules.lead and not vetoes
    zone: Zone = "auto" if is_clear else "propose"
    shown = tuple(ranked[:SHOWN_CANDIDATES])
    return Decision(zone, best.customer_id, best.documents, best.score, best.evidence, vetoes, shown)


def _candidate(
    payment: Incoming, customer_id: UUID, clues: Clues, names: NameMatches, index: PairingIndex
) -> Candidate:
    supports = (
        *amount_and_dates(payment, customer_id, clues.documents, index),
        *names.evidence(customer_id),
    )
    score = clues.best + sum(support.points for support in supports)
    return Candidate(
        customer_id=customer_id,
        score=max(0, min(MAX_POINTS, score)),
        documents=tuple(_allocate(payment.amount, clues.documents)),
        evidence=(*clues.evidence, *supports),
    )


def _allocate(amount: Money, documents: Sequence[KnownDocument]) -> Iterator[Allocation]:
    """The payment over the named documents, in the order in which they were named; a rest stays credit."""
    left = amount
    for document in documents:
        if document.open and left and document.open.currency == left.currency:
            share = min(document.open, left)
            yield document.id, share
            left -= share


def _vetoes(
    payment: Incoming,
    best: Candidate,
    clues: Mapping[UUID, Clues],
    names: NameMatches,
    index: PairingIndex,
    rules: PairingRules,
) -> Iterator[Evidence]:
    """What forbids to post without a person, however many points there are."""
    if payment.account in index.blocked_accounts:
        yield Evidence("blocked_account", 0, "The payer's account is blocked for automatic pairing")
    customer = index.customers.get(best.customer_id)
    if customer is None or customer.is_closed:
        yield Evidence("customer_closed", 0, "The customer's account is closed")
    if any(document.open.currency != payment.amount.currency for document in clues[best.customer_id].documents):
        yield Evidence("currency_mismatch", 0, "A named document is in another currency")
    if sum(1 for found in clues.values() if found.best >= HARD) > 1:
        yield Evidence("two_customers_named", 0, "References of different customers are in the payment")
    is_named = clues[best.customer_id].best >= HARD
    if any(best.customer_id not in owners for owners in names.in_text if len(owners) == 1 or not is_named):
        yield Evidence("other_name_in_text", 0, "The text has the name of another customer")
    if not any(one.rule == CHECKED for one in best.evidence) and any(
        document.open == payment.amount
        for other in names.namesakes(best.customer_id)
        for document in index.open_documents(other, payment.amount.currency)
    ):
        yield Evidence("payer_owes_the_same", 0, "The payer has the name of another customer, who owes this amount")
    limit = rules.auto_limit
    if limit is not None and limit.currency == payment.amount.currency and payment.amount > limit:
        yield Evidence("above_limit", 0, f"More than {limit} is always confirmed by a person")
