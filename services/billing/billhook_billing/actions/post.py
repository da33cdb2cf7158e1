"""The only way into the ledger (R15): balanced postings become rows, with what they mean for balance and settlement.

Nothing is settled here: the caller posts all that belongs together and then calls ``settle``.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.accounts import LockedAccount, lock_accounts
from billhook_billing.actions.rows import Change, Rows, write_rows
from billhook_billing.actions.tell import ItemState, item_changed, told
from billhook_billing.domain.ledger import Account, Kind, Posting
from billhook_common.clock import Clock
from billhook_common.contracts.billing import TransactionKind, TransactionPosted
from billhook_common.errors import Conflict
from billhook_common.events import Outgoing
from billhook_common.money import MAX_MINOR, AmountOutOfRange, CurrencyMismatch, Money
from billhook_common.trace import Trace, current_trace

NamedDocument = tuple[UUID, int | None]
"""A document that a credit is for, and how much of it in minor units; ``None`` is as much as fits."""

_KNOWN = "SELECT id, customer_id, currency, amount FROM ledger_transaction WHERE id = ANY(%s)"
_MOVE_BALANCES = (
    "UPDATE account SET balance = new.balance, version = new.version "
    "FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS new(customer_id, balance, version) "
    "WHERE account.customer_id = new.customer_id"
)
_CLOSE_CREDITS = text("UPDATE credit SET total = 0, unallocated = 0 WHERE transaction_id = ANY(:ids)")
_CLOSE_ITEMS = text(
    "UPDATE open_item SET total = 0, open = 0, version = version + 1 WHERE transaction_id = ANY(:ids) "
    "RETURNING transaction_id, customer_id, version, currency, total, open, due_on, document_id"
)


class PostedDifferently(Conflict):
    """What has been posted under an id stays: a repetition says the same, a correction is a posting of its own."""

    title = "This was posted before with another amount or customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransaction:
    """A posting to be made. ``id`` is derived from what makes it unique where a repetition must meet itself.

    A debit of the customer becomes an open item, due on ``due_on`` (``posted_on`` if empty); a credit may name the
    documents that it is for. ``charge_id`` is that of a charge, whose event the caller publishes;
    ``wants_document`` says that its invoice is on the way. A reversal (``reverses_id``) closes what it reverses.
    """

    id: UUID
    posting: Posting
    customer_id: UUID | None
    posted_on: dt.date
    description: str
    source: str = "manual"
    source_key: str | None = None
    correlation_id: str | None = None
    effective_on: dt.date | None = None
    period_from: dt.date | None = None
    period_until: dt.date | None = None
    due_on: dt.date | None = None
    charge_id: UUID | None = None
    run_id: UUID | None = None
    reverses_id: UUID | None = None
    wants_document: bool = False
    document_id: UUID | None = None
    document_number: str | None = None
    is_credit_note: bool = False
    named: Sequence[NamedDocument] = ()

    def change(self) -> int:
        """What it adds to the customer's balance, in minor units; 0 for a posting of nobody known."""
        return self.posting.change_of(self.customer_id) if self.customer_id else 0


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a posting; the balance and account version after it, unless it was there before."""

    id: UUID
    created: bool
    balance_after: int | None = None
    account_version: int | None = None


def post(session: Session, clock: Clock, transactions: Sequence[NewTransaction]) -> list[Posted]:
    """Post all of them, in this order, each once: one whose id is there already adds nothing.

    Raises NotKnownYet, CurrencyMismatch, AmountOutOfRange (of the balance), PostedDifferently.
    """
    accounts = lock_accounts(session, {item.customer_id for item in transactions if item.customer_id})
    # Read after the locks: what another session posted while we waited is seen.
    rows = session.connection().exec_driver_sql(_KNOWN, ([item.id for item in transactions],))
    known = {row.id: (row.customer_id, row.currency, row.amount) for row in rows}
    draft = _Draft(clock.now(), current_trace(), accounts)
    posted = []
    for transaction in transactions:
        said = (transaction.customer_id, transaction.posting.currency, transaction.change())
        before = known.setdefault(transaction.id, said)
        if before is not said:
            if before != said:
                raise PostedDifferently(f"Transaction {transaction.id} is there with another amount or customer.")
            posted.append(Posted(transaction.id, created=False))
        else:
            posted.append(draft.add(transaction))
    draft.write(session, clock)
    return posted


_TRANSACTION = (
    "id", "kind", "customer_id", "currency", "amount", "posted_on", "effective_on", "description", "period_from",
    "period_until", "source", "source_key", "charge_id", "run_id", "reverses_id", "created_at", "actor",
    "correlation_id",
)  # fmt: skip
_ENTRY = ("transaction_id", "account", "customer_id", "currency", "amount", "tax_rate", "balance_after")
_ITEM = (
    "transaction_id", "customer_id", "currency", "total", "open", "due_on", "charge_id", "wants_document",
    "document_id", "document_number",
)  # fmt: skip
_CREDIT = (
    "transaction_id", "customer_id", "currency", "total", "unallocated", "given_on", "is_credit_note",
    "document_id", "document_number",
)  # fmt: skip
_NAMED = ("credit_id", "document_id", "amount")
_Row = tuple[object, ...]


@dataclass(slots=True)
class _Draft:
    """The rows and events of postings that are being made."""

    created_at: dt.datetime
    trace: Trace
    accounts: dict[UUID, LockedAccount]
    moved: set[UUID] = field(default_factory=set)
    transactions: list[_Row] = field(default_factory=list)
    entries: list[_Row] = field(default_factory=list)
    items: list[_Row] = field(default_factory=list)
    credits: list[_Row] = field(default_factory=list)
    named: list[_Row] = field(default_factory=list)
    reversed: list[UUID] = field(default_factory=list)
    events: list[Outgoing] = field(default_factory=list)

    def add(self, new: NewTransaction) -> Posted:
        """Draw up one posting. Raises CurrencyMismatch, AmountOutOfRange."""
        posting, change, customer_id = new.posting, new.change(), new.customer_id
        self.transactions.append((
            new.id, posting.kind.value, customer_id, posting.currency, change, new.posted_on,
            new.effective_on or new.posted_on, new.description, new.period_from, new.period_until, new.source,
            new.source_key, new.charge_id, new.run_id, new.reverses_id, self.created_at, self.trace.actor,
            new.correlation_id or self.trace.correlation_of(customer_id),
        ))  # fmt: skip
        account = self._moved(new, change) if customer_id else None
        for entry in posting.entries:
            assert (entry.account is Account.CUSTOMERS) == (entry.customer_id is not None), "whose entry is this?"
            assert entry.customer_id in {None, customer_id}, "a posting is of one customer"
            after = account.balance if account and entry.customer_id else None
            self.entries.append((
                new.id, entry.account.value, entry.customer_id, posting.currency, entry.amount_minor,
                entry.tax_rate, after,
            ))  # fmt: skip
        if new.reverses_id:
            self.reversed.append(new.reverses_id)
        elif customer_id:
            self._keep_for_settlement(new, customer_id, change)
        if account is None:
            return Posted(new.id, created=True)
        return Posted(new.id, created=True, balance_after=account.balance, account_version=account.version)

    def _moved(self, new: NewTransaction, change: int) -> LockedAccount:
        """The account after the posting, and the event that says so."""
        assert new.customer_id
        account = self.accounts[new.customer_id]
        currency = new.posting.currency
        if currency != account.currency:
            raise CurrencyMismatch(f"The account is kept in {account.currency}, not in {currency}.", pointer="/amount")
        account.balance += change
        account.version += 1
        if abs(account.balance) > MAX_MINOR:
            raise AmountOutOfRange("The balance would be too large to be kept.", pointer="/amount")
        self.moved.add(new.customer_id)
        if new.charge_id is None:
            self.events.append(_posted(new, change, account))
        return account

    def _keep_for_settlement(self, new: NewTransaction, customer_id: UUID, change: int) -> None:
        currency = new.posting.currency
        if change > 0:
            self.credits.append((
                new.id, customer_id, currency, change, change, new.effective_on or new.posted_on,
                new.is_credit_note, new.document_id, new.document_number,
            ))  # fmt: skip
            self.named.extend((new.id, document_id, amount) for document_id, amount in new.named)
        elif change < 0 or new.posting.kind is Kind.CHARGE:
            # A charge of nothing is an item too: its invoice wants to be linked.
            due_on = new.due_on or new.posted_on
            self.items.append((
                new.id, customer_id, currency, -change, -change, due_on, new.charge_id, new.wants_document,
                new.document_id, new.document_number,
            ))  # fmt: skip
            # With an invoice on the way the event of the charge says it all.
            if not (new.charge_id and new.wants_document):
                born = ItemState(
                    transaction_id=new.id, customer_id=customer_id, version=1, currency=currency,
                    total=-change, open=-change, due_on=due_on, document_id=new.document_id,
                )  # fmt: skip
                self.events.append(item_changed(born))

    def write(self, session: Session, clock: Clock) -> None:
        """All rows, the balances and the events."""
        if not self.transactions:
            return
        if self.reversed:
            session.execute(_CLOSE_CREDITS, {"ids": self.reversed})
            closed = session.execute(_CLOSE_ITEMS, {"ids": self.reversed})
            self.events.extend(item_changed(ItemState(**row._mapping)) for row in closed)
        tables = (
            Rows("ledger_transaction", _TRANSACTION, self.transactions),
            Rows("ledger_entry", _ENTRY, self.entries),
            Rows("open_item", _ITEM, self.items),
            Rows("credit", _CREDIT, self.credits),
            Rows("named_allocation", _NAMED, self.named),
            told(session, clock, self.events),
        )
        write_rows(session, tables, self._balances())

    def _balances(self) -> list[Change]:
        if not self.moved:
            return []
        ids = sorted(self.moved)
        accounts = [self.accounts[customer_id] for customer_id in ids]
        values = (ids, [account.balance for account in accounts], [account.version for account in accounts])
        return [Change(_MOVE_BALANCES, values)]


def _posted(new: NewTransaction, change: int, account: LockedAccount) -> Outgoing:
    currency = account.currency
    fact = TransactionPosted(
        transaction_id=new.id,
        customer_id=_known_customer(new),
        kind=cast(TransactionKind, new.posting.kind.value),
        side="credit" if change > 0 else "debit",
        amount=Money.from_minor(abs(change), currency),
        balance_after=Money.from_minor(account.balance, currency),
        account_version=account.version,
        posted_on=new.posted_on,
        description=new.description,
    )
    return Outgoing(fact=fact, subject=new.id, customer_id=new.customer_id, version=account.version)


def _known_customer(new: NewTransaction) -> UUID:
    assert new.customer_id
    return new.customer_id
