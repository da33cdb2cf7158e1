"""Decisions in words: short ones for lists, sentences for the person who decides."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from billhook_common.bank_formats import References

REFERENCE_CHARACTERS = 140
_SHOWN = ("creditor_ref", "variable_symbol", "end_to_end", "customer_ref")
_REFERENCES = tuple(field.name for field in fields(References))

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


def named_references(references: References) -> dict[str, str]:
    """Those that the bank gave, by their names."""
    return {name: text for name in _REFERENCES if (text := getattr(references, name))}


def reference_in_words(remittance: Iterable[str], references: Mapping[str, str]) -> str:
    """What the payer wrote, as a payment shows it: the text, else the first reference of the bank's own fields."""
    text = " ".join(remittance).strip()
    return (text or next((references[name] for name in _SHOWN if references.get(name)), ""))[:REFERENCE_CHARACTERS]
