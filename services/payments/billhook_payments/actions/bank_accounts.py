"""The operator's bank accounts: add, change, find the one of a statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.bank_formats import Statement
from billhook_common.clock import Clock
from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.errors import Conflict, Invalid, NotFound
from billhook_common.etags import check_version
from billhook_common.ids import uuid7
from billhook_common.logs import get_logger
from billhook_common.money import exponent
from billhook_payments.domain.account_number import IbanNotValid, read_bic, read_iban, read_local_number
from billhook_payments.domain.refusals import OtherAccount, UnknownAccount
from billhook_payments.models import BankAccount

log = get_logger()

_BBAN = 4  # the IBAN's country and check digits stand before the bank's own number


class BankAccountExists(Conflict):
    """An account is set up once."""

    title = "The account is set up already"


class AccountNumberMissing(Invalid):
    """Statements name an account by its IBAN or a local number."""

    title = "Give the IBAN, or the number that the bank uses"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBankAccount:
    """What sets up an account; one of ``iban`` and ``local_number`` is needed."""

    name: str
    holder: str
    iban: str
    local_number: str
    bic: str
    currency: str
    review_first: bool


def add_bank_account(session: Session, clock: Clock, new: NewBankAccount) -> BankAccount:
    """Set up an account. Raises IbanNotValid, AccountNumberNotValid, AccountNumberMissing, BankAccountExists."""
    exponent(new.currency)
    if not new.iban and not new.local_number:
        raise AccountNumberMissing(pointer="/iban")
    row = {
        "id": uuid7(),
        "name": new.name,
        "holder": new.holder,
        "iban": read_iban(new.iban) if new.iban else None,
        "local_number": read_local_number(new.local_number) if new.local_number else None,
        "bic": read_bic(new.bic),
        "currency": new.currency,
        "review_first": new.review_first,
        "created_at": clock.now(),
    }
    account = session.scalars(upsert(BankAccount).values(row).on_conflict_do_nothing().returning(BankAccount)).first()
    if account is None:
        raise BankAccountExists(pointer="/iban" if new.iban else "/local_number")
    audit(session, clock, "bank_account_added", account.id, after=row)
    return account


def change_bank_account(
    session: Session, clock: Clock, account_id: UUID, changes: dict[str, Any], *, seen: int | None
) -> BankAccount:
    """Change name, holder, BIC or whether a person reviews first; the number stays.

    Raises NotFound, BicNotValid, VersionGone when the version ``seen`` is not the present one.
    """
    account = session.get(BankAccount, account_id, with_for_update=True)
    if account is None:
        raise NotFound("There is no such bank account.")
    check_version(session, account_id, seen=seen, present=account.version)
    if "bic" in changes:
        changes = {**changes, "bic": read_bic(changes["bic"])}
    before = {name: getattr(account, name) for name in changes}
    for name, value in changes.items():
        setattr(account, name, value)
    account.version += 1
    audit(session, clock, "bank_account_changed", account.id, before=before, after=changes)
    session.flush()
    return account


def keep_company_account(session: Session, clock: Clock, company: CompanyChanged, *, currency: str) -> None:
    """Set up the account of the company's data unless it is known; one with a wrong IBAN is left out."""
    if not company.iban:
        return
    try:
        iban = read_iban(company.iban)
    except IbanNotValid:
        log.warning("company_iban_not_valid", company_id=str(company.company_id))
        return
    row = {
        "id": uuid7(), "name": company.name, "holder": company.name, "iban": iban, "local_number": None,
        "bic": company.bic, "currency": currency, "review_first": False, "created_at": clock.now(),
    }  # fmt: skip
    session.execute(upsert(BankAccount).values(row).on_conflict_do_nothing())


def accounts_of(session: Session, statements: Iterable[Statement], wanted: UUID | None) -> list[BankAccount]:
    """The account of each statement, by IBAN, by the bank's own number inside it, or by local number.

    Raises UnknownAccount naming what is not set up; OtherAccount where a statement is not of the ``wanted`` account.
    """
    by_number: dict[str, BankAccount] = {}
    for account in session.scalars(select(BankAccount).order_by(BankAccount.id)):
        numbers = [account.iban, account.local_number, account.iban[_BBAN:] if account.iban else None]
        for number in numbers:
            if number:
                by_number.setdefault(number, account)
    statements = list(statements)
    unknown = sorted({statement.account for statement in statements} - by_number.keys())
    if unknown:
        raise UnknownAccount(f"Add the account {', '.join(unknown)} first; nothing was imported.", pointer="/file")
    found = [by_number[statement.account] for statement in statements]
    others = [statement.account for statement, account in zip(statements, found, strict=True) if account.id != wanted]
    if wanted is not None and others:
        raise OtherAccount(f"The file is of the account {others[0]}.", pointer="/account_id")
    return found
