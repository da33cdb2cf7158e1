"""Postings balance, and a customer's balance is the sum of their entries (R15, R32)."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.ledger import (
    ACCOUNT_NAMES,
    Account,
    AmountNotPositive,
    Entry,
    Kind,
    Posting,
    Unbalanced,
    charge,
    check_balanced,
    correction,
    credit_note,
    opening,
    payment,
    refund,
    reversal,
    transfer,
    unmatched,
    write_off,
)
from billhook_common.money import Money

pytestmark = pytest.mark.unit

ANNA, BORIS = UUID(int=1), UUID(int=2)
TEN = Money.of("10", "EUR")


def legs(posting: Posting) -> dict[str, int]:
    return {entry.account.value: entry.amount_minor for entry in posting.entries}


def test_a_charge_owes_the_total_and_earns_net_per_line_and_tax_per_rate() -> None:
    taxes = [(Decimal(10), 100), (Decimal(21), 630), (Decimal(0), 0)]
    posting = charge(ANNA, "EUR", nets=[1000, 2000, 1000], taxes=taxes)
    assert posting.kind is Kind.CHARGE
    assert posting.currency == "EUR"
    assert posting.entries == (
        Entry(Account.CUSTOMERS, -4730, ANNA),
        Entry(Account.REVENUE, 1000),
        Entry(Account.REVENUE, 2000),
        Entry(Account.REVENUE, 1000),
        Entry(Account.TAX, 100, None, Decimal(10)),
        Entry(Account.TAX, 630, None, Decimal(21)),
    )
    assert posting.change_of(ANNA) == -4730
    assert posting.change_of(BORIS) == 0


def test_a_free_period_is_in_the_books_too() -> None:
    posting = charge(ANNA, "EUR", nets=[0], taxes=[(Decimal(21), 0)])
    assert posting.entries == (Entry(Account.CUSTOMERS, 0, ANNA), Entry(Account.REVENUE, 0))


def test_a_credit_note_mirrors_the_charge() -> None:
    posting = credit_note(ANNA, "EUR", nets=[1000], taxes=[(Decimal(21), 210)])
    assert posting.kind is Kind.CREDIT
    assert legs(posting) == {"customers": 1210, "revenue": -1000, "tax": -210}
    assert posting.entries[2].tax_rate == 21


@pytest.mark.parametrize(
    ("posting", "kind", "entries"),
    [
        (payment(ANNA, TEN), Kind.PAYMENT, {"bank": -1000, "customers": 1000}),
        (payment(ANNA, TEN, account=Account.CASH), Kind.PAYMENT, {"cash": -1000, "customers": 1000}),
        (payment(ANNA, TEN, account=Account.SUSPENSE), Kind.PAYMENT, {"suspense": -1000, "customers": 1000}),
        (unmatched(TEN), Kind.UNMATCHED, {"bank": -1000, "suspense": 1000}),
        (unmatched(TEN, account=Account.CARD), Kind.UNMATCHED, {"card": -1000, "suspense": 1000}),
        (refund(ANNA, TEN), Kind.REFUND, {"customers": -1000, "bank": 1000}),
        (refund(ANNA, TEN, account=Account.CASH), Kind.REFUND, {"customers": -1000, "cash": 1000}),
        (write_off(ANNA, TEN), Kind.WRITE_OFF, {"write_offs": -1000, "customers": 1000}),
        (correction(ANNA, -TEN), Kind.CORRECTION, {"customers": -1000, "corrections": 1000}),
        (correction(ANNA, TEN), Kind.CORRECTION, {"customers": 1000, "corrections": -1000}),
        (opening(ANNA, -TEN), Kind.OPENING, {"customers": -1000, "opening": 1000}),
    ],
)
def test_each_posting_has_its_two_legs(posting: Posting, kind: Kind, entries: dict[str, int]) -> None:
    assert posting.kind is kind
    assert posting.currency == "EUR"
    assert legs(posting) == entries
    assert [entry.customer_id for entry in posting.entries if entry.account is Account.CUSTOMERS] == [ANNA] * (
        "customers" in entries
    )


def test_a_transfer_moves_credit_from_one_customer_to_another() -> None:
    posting = transfer(ANNA, BORIS, amount=TEN)
    assert posting.kind is Kind.TRANSFER
    assert (posting.change_of(ANNA), posting.change_of(BORIS)) == (-1000, 1000)


def test_money_out_of_suspense_leaves_nothing_there() -> None:
    entries = unmatched(TEN).entries + payment(ANNA, TEN, account=Account.SUSPENSE).entries
    assert sum(entry.amount_minor for entry in entries if entry.account is Account.SUSPENSE) == 0


def test_a_reversal_takes_a_posting_back() -> None:
    original = charge(ANNA, "EUR", nets=[1000], taxes=[(Decimal(21), 210)])
    taken_back = reversal(original)
    assert taken_back.kind is Kind.REVERSAL
    assert taken_back.currency == "EUR"
    assert taken_back.change_of(ANNA) == 1210
    assert taken_back.entries[2] == Entry(Account.TAX, -210, None, Decimal(21))


def test_entries_that_do_not_sum_to_zero_are_refused() -> None:
    with pytest.raises(Unbalanced, match="1 minor"):
        check_balanced([Entry(Account.BANK, -1000), Entry(Account.SUSPENSE, 1001)])
    with pytest.raises(Unbalanced):
        Posting(Kind.PAYMENT, "EUR", (Entry(Account.CUSTOMERS, 1, ANNA),))
    check_balanced([])


@pytest.mark.parametrize("amount", [Money.zero("EUR"), -TEN])
def test_money_that_moves_is_more_than_nothing(amount: Money) -> None:
    for post in (payment, refund, write_off):
        with pytest.raises(AmountNotPositive) as refusal:
            post(ANNA, amount)
        assert refusal.value.errors[0].pointer == "/amount"


def test_every_account_has_a_name_for_people() -> None:
    assert set(ACCOUNT_NAMES) == set(Account)


amounts = st.integers(-(10**12), 10**12)


@given(st.lists(amounts, max_size=8), st.lists(st.tuples(st.decimals(0, 100, places=2), amounts), max_size=3))
def test_any_document_balances_and_its_mirror_cancels_it(nets: list[int], taxes: list[tuple[Decimal, int]]) -> None:
    posting = charge(ANNA, "EUR", nets=nets, taxes=taxes)
    assert sum(entry.amount_minor for entry in posting.entries) == 0
    assert posting.change_of(ANNA) == -sum(nets) - sum(tax for _, tax in taxes)
    assert reversal(posting).entries == credit_note(ANNA, "EUR", nets=nets, taxes=taxes).entries
