"""What becomes of each payment in a bank entry: posted, proposed, queued, or no payment at all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from billhook_common.bank_formats import Entry, References
from billhook_common.money import Money
from billhook_payments.domain.evidence import Evidence
from billhook_payments.domain.incoming import Incoming, payments_in, why_not_a_payment
from billhook_payments.domain.index import PairingIndex
from billhook_payments.domain.pairing import Decision, PairingRules, pair
from billhook_payments.domain.states import State


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What an account asks for: its currency, whether a person looks before anything is posted; ``home`` currency."""

    currency: str
    review_first: bool
    home: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One payment of an entry, or the entry as a whole; ``reason`` is a constant or, where decided, a sentence."""

    amount: Money
    payer_name: str
    payer_account: str
    remittance: tuple[str, ...]
    references: References
    state: State
    reason: str
    decision: Decision | None = None


def judge(
    entry: Entry, terms: AccountTerms, index: PairingIndex, rules: PairingRules, *, is_final: bool
) -> Iterator[Judged]:
    """The payments in the entry with their states. Only a final entry (booked, on a statement) is paired.

    Every booked credit is paired or queued, returned ones and other currencies too: none is lost (R30).
    """
    if not is_final:
        yield _whole(entry, "pending", "announced" if entry.status == "booked" else "not_booked")
        return
    why = why_not_a_payment(entry, terms.currency)
    if why in ("zero", "debit"):
        yield _whole(entry, "information", why)
    elif why == "returned":
        yield _whole(entry, "queued", "Money that came back: a returned or reversed payment")
    else:
        for payment in payments_in(entry):
            yield _paired(payment, _decide(payment, terms, index, rules), terms)


def _decide(payment: Incoming, terms: AccountTerms, index: PairingIndex, rules: PairingRules) -> Decision:
    decision = pair(payment, index, rules)
    currency = payment.amount.currency
    if currency != terms.home:
        # Nobody can accept it before it is exchanged: customers' accounts are in the home currency.
        foreign = Evidence("currency", 0, f"{currency} cannot pay what is billed in {terms.home}")
        return replace(decision, zone="queue", customer_id=None, documents=(), vetoes=(foreign,))
    if decision.zone != "auto":
        return decision
    doubt = _doubt(payment, decision, terms, index)
    return replace(decision, zone="propose", vetoes=(doubt,)) if doubt else decision


def _doubt(payment: Incoming, decision: Decision, terms: AccountTerms, index: PairingIndex) -> Evidence | None:
    """The currency's veto: money in another currency than the account's, or than the customer is billed in."""
    currency = payment.amount.currency
    if currency != terms.currency:
        return Evidence("currency", 0, f"{currency} on an account in {terms.currency}")
    assert decision.customer_id is not None, "who is paired automatically is known"
    owed = index.documents_of.get(decision.customer_id, ())
    if owed and all(document.open.currency != currency for document in owed):
        return Evidence("currency", 0, f"The customer is not billed in {currency}")
    return None


def _paired(payment: Incoming, decision: Decision, terms: AccountTerms) -> Judged:
    states: dict[str, State] = {
        "auto": "auto" if terms.review_first else "processed",
        "propose": "proposed",
        "queue": "queued",
    }
    return Judged(
        amount=payment.amount,
        payer_name=payment.name,
        payer_account=payment.account,
        remittance=payment.lines,
        references=payment.references,
        state=states[decision.zone],
        reason=decision.reason,
        decision=decision,
    )


def _whole(entry: Entry, state: State, reason: str) -> Judged:
    return Judged(
        amount=Money(entry.amount, entry.currency),
        payer_name=entry.counterparty.name,
        payer_account=entry.counterparty.account,
        remittance=entry.remittance,
        references=entry.references,
        state=state,
        reason=reason,
    )
