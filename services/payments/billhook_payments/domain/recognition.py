"""The rules that name a customer: references, document numbers, customer numbers, accounts that paid before."""

from collections.abc import Iterator, Sequence

from billhook_payments.domain.evidence import Clue, Evidence
from billhook_payments.domain.incoming import Incoming
from billhook_payments.domain.index import KnownDocument, PairingIndex, Target
from billhook_payments.domain.references import (
    PaymentText,
    creditor_references_in,
    is_checked,
    is_strong,
    reference_key,
    references_in,
)

CHECKED = "checked_reference"  # has check digits: a slip of the finger would not be somebody else's reference

_WEAK = 40
_NUMBER_POINTS = {"literal": 90, "mended": 80, "weak": _WEAK}
_RULE_OF = {"reference": "payment_reference", "document": "document_number", "customer": "customer_number"}
_WORDS_OF = {"reference": "The payment reference", "document": "The document number", "customer": "The customer number"}


def clues_in(payment: Incoming, text: PaymentText, index: PairingIndex) -> Iterator[Clue]:
    """Everything in the payment that names a customer, the strongest rules first."""
    yield from _reference_fields(payment, index)
    yield from _creditor_references(text, index)
    yield from _document_numbers(text, index)
    yield from _words(text, index)
    yield from _known_payer(payment, index)


def _reference_fields(payment: Incoming, index: PairingIndex) -> Iterator[Clue]:
    """References in the bank's own fields; a payer's end-to-end id counts only if it cannot be a mere counter."""
    fields = payment.references
    for written in (fields.creditor_ref, fields.variable_symbol):
        key = reference_key(written)
        targets = index.by_key.get(key) or index.by_digits(written)
        yield from _clues(targets, written, 100)
    for written in (fields.end_to_end, fields.customer_ref):
        key = reference_key(written)
        yield from _clues(index.by_key.get(key, ()), written, 100 if is_strong(key) else _WEAK)


def _creditor_references(text: PaymentText, index: PairingIndex) -> Iterator[Clue]:
    for key in creditor_references_in(text):
        yield from _clues(index.by_key.get(key, ()), key, 100)


def _document_numbers(text: PaymentText, index: PairingIndex) -> Iterator[Clue]:
    for mention in index.numbers.find(text, index.by_number):
        for document in index.by_number[mention.key]:
            as_written = "" if mention.quality == "literal" else f" as {mention.written}"
            reason = f"{document.number} is in the text{as_written}"
            evidence = Evidence("document_number", _NUMBER_POINTS[mention.quality], reason)
            yield Clue(document.customer_id, evidence, document)


def _words(text: PaymentText, index: PairingIndex) -> Iterator[Clue]:
    """Words of the text that are a reference or a customer's number or login."""
    for key in references_in(text):
        targets = index.by_key.get(key, ())
        if not targets:
            continue
        if not is_strong(key) and not _is_clear_login(key):
            points = _WEAK
        else:
            points = 80 if targets[0].kind == "customer" else 90 if key.isdecimal() else 100
        yield from _clues(targets, key, points)


def _is_clear_login(key: str) -> bool:
    """A login such as JAN.NOVAK is no word of a language."""
    return len(key) >= 6 and any(char in "._-" for char in key)


def _known_payer(payment: Incoming, index: PairingIndex) -> Iterator[Clue]:
    paid_for = index.known_payers.get(payment.account, {}) if payment.account else {}
    for customer_id, times in paid_for.items():
        if len(paid_for) > 1:
            points, reason = 0, f"The account has paid for {len(paid_for)} customers"
        else:
            points, reason = 70 if times >= 2 else 50, f"The account has paid for this customer before ({times})"
        yield Clue(customer_id, Evidence("known_payer", points, reason))


def _clues(targets: Sequence[Target], written: str, points: int) -> Iterator[Clue]:
    """A key names its document only when it is the key of nothing else: a customer's own reference names none."""
    document: KnownDocument | None = targets[0].document if len(targets) == 1 else None
    for target in targets:
        rule = CHECKED if is_checked(reference_key(written)) else _RULE_OF[target.kind]
        reason = f"{_WORDS_OF[target.kind]} {written} is the customer's"
        yield Clue(target.customer_id, Evidence(rule, points, reason), document)
