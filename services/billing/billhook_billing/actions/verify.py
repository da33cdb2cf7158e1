"""Prove the books: every posting sums to zero, every balance is what its entries and its settlement say (R15)."""

from typing import NamedTuple
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.events import Context
from billhook_common.jobs import job
from billhook_common.logs import get_logger

DAY_SECONDS = 24 * 3600
MOST_DIFFERENCES = 100
"""So many of one rule are listed; more say nothing new."""
STATEMENT_MINUTES = 10
"""The longest proof; the usual limit is made for requests."""

BOOK_DIFFERENCES = Gauge(
    "billhook_billing_book_differences",
    "Postings, balances, items and credits that the daily audit could not prove",
    multiprocess_mode="max",
)

log = get_logger()


class Difference(NamedTuple):
    """Something that does not agree: what the books say of ``subject``, and what they should, in minor units."""

    rule: str
    subject: UUID
    found: int
    expected: int


# Each is one statement, so it looks at one moment.
_PROOFS = {
    "entries_sum_to_zero": """
        SELECT transaction_id, sum(amount), 0 FROM ledger_entry
        GROUP BY transaction_id, currency HAVING sum(amount) <> 0""",
    "transaction_is_its_entries": """
        SELECT head.id, head.amount, coalesce(entry.amount, 0) FROM ledger_transaction AS head
        LEFT JOIN (
            SELECT transaction_id, sum(amount) FILTER (WHERE customer_id IS NOT NULL) AS amount
            FROM ledger_entry GROUP BY transaction_id) AS entry ON entry.transaction_id = head.id
        WHERE entry.transaction_id IS NULL OR head.amount <> coalesce(entry.amount, 0)""",
    "balance_is_entries": """
        SELECT account.customer_id, balance, coalesce(entry.amount, 0) FROM account
        LEFT JOIN (
            SELECT customer_id, sum(amount) AS amount FROM ledger_entry WHERE customer_id IS NOT NULL
            GROUP BY customer_id) AS entry USING (customer_id)
        WHERE balance <> coalesce(entry.amount, 0)""",
    "balance_is_credit_less_items": """
        SELECT account.customer_id, balance, coalesce(credit.left_over, 0) - coalesce(item.open, 0) FROM account
        LEFT JOIN (
            SELECT customer_id, sum(unallocated) AS left_over FROM credit GROUP BY customer_id) AS credit
            USING (customer_id)
        LEFT JOIN (SELECT customer_id, sum(open) AS open FROM open_item GROUP BY customer_id) AS item
            USING (customer_id)
        WHERE balance <> coalesce(credit.left_over, 0) - coalesce(item.open, 0)""",
    "item_is_open_less_allocations": """
        SELECT item.transaction_id, open, total - coalesce(paid.amount, 0) FROM open_item AS item
        LEFT JOIN (SELECT item_id, sum(amount) AS amount FROM allocation GROUP BY item_id) AS paid
            ON paid.item_id = item.transaction_id
        WHERE open <> total - coalesce(paid.amount, 0)""",
    "credit_is_left_less_allocations": """
        SELECT credit.transaction_id, unallocated, total - coalesce(paid.amount, 0) FROM credit
        LEFT JOIN (SELECT credit_id, sum(amount) AS amount FROM allocation GROUP BY credit_id) AS paid
            ON paid.credit_id = credit.transaction_id
        WHERE unallocated <> total - coalesce(paid.amount, 0)""",
}


def verify_books(session: Session) -> list[Difference]:
    """All differences, at most MOST_DIFFERENCES of a rule; an empty list proves the books."""
    return [
        Difference(rule, subject, int(found), int(expected))
        for rule, statement in _PROOFS.items()
        for subject, found, expected in session.execute(text(f"{statement} LIMIT {MOST_DIFFERENCES}"))
    ]


@job(every_seconds=DAY_SECONDS, longest_seconds=2 * 60 * STATEMENT_MINUTES)
def audit_books(ctx: Context) -> bool:
    """Once a day: publish the number of differences, and name each in the log."""
    ctx.session.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_MINUTES}min'"))
    differences = verify_books(ctx.session)
    BOOK_DIFFERENCES.set(len(differences))
    for difference in differences:
        log.error("book_difference", **difference._asdict())
    log.info("books_verified", differences=len(differences))
    return False
