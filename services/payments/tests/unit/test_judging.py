"""What becomes of an entry: posted, proposed, queued, or no payment."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest

from billhook_common.bank_formats import Counterparty, Detail, Entry, References, Return
from billhook_common.money import Money
from billhook_payments.domain.index import KnownCustomer, KnownDocument, PairingIndex
from billhook_payments.domain.judging import AccountTerms, Judged, judge
from billhook_payments.domain.pairing import PairingRules

pytestmark = pytest.mark.unit

ANNA, JAN = UUID(int=1), UUID(int=2)
EUR = AccountTerms("EUR", review_first=False, home="EUR")
INDEX = PairingIndex(
    [
        KnownCustomer(ANNA, "10000037", "anna", ("Anna Nováková",), ("5550001112",)),
        KnownCustomer(JAN, "10000074", "jan", ("Jan Dvořák",), ("5550002223",)),
    ],
    [
        KnownDocument(UUID(int=9), ANNA, "INV-2026-000123", Money.of("29.90", "EUR"), dt.date(2026, 11, 1)),
        KnownDocument(UUID(int=8), JAN, "INV-2026-000124", Money.of("500", "CZK"), dt.date(2026, 11, 1)),
    ],
)


def an_entry(amount: str = "29.90", text: str = "VS 5550001112", **changes: object) -> Entry:
    values: dict[str, object] = {
        "amount": Decimal(amount), "currency": "EUR", "booking_date": dt.date(2026, 11, 24), "value_date": None,
        "status": "booked", "counterparty": Counterparty("Somebody", "CZ65"), "references": References(bank_ref="B"),
        "position": "entry 1", "remittance": (text,), **changes,
    }  # fmt: skip
    return Entry(**values)  # type: ignore[arg-type]  # a test's shorthand


def judged(entry: Entry, terms: AccountTerms = EUR, *, is_final: bool = True) -> list[Judged]:
    return list(judge(entry, terms, INDEX, PairingRules(), is_final=is_final))


@pytest.mark.parametrize(
    ("entry", "state", "reason"),
    [
        (an_entry(), "processed", "The payment reference 5550001112 is the customer's"),
        (an_entry(text="INV-2026-000123"), "processed", "INV-2026-000123 is in the text"),
        (
            an_entry("1.00", text="10000037 10000074"),
            "proposed",
            "References of different customers are in the payment",
        ),
        (an_entry(text="hello", amount="1.00"), "queued", "Nothing in the payment names a customer"),
        (an_entry("-29.90"), "information", "debit"),
        (an_entry("0.00"), "information", "zero"),
        (an_entry(returned=Return("AC04")), "queued", "Money that came back: a returned or reversed payment"),
        (an_entry(is_reversal=True), "queued", "Money that came back: a returned or reversed payment"),
        (an_entry(currency="CZK"), "queued", "CZK cannot pay what is billed in EUR"),
        (an_entry(text="VS 5550002223"), "proposed", "The customer is not billed in EUR"),
    ],
)
def test_every_booked_credit_is_paired_or_queued(entry: Entry, state: str, reason: str) -> None:
    (one,) = judged(entry)
    assert (one.state, one.reason) == (state, reason)
    assert one.amount.amount == entry.amount


def test_what_is_announced_is_never_paired() -> None:
    (announced,) = judged(an_entry(), is_final=False)
    (pending,) = judged(an_entry(status="pending"), is_final=False)
    assert (announced.state, announced.reason) == ("pending", "announced")
    assert (pending.state, pending.reason) == ("pending", "not_booked")
    assert announced.decision is pending.decision is None


def test_a_review_comes_before_posting_where_the_account_asks_for_it() -> None:
    (one,) = judged(an_entry(), AccountTerms("EUR", review_first=True, home="EUR"))
    assert one.state == "auto"


def test_each_payment_of_a_batch_is_judged_by_itself() -> None:
    parts = tuple(
        Detail(Decimal(amount), "EUR", Counterparty(name), References(), (text,))
        for amount, name, text in (("9.90", "Anna", "VS 5550001112"), ("20.00", "Eva", "hello"))
    )
    anna, eva = judged(an_entry(details=parts))
    assert (anna.state, anna.payer_name, str(anna.amount)) == ("processed", "Anna", "9.90 EUR")
    assert (eva.state, eva.payer_name, eva.remittance) == ("queued", "Eva", ("hello",))
    assert anna.decision is not None and anna.decision.customer_id == ANNA
