"""Credits pay items in one order only, however the facts arrived (R12); worked examples 17 to 20, orders O1 to O13."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_billing.domain.settlement import Allocation, Credit, Item, Named, Settlement, changes, settle

pytestmark = pytest.mark.unit


def day(number: int) -> date:
    return date(2026, 1, number)


def an_invoice(key: int, amount: int, due: int = 15, number: str | None = None) -> Item:
    return Item(UUID(int=key), amount * 100, day(due), number or f"INV-{key:03}")


def a_debit(key: int, amount: int, due: int = 15) -> Item:
    return Item(UUID(int=key), amount * 100, day(due))


def a_payment(key: int, amount: int, on: int = 10) -> Credit:
    return Credit(UUID(int=1000 + key), amount * 100, day(on))


def a_credit_note(key: int, amount: int, on: int = 20) -> Credit:
    return Credit(UUID(int=1000 + key), amount * 100, day(on), is_credit_note=True)


def named(credit: int, item: int, amount: int | None = None) -> Named:
    return Named(UUID(int=1000 + credit), UUID(int=item), None if amount is None else amount * 100)


def paid(settlement: Settlement) -> dict[tuple[int, int], int]:
    return {(row.credit_id.int - 1000, row.item_id.int): row.amount_minor // 100 for row in settlement.allocations}


def still_open(settlement: Settlement) -> dict[int, int]:
    return {item.int: amount // 100 for item, amount in settlement.open_minor.items() if amount}


def unallocated(settlement: Settlement) -> dict[int, int]:
    return {credit.int - 1000: amount // 100 for credit, amount in settlement.unallocated_minor.items() if amount}


def test_example_17_an_invoice_of_120_paid_50_is_due_70_and_more_is_credit() -> None:
    part = settle([an_invoice(1, 120)], [a_payment(1, 50)])
    assert still_open(part) == {1: 70}
    more = settle([an_invoice(1, 120)], [a_payment(1, 50), a_payment(2, 90, on=11)])
    assert paid(more) == {(1, 1): 50, (2, 1): 70}
    assert unallocated(more) == {2: 20}


def test_example_18_a_free_debit_is_covered_before_the_invoice() -> None:
    items = [an_invoice(1, 50, due=1), a_debit(2, 100, due=20)]
    first = settle(items, [a_payment(1, 100)])
    assert paid(first) == {(1, 2): 100}
    second = settle(items, [a_payment(1, 100), a_payment(2, 50, on=12)])
    assert paid(second) == {(1, 2): 100, (2, 1): 50}
    assert still_open(second) == {}


def test_example_19_a_credit_note_of_a_paid_invoice_frees_the_payment_for_the_refund() -> None:
    invoice, payment, note = an_invoice(1, 100), a_payment(1, 100), a_credit_note(2, 100)
    credited = settle([invoice], [payment, note], [named(2, 1)])
    assert paid(credited) == {(2, 1): 100}
    assert unallocated(credited) == {1: 100}
    refunded = settle([invoice, a_debit(2, 100, due=25)], [payment, note], [named(2, 1)])
    assert paid(refunded) == {(2, 1): 100, (1, 2): 100}
    assert still_open(refunded) == unallocated(refunded) == {}


def test_example_20_a_top_up_of_500_pays_the_oldest_first() -> None:
    items = [an_invoice(key, 100 * key, due=key) for key in (4, 2, 1, 3)]
    settlement = settle(items, [a_payment(1, 500)])
    assert paid(settlement) == {(1, 1): 100, (1, 2): 200, (1, 3): 200}
    assert still_open(settlement) == {3: 100, 4: 400}


def test_documents_with_the_same_due_date_are_paid_by_number() -> None:
    items = [an_invoice(1, 10, number="B-2"), an_invoice(2, 10, number="B-1"), an_invoice(3, 10, due=14, number="B-9")]
    settlement = settle(items, [a_payment(1, 20)])
    assert paid(settlement) == {(1, 3): 10, (1, 2): 10}


def test_named_money_goes_to_its_document_first() -> None:
    items = [an_invoice(1, 50, due=1), an_invoice(2, 50, due=2)]
    settlement = settle(items, [a_payment(1, 50), a_payment(2, 30, on=11)], [named(2, 2)])
    assert paid(settlement) == {(1, 1): 50, (2, 2): 30}


def test_a_name_is_limited_to_its_amount_and_the_rest_is_ordinary() -> None:
    items = [an_invoice(1, 50, due=1), an_invoice(2, 50, due=2)]
    settlement = settle(items, [a_payment(1, 60)], [named(1, 2, 20)])
    assert paid(settlement) == {(1, 2): 20, (1, 1): 40}


def test_a_name_for_more_than_is_open_leaves_credit() -> None:
    settlement = settle([an_invoice(1, 50)], [a_payment(1, 80)], [named(1, 1, 80)])
    assert paid(settlement) == {(1, 1): 50}
    assert unallocated(settlement) == {1: 30}


def test_order_1_a_payment_before_the_charge_settles_it_at_once() -> None:
    assert unallocated(settle([], [a_payment(1, 50)])) == {1: 50}
    assert still_open(settle([a_debit(1, 50)], [a_payment(1, 50)])) == {}


def test_order_3_a_name_waits_for_its_invoice_and_the_money_is_credit_meanwhile() -> None:
    other, late_one = an_invoice(1, 50, due=1), an_invoice(2, 50, due=2)
    waiting = settle([other], [a_payment(1, 50)], [named(1, 2), named(7, 1)])
    assert paid(waiting) == {(1, 1): 50}
    arrived = settle([other, late_one], [a_payment(1, 50)], [named(1, 2), named(7, 1)])
    assert paid(arrived) == {(1, 2): 50}


def test_order_8_a_credit_note_settles_its_invoice_before_a_payment_that_names_it() -> None:
    settlement = settle(
        [an_invoice(1, 100)], [a_payment(1, 100, on=1), a_credit_note(2, 30)], [named(1, 1, 100), named(2, 1)]
    )
    assert paid(settlement) == {(1, 1): 70, (2, 1): 30}
    assert unallocated(settlement) == {1: 30}


def test_order_9_a_later_credit_note_releases_the_newest_payment_first() -> None:
    payments = [a_payment(1, 60, on=5), a_payment(2, 40, on=8)]
    for names in ([], [named(1, 1), named(2, 1)]):
        settlement = settle([an_invoice(1, 100)], [*payments, a_credit_note(3, 50)], [*names, named(3, 1)])
        assert paid(settlement) == {(1, 1): 50, (3, 1): 50}
        assert unallocated(settlement) == {1: 10, 2: 40}


def test_order_11_a_refund_and_an_opening_balance_reach_settlement() -> None:
    settlement = settle([a_debit(1, 30), a_debit(2, 20)], [a_payment(1, 60)])
    assert unallocated(settlement) == {1: 10}
    assert still_open(settle([a_debit(1, 30)], [])) == {1: 30}


def test_order_13_a_reversed_payment_opens_its_invoice_again() -> None:
    invoice, payment = an_invoice(1, 100), a_payment(1, 100)
    stored = {(row.credit_id, row.item_id): row.amount_minor for row in settle([invoice], [payment]).allocations}
    reopened = settle([invoice], [])
    assert still_open(reopened) == {1: 100}
    assert changes(stored, reopened) == (Allocation(UUID(int=1001), UUID(int=1), -10000),)


def test_a_credit_note_without_a_name_is_ordinary_credit() -> None:
    settlement = settle([an_invoice(1, 50)], [a_payment(1, 50, on=1), a_credit_note(2, 50)])
    assert paid(settlement) == {(1, 1): 50}


def test_changes_are_what_must_be_added_or_released() -> None:
    items = [an_invoice(1, 100)]
    before = settle(items, [a_payment(1, 40)])
    stored = {(row.credit_id, row.item_id): row.amount_minor for row in before.allocations}
    after = settle(items, [a_payment(1, 40), a_credit_note(2, 80)], [named(2, 1)])
    assert changes(stored, before) == ()
    assert changes(stored, after) == (
        Allocation(UUID(int=1001), UUID(int=1), -2000),
        Allocation(UUID(int=1002), UUID(int=1), 8000),
    )


def test_an_id_given_twice_or_a_negative_amount_is_a_programming_mistake() -> None:
    with pytest.raises(AssertionError):
        settle([an_invoice(1, 1), an_invoice(1, 1)], [])
    with pytest.raises(AssertionError):
        settle([], [a_payment(1, 1), a_payment(1, 1)])
    with pytest.raises(AssertionError):
        settle([an_invoice(1, -1)], [])


keys = st.integers(1, 6)
items = st.lists(
    st.builds(
        Item,
        keys.map(lambda key: UUID(int=key)),
        st.integers(0, 1000),
        st.integers(1, 5).map(day),
        st.none() | st.sampled_from(["A", "B", "C"]),
    ),
    unique_by=lambda item: item.item_id,
    max_size=6,
)
credits = st.lists(
    st.builds(
        Credit,
        keys.map(lambda key: UUID(int=1000 + key)),
        st.integers(0, 1000),
        st.integers(1, 5).map(day),
        st.booleans(),
    ),
    unique_by=lambda credit: credit.credit_id,
    max_size=6,
)
names = st.lists(
    st.builds(
        Named,
        keys.map(lambda key: UUID(int=1000 + key)),
        keys.map(lambda key: UUID(int=key)),
        st.none() | st.integers(0, 800),
    ),
    max_size=8,
)


@given(items, credits, names)
def test_settlement_never_over_allocates_and_proves_the_balance(
    debits: list[Item], money: list[Credit], said: list[Named]
) -> None:
    settlement = settle(debits, money, said)
    pairs = [(row.credit_id, row.item_id) for row in settlement.allocations]
    assert len(set(pairs)) == len(pairs)
    assert all(row.amount_minor > 0 for row in settlement.allocations)
    for item in debits:
        taken = sum(row.amount_minor for row in settlement.allocations if row.item_id == item.item_id)
        assert settlement.open_minor[item.item_id] == item.amount_minor - taken >= 0
    for credit in money:
        given_away = sum(row.amount_minor for row in settlement.allocations if row.credit_id == credit.credit_id)
        assert settlement.unallocated_minor[credit.credit_id] == credit.amount_minor - given_away >= 0
    unallocated_sum, open_sum = sum(settlement.unallocated_minor.values()), sum(settlement.open_minor.values())
    balance = sum(credit.amount_minor for credit in money) - sum(item.amount_minor for item in debits)
    assert unallocated_sum - open_sum == balance
    assert unallocated_sum == 0 or open_sum == 0


@given(items, credits, names, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    debits: list[Item], money: list[Credit], said: list[Named], shuffler: object
) -> None:
    expected = settle(debits, money, said)
    for facts in (debits, money, said):
        shuffler.shuffle(facts)  # type: ignore[attr-defined]
    again = settle(debits, money, said)
    assert again == expected
    stored = {(row.credit_id, row.item_id): row.amount_minor for row in expected.allocations}
    assert changes(stored, again) == ()


@given(items, credits, names, st.dictionaries(st.tuples(keys, keys), st.integers(1, 500)))
def test_stored_amounts_plus_the_changes_are_the_settlement(
    debits: list[Item], money: list[Credit], said: list[Named], old: dict[tuple[int, int], int]
) -> None:
    settlement = settle(debits, money, said)
    stored = {(UUID(int=1000 + credit), UUID(int=item)): amount for (credit, item), amount in old.items()}
    for row in changes(stored, settlement):
        pair = row.credit_id, row.item_id
        stored[pair] = stored.get(pair, 0) + row.amount_minor
    assert {pair: amount for pair, amount in stored.items() if amount} == {
        (row.credit_id, row.item_id): row.amount_minor for row in settlement.allocations
    }


@given(items, credits, names)
def test_money_named_by_one_credit_note_for_its_invoice_is_never_taken_by_a_payment(
    debits: list[Item], money: list[Credit], said: list[Named]
) -> None:
    invoice, note = an_invoice(99, 5), a_credit_note(99, 5)
    settlement = settle([*debits, invoice], [*money, note], [*said, named(99, 99)])
    assert Allocation(note.credit_id, invoice.item_id, 500) in settlement.allocations
