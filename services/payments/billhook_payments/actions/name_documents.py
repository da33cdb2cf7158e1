"""Which documents a person pays, checked against what is known of the customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_common.errors import NotKnownYet
from billhook_common.money import Money
from billhook_payments.actions.post import Share, share_out
from billhook_payments.domain.money_rules import (
    AmountNotPositive,
    DocumentNamedTwice,
    DocumentOfAnotherCustomer,
    NamedTooMuch,
    NotHomeCurrency,
    WrongCurrency,
)
from billhook_payments.models import Customer, Document
from billhook_payments.queries import documents_by_id, open_documents_of


@dataclass(frozen=True, slots=True)
class Named:
    """A document as a person names it; without ``amount`` as much of it as the payment covers."""

    document_id: UUID
    amount: Money | None = None


def check_home(currency: str, home: str, *, pointer: str) -> None:
    """Only money in the operator's currency can become a customer's. Raises NotHomeCurrency."""
    if currency != home:
        raise NotHomeCurrency(f"Customers are billed in {home}, this is {currency}.", pointer=pointer)


def check_customer(session: Session, customer_id: UUID, currency: str, *, pointer: str = "/customer_id") -> None:
    """The customer is here and billed in ``currency``, as far as is known. Raises NotKnownYet, WrongCurrency."""
    if session.get(Customer, customer_id) is None:
        raise NotKnownYet("The customer has not arrived here yet.", pointer=pointer)
    owed = open_documents_of(session, [customer_id]).get(customer_id, [])
    if owed and all(document.currency != currency for document in owed):
        raise WrongCurrency(f"What is open is in {owed[0].currency}, this is {currency}.", pointer=pointer)


def name_documents(session: Session, customer_id: UUID, amount: Money, named: Sequence[Named]) -> list[Share]:
    """The share of each document in the payment, in the order in which they are named.

    Raises NotKnownYet, DocumentOfAnotherCustomer, DocumentNamedTwice, NamedTooMuch, WrongCurrency, AmountNotPositive.
    """
    known = documents_by_id(session, {one.document_id for one in named})
    seen: set[UUID] = set()
    for place, one in enumerate(named):
        pointer = f"/documents/{place}/document_id"
        if one.document_id in seen:
            raise DocumentNamedTwice(pointer=pointer)
        seen.add(one.document_id)
        document = known.get(one.document_id)
        if document is None:
            raise NotKnownYet("The document has not arrived here yet.", pointer=pointer)
        _check(document, customer_id, amount.currency, one.amount, pointer)
    return _shares(amount, named, known)


def _check(document: Document, customer_id: UUID, currency: str, stated: Money | None, pointer: str) -> None:
    if document.customer_id != customer_id:
        raise DocumentOfAnotherCustomer(f"{document.number} is another customer's.", pointer=pointer)
    if document.currency != currency or (stated is not None and stated.currency != currency):
        raise WrongCurrency(f"{document.number} is in {document.currency}.", pointer=pointer)
    if stated is not None and stated.minor <= 0:
        raise AmountNotPositive(pointer=pointer.replace("document_id", "amount"))


def _shares(amount: Money, named: Sequence[Named], known: dict[UUID, Document]) -> list[Share]:
    left = amount
    for one in named:
        if one.amount is not None:
            left -= one.amount
    if left.minor < 0:
        raise NamedTooMuch(pointer="/documents")
    unstated = [
        (one.document_id, Money.from_minor(known[one.document_id].open, amount.currency))
        for one in named
        if one.amount is None
    ]
    by_id = {share.document_id: share for share in share_out(left, unstated)}
    return [
        Share(one.document_id, one.amount, is_stated=True) if one.amount is not None else by_id[one.document_id]
        for one in named
    ]
