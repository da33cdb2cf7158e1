"""Everything that a payment can be recognised by, prepared once for an import: look-ups only, no search."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from uuid import UUID

from billhook_common.money import Money
from billhook_payments.domain.document_numbers import NumberFinder, NumberKey, NumberShape, parse_number
from billhook_payments.domain.names import NameIndex
from billhook_payments.domain.references import compact, normalise, reference_key


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """What is known of a customer; ``references`` are payment references given to the customer."""

    id: UUID
    number: str
    login: str = ""
    names: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """An invoice or payment request; with nothing open it is paid, and kept to recognise a second payment."""

    id: UUID
    customer_id: UUID
    number: str
    open: Money
    issued_on: dt.date
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom, and which document, a key belongs to."""

    kind: Literal["reference", "document", "customer"]
    customer_id: UUID
    document: KnownDocument | None = None


KnownPayers = Mapping[str, Mapping[UUID, int]]


class PairingIndex:
    """The mirrors of customers and documents by everything that payers write.

    ``known_payers`` are accounts with the customers that they were confirmed to have paid for, and how often.
    """

    def __init__(
        self,
        customers: Iterable[KnownCustomer],
        documents: Iterable[KnownDocument],
        known_payers: KnownPayers | None = None,
        blocked_accounts: frozenset[str] = frozenset(),
    ) -> None:
        self.customers = {customer.id: customer for customer in customers}
        self.known_payers: KnownPayers = known_payers or {}
        self.blocked_accounts = blocked_accounts
        self.documents_of: defaultdict[UUID, list[KnownDocument]] = defaultdict(list)
        self.by_key: defaultdict[str, list[Target]] = defaultdict(list)
        self.by_number: defaultdict[NumberKey, list[KnownDocument]] = defaultdict(list)
        self.by_open_amount: defaultdict[Money, list[KnownDocument]] = defaultdict(list)
        self._shapes: set[NumberShape] = set()
        for customer in self.customers.values():
            self._add_customer(customer)
        for document in documents:
            self._add_document(document)
        self.numbers = NumberFinder(self._shapes)

    def _add_customer(self, customer: KnownCustomer) -> None:
        for reference in customer.references:
            self.by_key[reference_key(reference)].append(Target("reference", customer.id))
        for key in {reference_key(customer.number), normalise(customer.login)} - {""}:
            self.by_key[key].append(Target("customer", customer.id))

    def _add_document(self, document: KnownDocument) -> None:
        self.documents_of[document.customer_id].append(document)
        if document.open:
            self.by_open_amount[document.open].append(document)
        if document.reference:
            named = Target("reference", document.customer_id, document)
            self.by_key[reference_key(document.reference)].append(named)
        parsed = parse_number(document.number)
        if parsed is None:
            named = Target("document", document.customer_id, document)
            self.by_key[compact(normalise(document.number))].append(named)
            return
        shape, number_key = parsed
        self._shapes.add(shape)
        self.by_number[number_key].append(document)

    def by_digits(self, written: str) -> list[Target]:
        """The documents whose number has just these digits: a variable symbol 2026000123 means INV-2026-000123."""
        digits = compact(normalise(written))
        keys = self.numbers.with_digits(digits) if digits.isdecimal() else ()
        return [
            Target("document", document.customer_id, document)
            for key in keys
            for document in self.by_number.get(key, ())
        ]

    @cached_property
    def names(self) -> NameIndex:
        """Built when the first payment with a name comes."""
        return NameIndex((customer.id, name) for customer in self.customers.values() for name in customer.names)

    def open_documents(self, customer_id: UUID, currency: str) -> list[KnownDocument]:
        """What the customer still owes in ``currency``."""
        mine = self.documents_of.get(customer_id, [])
        return [document for document in mine if document.open and document.open.currency == currency]
