"""The rules that make a candidate more or less likely: amount, name, dates, already paid. They add up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from billhook_common.money import Money
from billhook_payments.domain.evidence import Evidence
from billhook_payments.domain.incoming import Incoming
from billhook_payments.domain.index import KnownDocument, PairingIndex
from billhook_payments.domain.names import SAME

MAX_LIKELY = 20  # customers taken up because of a similar name
MAX_EQUAL = 5  # an amount that more customers owe tells nothing


@dataclass(frozen=True, slots=True)
class NameMatches:
    """Customers named like the payer (likeness of 100), and for each full name in the text those who have it."""

    like_payer: dict[UUID, float]
    in_text: Sequence[frozenset[UUID]]

    @classmethod
    def of(cls, payment: Incoming, index: PairingIndex) -> "NameMatches":
        """Look the payer's name and the text up among all names."""
        like_payer = index.names.closest(payment.name) if payment.name else {}
        in_text = index.names.named_in(" ".join(payment.lines)) if payment.lines else []
        return cls(like_payer, in_text)

    @property
    def only_in_text(self) -> set[UUID]:
        """Customers whose name, nobody else's, stands in the text."""
        return {owner for owners in self.in_text if len(owners) == 1 for owner in owners}

    def likely(self) -> list[UUID]:
        """The customers to consider because of a name, the most similar first."""
        ranked = sorted(self.like_payer, key=lambda customer: (-self.like_payer[customer], str(customer)))
        return [*sorted(self.only_in_text, key=str), *ranked][:MAX_LIKELY]

    def evidence(self, customer_id: UUID) -> Iterator[Evidence]:
        """The support that names give to one customer: the better of payer and text."""
        likeness = self.like_payer.get(customer_id, 0.0)
        same = sum(1 for other in self.like_payer.values() if other >= SAME)
        if likeness >= SAME and same == 1:
            yield Evidence("name", 30, "The payer has the name of this customer only")
        elif customer_id in self.only_in_text:
            yield Evidence("name", 30, "The text has the name of this customer only")
        elif likeness:
            yield Evidence("name", 15, f"The payer's name is similar ({likeness:.0f} of 100)")

    def namesakes(self, customer_id: UUID) -> list[UUID]:
        """Other customers with the payer's name, if this one has no similar name."""
        if customer_id in self.like_payer:
            return []
        return [other for other, likeness in self.like_payer.items() if likeness >= SAME]


def with_equal_amount(payment: Incoming, index: PairingIndex) -> list[UUID]:
    """The customers to consider because a document of theirs is open with exactly this amount, if they are few."""
    documents = index.by_open_amount.get(payment.amount, ())
    return [document.customer_id for document in documents] if len(documents) <= MAX_EQUAL else []


def amount_and_dates(
    payment: Incoming, customer_id: UUID, named: Sequence[KnownDocument], index: PairingIndex
) -> Iterator[Evidence]:
    """What amount and dates say about the named documents, or about all that the customer owes."""
    owed = index.open_documents(customer_id, payment.amount.currency)
    if any(not document.open for document in named):
        yield Evidence("already_paid", -40, "A named document is already paid: probably a second payment")
        return
    equal = [document for document in owed if document.open == payment.amount]
    if named:
        equal_named = _total(named, payment.amount.currency) == payment.amount
        if equal_named:
            yield Evidence("amount", 20, "The amount is what is open of the named documents")
        else:
            yield Evidence("amount", -10, "The amount differs from what is open of the named documents")
    elif equal:
        yield Evidence("amount", 20, f"The amount is what is open of {equal[0].number}")
    elif owed and _total(owed, payment.amount.currency) == payment.amount:
        yield Evidence("amount", 20, "The amount is everything that the customer owes")
    if equal and len(index.by_open_amount[payment.amount]) == 1:
        yield Evidence("amount_unique", 10, "No other open document has this amount")
    matched = list(named) or equal
    if matched and all(document.issued_on <= payment.booked_on for document in matched):
        yield Evidence("date", 5, "Paid after the document was issued")


def _total(documents: Sequence[KnownDocument], currency: str) -> Money | None:
    """What is open of them together; None where a currency differs, for such sums mean nothing."""
    if any(document.open.currency != currency for document in documents):
        return None
    return Money.from_minor(sum(document.open.minor for document in documents), currency)
