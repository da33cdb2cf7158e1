"""A bank file comes in: read as a whole, kept unchanged, and imported in one transaction or not at all."""

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.bank_formats import Statement as BankStatement
from billhook_common.clock import Clock
from billhook_common.contracts.payments import StatementImported
from billhook_common.db import no_sequential_scans
from billhook_common.events import publish
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.settings import read_setting
from billhook_payments.actions.bank_accounts import accounts_of
from billhook_payments.actions.entry_rows import RULES, JudgedRow
from billhook_payments.actions.post import (
    NewPayment,
    Share,
    Unmatched,
    post_payments,
    remember_payers,
    tell_unmatched,
)
from billhook_payments.actions.read_file import examine_file, read_file
from billhook_payments.actions.store_statement import Importing, store_statement
from billhook_payments.config import PaymentsConfig
from billhook_payments.decided import AUTO_LIMIT, PAID_DOCUMENT_DAYS, REMEMBER_PAYERS
from billhook_payments.domain.identity import statement_identity
from billhook_payments.domain.pairing import PairingRules
from billhook_payments.domain.refusals import ImportRunning
from billhook_payments.domain.words import named_references, reference_in_words
from billhook_payments.models import BankAccount, BankFile, Statement

FILENAME_CHARACTERS = 200
_WAIT_SECONDS = 60
"""How long a file waits for another one of its account: longer than the largest takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """What was uploaded, for which account if somebody said so, and read by which format if several fit."""

    name: str
    stream: BinaryIO
    by: str
    account_id: UUID | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """The file that is kept; ``created`` is false where it was here before."""

    file_id: UUID
    created: bool


def import_file(session: Session, clock: Clock, config: PaymentsConfig, uploaded: UploadedFile) -> Imported:
    """Import the statements of a file; the same bytes again change nothing. Pairs and posts, unless a person is first.

    Raises the refusals of ``domain.refusals``: then nothing of the file is kept.
    """
    upload = examine_file(uploaded.stream, config.bank_file_limit_bytes)
    earlier = _earlier(session, upload.sha256)
    if earlier is not None:
        return Imported(earlier, created=False)
    content = read_file(uploaded.stream, upload, uploaded.name, uploaded.format)
    accounts = accounts_of(session, content.statements, uploaded.account_id)
    _one_at_a_time(session, {account.id for account in accounts})
    earlier = _earlier(session, upload.sha256)
    if earlier is not None:
        return Imported(earlier, created=False)
    uploaded.stream.seek(0)
    file = BankFile(
        id=uuid7(),
        sha256=upload.sha256,
        name=_safe_name(uploaded.name),
        size_bytes=upload.size,
        format=content.bank_format.id,
        format_version=content.bank_format.version,
        uploaded_by=uploaded.by,
        uploaded_at=clock.now(),
        content=uploaded.stream.read(),
    )
    session.add(file)
    session.flush()
    importing = Importing(
        session=session,
        clock=clock,
        home=config.currency,
        file=file,
        rules=_rules(session, config),
        payers=_payers_in(content.statements),
        paid_since=clock.today() - dt.timedelta(days=read_setting(session, config, PAID_DOCUMENT_DAYS)),
        repeated=_repeated(content.statements),
    )
    _store(importing, content.statements, accounts, remember=read_setting(session, config, REMEMBER_PAYERS))
    return Imported(file.id, created=True)


def _store(
    importing: Importing, statements: list[BankStatement], accounts: list[BankAccount], *, remember: bool
) -> None:
    session, clock = importing.session, importing.clock
    for statement, account in zip(statements, accounts, strict=True):
        row = store_statement(importing, account, statement)
        audit(session, clock, "statement_imported", row.id, after={"file": importing.file.id, "entries": row.entries})
        if row.kind == "statement":
            _tell(session, clock, row, account)
    no_sequential_scans(session)
    tell_unmatched(session, clock, [_unmatched(row) for row in importing.taken if row.in_suspense])
    paired = [row for row in importing.taken if row.judged.state == "processed"]
    post_payments(session, clock, [_payment(row) for row in paired])
    if remember:
        remember_payers(session, [(row.judged.payer_account, _customer(row)) for row in paired])


def _tell(session: Session, clock: Clock, row: Statement, account: BankAccount) -> None:
    fact = StatementImported(
        statement_id=row.id,
        account=account.iban or account.local_number or "",
        period_from=row.covers_from,
        period_until=row.covers_until,
        entries=row.entries,
        credits=Money.from_minor(row.credits, row.currency),
        debits=Money.from_minor(row.debits, row.currency),
        proof=row.proof,
    )
    publish(session, clock, fact, subject=row.id)


def _payment(row: JudgedRow) -> NewPayment:
    entry, judged = row.line.entry, row.judged
    assert judged.decision is not None, "who is paired was decided"
    return NewPayment(
        customer_id=_customer(row),
        amount=judged.amount,
        method="bank_transfer",
        received_on=entry.value_date or entry.booking_date,
        booked_on=entry.booking_date,
        entered_by=RULES,
        documents=[Share(document_id, amount) for document_id, amount in judged.decision.documents],
        reference=reference_in_words(judged.remittance, named_references(judged.references)),
        entry_id=row.id,
    )


def _customer(row: JudgedRow) -> UUID:
    decision = row.judged.decision
    assert decision is not None and decision.customer_id is not None, "who is paired has a customer"
    return decision.customer_id


def _unmatched(row: JudgedRow) -> Unmatched:
    return Unmatched(row.id, row.judged.amount, row.line.entry.booking_date, row.judged.reason)


def _earlier(session: Session, sha256: str) -> UUID | None:
    return session.scalar(select(BankFile.id).where(BankFile.sha256 == sha256))


def _one_at_a_time(session: Session, account_ids: Collection[UUID]) -> None:
    """Hold the accounts until the transaction ends. Raises ImportRunning."""
    session.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
    session.execute(text(f"SET LOCAL statement_timeout = '{_WAIT_SECONDS + 5}s'"))
    try:
        for account_id in sorted(account_ids):
            key = {"key": f"import {account_id}"}
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise ImportRunning from error
        raise
    session.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


def _payers_in(statements: list[BankStatement]) -> frozenset[str]:
    return frozenset(
        part.counterparty.account
        for statement in statements
        for entry in statement.entries
        if entry.amount > 0
        for part in entry.payments()
        if part.counterparty.account
    )


def _repeated(statements: list[BankStatement]) -> frozenset[str]:
    times = Counter(map(statement_identity, statements))
    return frozenset(identity for identity, count in times.items() if count > 1)


def _rules(session: Session, config: PaymentsConfig) -> PairingRules:
    limit = read_setting(session, config, AUTO_LIMIT)
    return PairingRules(auto_limit=Money(limit, config.currency) if limit is not None else None)


def _safe_name(filename: str) -> str:
    """The last part of the path, without control characters; what the browser sent is only shown."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in name if char.isprintable())[:FILENAME_CHARACTERS] or "statement"
