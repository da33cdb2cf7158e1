"""The database itself refuses an unbalanced or edited ledger; ``post`` refuses the rest (R15)."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billhook_billing.actions.accounts import mirror_customers
from billhook_billing.actions.post import NewTransaction, PostedDifferently, post
from billhook_billing.actions.verify import BOOK_DIFFERENCES, audit_books, verify_books
from billhook_billing.domain import ledger
from billhook_common.contracts.billing import TransactionPosted
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.errors import NotKnownYet
from billhook_common.events import Context
from billhook_common.ids import uuid7
from billhook_common.money import AmountOutOfRange, CurrencyMismatch, Money

pytestmark = pytest.mark.integration


def a_correction(customer_id: UUID, facts: Any, amount: str = "10", **other: Any) -> NewTransaction:
    return NewTransaction(**{
        "id": uuid7(), "posting": ledger.correction(customer_id, facts.euros(amount)), "customer_id": customer_id,
        "posted_on": facts.today, "description": "Goodwill",
    } | other)  # fmt: skip


def refused(books: Any, statement: str) -> str:
    with pytest.raises(DBAPIError) as caught, books.harness.session() as session:
        session.execute(text(statement))
    return str(caught.value.orig)


@pytest.mark.parametrize("table", ["ledger_transaction", "ledger_entry", "charged_line", "allocation"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"],
    ids=["update", "delete", "truncate"],
)
def test_a_posted_row_cannot_be_changed(books: Any, facts: Any, table: str, statement: str) -> None:
    customer_id = books.customer()
    books.harness.deliver(facts.invoice(customer_id, 10), facts.payment(customer_id, 10))
    column = "text" if table == "charged_line" else "created_at" if table == "allocation" else "currency"
    assert "append-only" in refused(books, statement.format(table, column, column))


def test_an_unbalanced_posting_is_refused_by_the_database(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    (posted,) = books.post(a_correction(customer_id, facts))
    assert "does not balance" in refused(
        books,
        "INSERT INTO ledger_entry (transaction_id, account, customer_id, currency, amount) "
        f"VALUES ('{posted.id}', 'customers', '{customer_id}', 'EUR', 100), ('{posted.id}', 'bank', NULL, 'EUR', -99)",
    )


def test_two_currencies_do_not_balance_each_other(books: Any, facts: Any) -> None:
    (posted,) = books.post(a_correction(books.customer(), facts))
    assert "does not balance" in refused(
        books,
        "INSERT INTO ledger_entry (transaction_id, account, currency, amount) "
        f"VALUES ('{posted.id}', 'bank', 'EUR', 100), ('{posted.id}', 'bank', 'CZK', -100)",
    )


def test_posting_the_same_twice_adds_nothing(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    new = a_correction(customer_id, facts)
    first, again = books.post(new), books.post(new, new)
    assert [item.created for item in first + again] == [True, False, False]
    assert (first[0].balance_after, first[0].account_version) == (1000, 1)
    assert books.balance(customer_id) == 10
    assert len(books.harness.published(TransactionPosted)) == 1


def test_an_id_that_is_there_with_another_amount_is_refused(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    new = a_correction(customer_id, facts)
    books.post(new)
    for other in (
        a_correction(customer_id, facts, "11", id=new.id),
        a_correction(books.customer(), facts, id=new.id),
    ):
        with pytest.raises(PostedDifferently):
            books.post(other)
    assert books.balance(customer_id) == 10


def test_many_postings_leave_the_same_rows_as_single_ones(books: Any, facts: Any) -> None:
    def postings(customer_id: UUID) -> list[NewTransaction]:
        return [
            a_correction(customer_id, facts, amount, description=amount)
            for amount in map(str, range(-25, 26))
            if amount != "0"
        ]

    singly, together = books.customer(), books.customer()
    for new in postings(singly):
        books.post(new)
    posted = books.post(*postings(together))
    assert posted[-1].account_version == 50
    assert books.settlement(singly) == books.settlement(together)
    rows = [
        books.read(
            "SELECT kind, ledger_transaction.amount, posted_on, effective_on, description, source, account, "
            "entry.amount, balance_after FROM ledger_transaction "
            "JOIN ledger_entry AS entry ON transaction_id = ledger_transaction.id "
            "WHERE ledger_transaction.customer_id = :id ORDER BY entry.id",
            id=customer_id,
        )
        for customer_id in (singly, together)
    ]
    assert [row[:9] for row in rows[0]] == [row[:9] for row in rows[1]]
    told = books.harness.published(TransactionPosted)
    for customer_id in (singly, together):
        versions = [fact.account_version for fact in told if fact.customer_id == customer_id]
        assert versions == list(range(1, 51))


def test_an_unknown_customer_another_currency_and_too_much_are_refused(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    with pytest.raises(NotKnownYet):
        books.post(a_correction(uuid7(), facts))
    crowns = ledger.correction(customer_id, Money.of("10", "CZK"))
    with pytest.raises(CurrencyMismatch):
        books.post(a_correction(customer_id, facts, posting=crowns))
    most = "9999999999999999.99"
    books.post(a_correction(customer_id, facts, most))
    with pytest.raises(AmountOutOfRange):
        books.post(a_correction(customer_id, facts, "0.01"))
    assert books.read("SELECT count(*) FROM ledger_transaction") == [(1,)]


def test_one_bad_posting_leaves_nothing_of_its_batch(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    with pytest.raises(NotKnownYet):
        books.post(a_correction(customer_id, facts), a_correction(uuid7(), facts))
    assert books.read("SELECT count(*) FROM ledger_transaction") == [(0,)]
    assert books.balance(customer_id) == 0


def test_the_audit_finds_what_was_tampered_with(harness: Any, facts: Any) -> None:
    customer_id = uuid7()
    with harness.session() as session:
        created = CustomerCreated(
            customer_id=customer_id, version=1, number="1", login="a", name="A", category="person",
            lifecycle="active", created_on=facts.today,
        )  # fmt: skip
        mirror_customers(session, [created], currency="EUR", due_days=14)
        post(session, harness.clock, [a_correction(customer_id, facts, "-10")])
        assert verify_books(session) == []
        session.execute(text("UPDATE account SET balance = 5"))
        session.execute(text("UPDATE open_item SET open = 1"))
        found = {(item.rule, item.found, item.expected) for item in verify_books(session)}
        assert found == {
            ("balance_is_entries", 5, -1000),
            ("balance_is_credit_less_items", 5, -1),
            ("item_is_open_less_allocations", 1, 1000),
        }
        assert audit_books.function(Context(session, harness.clock, harness.config)) is False
        assert BOOK_DIFFERENCES._value.get() == 3
    answer = harness.client().get("/audit").json
    assert [item["rule"] for item in answer["differences"]] == [
        "balance_is_entries", "balance_is_credit_less_items", "item_is_open_less_allocations",
    ]  # fmt: skip
