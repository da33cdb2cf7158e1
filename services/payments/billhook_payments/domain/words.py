"""Decisions in words: short ones for lists, sentences for the person who decides."""

from collections.abc import Iterable, Mapping
from typing import Any

_SHORT = {
    "payment_reference": "payment reference",
    "checked_reference": "payment reference",
    "document_number": "invoice number",
    "customer_number": "customer number",
    "known_payer": "account seen before",
    "amount": "amount",
    "amount_unique": "amount",
    "name": "name",
    "already_paid": "already paid",
}
NOTHING_FOUND = "Nothing in the payment names a customer"


def short_reasons(evidence: Iterable[Mapping[str, Any]]) -> list[str]:
    """The rules that spoke for a customer, the strongest first, and all that spoke against; each once."""
    speaking = sorted(evidence, key=lambda one: -int(one["points"]))
    words = [
        one["text"] if one.get("veto") else _SHORT[one["rule"]]
        for one in speaking
        if one.get("veto") or (one["points"] and one["rule"] in _SHORT)
    ]
    return list(dict.fromkeys(words))


def sentences(evidence: Iterable[Mapping[str, Any]]) -> list[str]:
    """What each rule said."""
    return [one["text"] for one in evidence]


def reason_in_words(evidence: Iterable[Mapping[str, Any]]) -> str:
    """The decision in one line: what stands against it, else the strongest reason."""
    said = list(evidence)
    against = "; ".join(one["text"] for one in said if one.get("veto"))
    strongest = max(said, key=lambda one: int(one["points"]), default=None)
    return against or (strongest["text"] if strongest else NOTHING_FOUND)
