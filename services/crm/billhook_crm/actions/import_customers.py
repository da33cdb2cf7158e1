"""Customers from a file: what a row becomes, which rows are known already or cannot be stored (E1, E2)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.imports import Examined, FailedRow, FileImport, FileRow, Importer
from billhook_common.tabular import Column, Dialect, Record, RowError
from billhook_crm.actions.names import Taken, explicit_keys, find_taken, hold_names, login_of, reference_keys
from billhook_crm.actions.register import register_customers
from billhook_crm.domain.customer_columns import customer_columns
from billhook_crm.domain.details import EMAIL_CHARACTERS, CustomerDetails
from billhook_crm.domain.from_file import details_of
from billhook_crm.domain.keys import reference_key

_Row = FileRow[CustomerDetails]


class CustomerImporter(Importer[CustomerDetails]):
    """The rules of customer files."""

    subject = "customer"
    row_type = CustomerDetails

    def columns(self, dialect: Dialect, currency: str) -> Sequence[Column]:
        """Name, login, address and so on; there are no amounts among them."""
        return customer_columns(dialect)

    def row_of(self, record: Record, item: FileImport) -> CustomerDetails:
        """The customer in a row."""
        return details_of(record)

    def faults(self, row: _Row, headers: Mapping[str, str], seen: dict[str, int]) -> Sequence[RowError]:
        """Too many addresses, references without a letter or digit, names that an earlier row brings."""
        return list(_faults_within(row, headers, seen))

    def part(
        self, session: Session, item: FileImport, rows: Sequence[_Row], *, waits: bool
    ) -> Examined[CustomerDetails]:
        """By whether customers have their logins, numbers or references already."""
        result = Examined[CustomerDetails]()
        taken = find_taken(
            session,
            [login_of(row.content) for row in rows],
            [key for row in rows for key in reference_keys(row.content)],
        )
        for row in rows:
            if _is_known(row.content, taken):
                result.known.append(row)
            elif errors := list(_faults_of_taken(row, taken, item.mapping)):
                result.failed.append(FailedRow(row.row, row.line, errors))
            else:
                result.new.append(row)
        return result

    def hold(self, session: Session, rows: Sequence[_Row]) -> None:
        """Nobody else gives names meanwhile."""
        hold_names(session)

    def store(self, session: Session, clock: Clock, item: FileImport, rows: Sequence[CustomerDetails]) -> None:
        """The currency of the file is that of the accounts until billing says better."""
        register_customers(session, clock, rows, currency=item.currency)

    def names(self, row: CustomerDetails) -> Collection[str]:
        """Logins and references: no number that is given meanwhile may be one of them."""
        return explicit_keys([row]) - {""}

    def add_up(
        self, session: Session, item: FileImport, totals: Mapping[str, Any], rows: Sequence[_Row]
    ) -> dict[str, Any]:
        """``nameless`` rows have nothing by which they would be known if the file came again."""
        return {"nameless": totals.get("nameless", 0) + sum(1 for row in rows if not _has_name(row.content))}


CUSTOMERS = CustomerImporter()


def _has_name(details: CustomerDetails) -> bool:
    return bool(details.login or details.number or details.payment_reference)


def _is_known(details: CustomerDetails, taken: Taken) -> bool:
    """Whether the row was imported before: by its login, else its number, else its payment reference."""
    if details.login:
        return login_of(details) in taken.logins
    return any(key in taken.references for key in reference_keys(details)[:1])


def _faults_within(row: _Row, headers: Mapping[str, str], seen: dict[str, int]) -> Iterator[RowError]:
    """What is wrong with a row by itself and against the rows before it, beyond its single cells."""
    details = row.content
    if len(details.email) > EMAIL_CHARACTERS:
        message = f"More than {EMAIL_CHARACTERS} characters of e-mail addresses"
        yield row.error(headers, "email", "too-long", message)
    names = [("login", f"login {login_of(details)}")] if details.login or details.number else []
    for column in ("number", "payment_reference"):
        value = getattr(details, column)
        if value and not reference_key(value):
            yield row.error(headers, column, "bad-reference", "Has no letter A-Z and no digit")
        elif value:
            names.append((column, reference_key(value)))
    for column, key in names:
        first = seen.setdefault(key, row.row)
        if first != row.row:
            yield row.error(headers, column, "duplicate", f"Means the same as that of row {first}")


def _faults_of_taken(row: _Row, taken: Taken, headers: Mapping[str, str]) -> Iterator[RowError]:
    details = row.content
    for column in ("number", "payment_reference"):
        if reference_key(getattr(details, column)) in taken.references:
            yield row.error(headers, column, "taken", "Another customer has it, or had it")
    if login_of(details) in taken.logins:
        yield row.error(headers, "number", "taken", "Another customer has it as a login")
