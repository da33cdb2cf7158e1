"""What a row of a customer file is here: whose, of which plan, and whether it was imported before (E3)."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.plans import plan_key, plans_named
from billhook_billing.domain.subscription_row import SubscriptionRow
from billhook_billing.models import Plan
from billhook_common.db import AnyRow
from billhook_common.ids import derive_id
from billhook_common.imports import Examined, FailedRow, FileImport, FileRow
from billhook_common.periods import DateOutOfRange, checked_day

# PostgreSQL folds both sides, so that they cannot differ in the odd letter.
_ACCOUNTS = """
    SELECT wanted.at, account.customer_id, account.currency, account.lifecycle, account.billing_day,
        account.prepaid_months
    FROM unnest(CAST(:logins AS text[])) WITH ORDINALITY AS wanted(login, at)
    JOIN account ON lower(account.login) = lower(wanted.login)
"""
_FIND = text(_ACCOUNTS)
_HOLD = text(f"{_ACCOUNTS} ORDER BY account.customer_id FOR NO KEY UPDATE OF account")
_SOLD = text("SELECT id, customer_id, plan_id, starts_on FROM subscription WHERE customer_id = ANY(:ids)")
_OPENED = text(
    "SELECT opening.customer_id FROM ledger_transaction AS opening WHERE opening.customer_id = ANY(:ids) "
    "AND opening.kind = 'opening' "
    "AND NOT EXISTS (SELECT FROM ledger_transaction AS taken_back WHERE taken_back.reverses_id = opening.id)"
)


class Options(msgspec.Struct, frozen=True):
    """How a file is taken over: charged from ``cut_over`` on, unless a row says otherwise (R21)."""

    cut_over: dt.date
    create_plans: bool = True
    opening_balances: bool = True
    tax_included: bool = False


def options_of(item: FileImport) -> Options:
    """The options of an import."""
    return msgspec.convert(item.options, Options)


@dataclass(frozen=True, slots=True)
class Books:
    """What is here of the customers and plans that rows name, by their place among the rows or by the plan's key."""

    accounts: Mapping[int, AnyRow]
    plans: Mapping[str, Plan]
    ids: AbstractSet[UUID]
    sold: AbstractSet[tuple[UUID, UUID, dt.date]]
    opened: AbstractSet[UUID]


def hold_accounts(session: Session, logins: Sequence[str]) -> None:
    """Keep the accounts of these logins as they are until the transaction ends."""
    session.execute(_HOLD, {"logins": list(logins)})


def look_up(session: Session, rows: Sequence[SubscriptionRow]) -> Books:
    """What is here of the rows' customers and plans."""
    found = session.execute(_FIND, {"logins": [row.login for row in rows]})
    accounts = {row.at - 1: row for row in found}
    ids = {"ids": [account.customer_id for account in accounts.values()]}
    sold = session.execute(_SOLD, ids).all()
    return Books(
        accounts=accounts,
        plans=plans_named(session, {row.plan for row in rows}),
        ids={row.id for row in sold},
        sold={(row.customer_id, row.plan_id, row.starts_on) for row in sold},
        opened=set(session.scalars(_OPENED, ids)),
    )


def subscription_id(customer_id: UUID, row: SubscriptionRow) -> UUID:
    """The id of an imported subscription: a file that comes again meets it, even when its plan was renamed here."""
    return derive_id("imported subscription", customer_id, plan_key(row.plan), row.starts_on)


def part_rows(
    session: Session, item: FileImport, rows: Sequence[FileRow[SubscriptionRow]], *, waits: bool
) -> Examined[SubscriptionRow]:
    """Which rows are new, known already, or cannot be stored now; with ``waits`` customers may still arrive."""
    result = Examined[SubscriptionRow]()
    if not rows:
        return result
    options, books = options_of(item), look_up(session, [row.content for row in rows])
    for at, row in enumerate(rows):
        account, plan = books.accounts.get(at), books.plans.get(plan_key(row.content.plan))
        if account is not None and _is_known(account, plan, row.content, books):
            result.known.append(row)
            continue
        nobody = () if waits else (_NOBODY,)
        faults = [
            *(_faults_of_customer(row.content, account, item.currency, books, options) if account else nobody),
            *_faults_of_plan(row.content, plan, item.currency, makes=options.create_plans),
            *_faults_of_dates(row.content),
        ]
        if faults:
            errors = [row.error(item.mapping, *fault) for fault in faults]
            result.failed.append(FailedRow(row.row, row.line, errors))
        elif account is None:
            result.waiting.append(row)
        else:
            result.new.append(row)
    return result


def _is_known(account: AnyRow, plan: Plan | None, row: SubscriptionRow, books: Books) -> bool:
    if subscription_id(account.customer_id, row) in books.ids:
        return True
    return plan is not None and (account.customer_id, plan.id, row.starts_on) in books.sold


_Fault = tuple[str, str, str]
"""Column, code and message."""
_NOBODY: _Fault = ("login", "unknown-customer", "There is no customer with this login")


def _faults_of_customer(
    row: SubscriptionRow, account: AnyRow, currency: str, books: Books, options: Options
) -> Iterator[_Fault]:
    if account.lifecycle == "archived":
        yield "login", "archived-customer", "The customer is archived"
    if account.currency != currency:
        yield "login", "other-currency", f"The customer is billed in {account.currency}, not in {currency}"
    if options.opening_balances and row.balance and account.customer_id in books.opened:
        yield "balance", "opened-already", "The customer's opening balance is posted already"


def _faults_of_plan(row: SubscriptionRow, plan: Plan | None, currency: str, *, makes: bool) -> Iterator[_Fault]:
    if plan is not None:
        if plan.currency != currency:
            yield "plan", "other-currency", f"The plan is sold in {plan.currency}, not in {currency}"
    elif not makes:
        yield "plan", "unknown-plan", "There is no plan of this name"
    elif row.price is None or row.tax_rate is None:
        yield "plan", "unknown-plan", "There is no plan of this name, and no price and VAT rate to make it with"


def _faults_of_dates(row: SubscriptionRow) -> Iterator[_Fault]:
    for name in ("starts_on", "charged_until"):
        try:
            checked_day(getattr(row, name), "")
        except DateOutOfRange as error:
            yield name, "date-out-of-range", str(error)
