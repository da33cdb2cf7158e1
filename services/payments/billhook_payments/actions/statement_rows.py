"""The row of a statement: found by what it is, filled with what the bank says, proven, chained to its neighbours."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import Date, Uuid, literal, select, tuple_
from sqlalchemy.orm import Session

from billhook_common.bank_formats import Balance, Finding
from billhook_common.bank_formats import Statement as BankStatement
from billhook_common.clock import Clock
from billhook_common.ids import uuid7
from billhook_common.money import AmountOutOfRange, Money, round_half_up
from billhook_payments.actions.entry_rows import Line
from billhook_payments.domain.identity import statement_identity
from billhook_payments.domain.proof import findings_about
from billhook_payments.domain.refusals import BadAmount
from billhook_payments.models import BankAccount, BankFile, Statement

WARNINGS_KEPT = 100
_DAY = dt.timedelta(days=1)


def find_or_add_statement(
    session: Session, clock: Clock, account: BankAccount, file: BankFile, statement: BankStatement
) -> Statement:
    """The statement's row; the same one exported again meets itself, whatever its bytes.

    Raises BadAmount for a balance that its currency cannot hold.
    """
    identity = bytes.fromhex(statement_identity(statement))
    known = session.scalars(
        select(Statement).where(
            Statement.account_id == account.id, Statement.kind == statement.kind, Statement.identity == identity
        )
    ).first()
    if known is not None:
        return known
    # The bank's word counts; what is in another currency than the account is kept, never paired by itself.
    currency = statement.currency or account.currency
    first, last = _days(statement, clock)
    opening, closing = statement.opening, statement.closing
    needs_post = account.review_first and statement.kind == "statement"
    row = Statement(
        id=uuid7(),
        account_id=account.id,
        file_id=file.id,
        kind=statement.kind,
        identity=identity,
        reference=statement.reference,
        sequence=statement.sequence,
        page=statement.page,
        covers_from=first,
        covers_until=last + _DAY,
        currency=currency,
        opening=_minor(opening, currency) if opening else None,
        opening_on=opening.on if opening else None,
        closing=_minor(closing, currency) if closing else None,
        closing_on=closing.on if closing else None,
        entries=0,
        credits=0,
        debits=0,
        proof="no_balances",
        gap=0,
        warnings=[],
        imported_by=file.uploaded_by,
        imported_at=clock.now(),
        posted_at=None if needs_post else clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def add_to_statement(
    session: Session,
    clock: Clock,
    account: BankAccount,
    row: Statement,
    statement: BankStatement,
    lines: Iterable[Line],
) -> None:
    """Count the lines that came onto the statement, prove it again, and note what is odd about it."""
    for line in lines:
        entry = line.entry
        row.entries += 1
        if entry.status == "booked" and entry.currency == row.currency:
            minor = Money(entry.amount, entry.currency).minor
            row.credits += max(0, minor)
            row.debits += max(0, -minor)
    row.proof, row.gap = _proof(row, statement)
    findings = [
        *findings_about(statement, _previous_closing(session, row), clock.today()),
        *_about_currency(account, row),
    ]
    row.warnings = _kept(finding for finding in findings if finding.code != "balance_gap" or row.proof == "gap")
    session.flush()
    if row.kind == "statement" and row.closing is not None:
        _close_gap_after(session, row)


def _proof(row: Statement, statement: BankStatement) -> tuple[str, int]:
    """By the lines on the statement, whichever files brought them; without balances as its reader says."""
    if row.opening is not None and row.closing is not None:
        gap = row.closing - (row.opening + row.credits - row.debits)
        return ("gap", gap) if gap else ("proved", 0)
    return statement.proof.kind, round_half_up(statement.proof.gap, row.currency).minor


def _previous_closing(session: Session, row: Statement) -> Balance | None:
    """Where the account stood before this statement; pages of one day follow each other as they came."""
    if row.kind != "statement":
        return None
    last = row.closing_on or row.covers_until - _DAY
    here = tuple_(literal(last, Date()), literal(row.id, Uuid()))
    previous = session.scalars(
        select(Statement)
        .where(
            Statement.account_id == row.account_id,
            Statement.kind == "statement",
            tuple_(Statement.closing_on, Statement.id) < here,
        )
        .order_by(Statement.closing_on.desc(), Statement.id.desc())
        .limit(1)
    ).first()
    if previous is None or previous.closing is None or previous.closing_on is None:
        return None
    return Balance(Money.from_minor(previous.closing, previous.currency).amount, previous.closing_on)


def _close_gap_after(session: Session, row: Statement) -> None:
    """A statement that came late fills the gap which the one after it was warned about."""
    later = session.scalars(
        select(Statement).where(
            Statement.account_id == row.account_id,
            Statement.opening == row.closing,
            Statement.covers_from >= row.covers_from,
            Statement.warnings.contains([{"code": "chain_gap"}]),
            Statement.id != row.id,
        )
    )
    for statement in later:
        statement.warnings = [warning for warning in statement.warnings if warning["code"] != "chain_gap"]


def _about_currency(account: BankAccount, row: Statement) -> Iterable[Finding]:
    if row.currency != account.currency:
        message = f"The statement is in {row.currency}, the account in {account.currency}"
        yield Finding("currency_mismatch", row.reference, message)


def _kept(findings: Iterable[Finding]) -> list[dict[str, str]]:
    every = [{"code": one.code, "position": one.position, "message": one.message} for one in findings]
    if len(every) > WARNINGS_KEPT:
        more = {"code": "more_warnings", "position": "", "message": f"And {len(every) - WARNINGS_KEPT} more"}
        every = [*every[:WARNINGS_KEPT], more]
    return every


def _days(statement: BankStatement, clock: Clock) -> tuple[dt.date, dt.date]:
    """The first and last day: as the bank says, else those of balances and entries."""
    days = [entry.booking_date for entry in statement.entries]
    days += [balance.on for balance in (statement.opening, statement.closing) if balance is not None]
    days = days or [clock.today()]
    first, last = statement.from_date or min(days), statement.to_date or max(days)
    return first, max(first, last)


def _minor(balance: Balance, currency: str) -> int:
    try:
        return Money(Decimal(balance.amount), currency).minor
    except AmountOutOfRange as error:
        raise BadAmount(error.detail, pointer="/file") from error
