"""One statement of a file: its row, what is new on it, and what the rules decide about that."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from uuid import UUID

from sqlalchemy import any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA
from sqlalchemy.orm import Session

from billhook_common.bank_formats import Statement as BankStatement
from billhook_common.clock import Clock
from billhook_common.db import copy_rows
from billhook_common.ids import uuid7
from billhook_payments.actions.entry_rows import JudgedRow, Line, Owner, write_entries
from billhook_payments.actions.statement_rows import add_to_statement, find_or_add_statement
from billhook_payments.domain.identity import identify_entries, statement_identity
from billhook_payments.domain.index import PairingIndex
from billhook_payments.domain.judging import AccountTerms, Judged, judge
from billhook_payments.domain.pairing import PairingRules
from billhook_payments.domain.states import TO_CHECK
from billhook_payments.models import BankAccount, BankFile, Entry, Statement, StatementFile, StatementLine
from billhook_payments.queries import pairing_index

CHUNK = 2_000
"""Entries judged before they are written: the transaction is never idle for long, and memory stays small."""

EntryIds = list[UUID]
Seen = defaultdict[tuple[UUID, bool], Counter[str]]


@dataclass
class Importing:
    """One file on its way in.

    ``home`` is the operator's currency, ``repeated`` are the identities of statements that the file holds more than
    once; ``taken`` gathers the rows on which something is to be posted or told.
    """

    session: Session
    clock: Clock
    home: str
    file: BankFile
    rules: PairingRules
    payers: frozenset[str]
    paid_since: dt.date
    repeated: frozenset[str]
    taken: list[JudgedRow] = field(default_factory=list)
    _seen: Seen = field(default_factory=lambda: defaultdict(Counter))
    _seen_before: dict[str, Seen] = field(default_factory=dict)

    def seen(self, identity: str) -> "Seen":
        """What the file has shown so far of each account, counted apart for final entries and announcements.

        A statement that stands in the file twice begins where it began the first time: it meets its own entries.
        """
        if identity not in self.repeated:
            return self._seen
        before = self._seen_before.get(identity)
        if before is None:
            self._seen_before[identity] = _copy(self._seen)
            return self._seen
        return _copy(before)

    @cached_property
    def index(self) -> PairingIndex:
        """Read when the first credit comes."""
        return pairing_index(self.session, self.payers, self.paid_since)


def store_statement(importing: Importing, account: BankAccount, statement: BankStatement) -> Statement:
    """Write what is not known yet: overlapping files add only what is missing (Y8)."""
    session = importing.session
    row = find_or_add_statement(session, importing.clock, account, importing.file, statement)
    lines = _identified(importing.seen(statement_identity(statement)), account, statement)
    known = _known_entries(session, account.id, [line.identity for line in lines])
    fresh = list(_fresh(lines, known))
    ids_of = {identity: [entry_id for entry_id, _ in entries] for identity, entries in known.items()}
    owner = Owner(account.id, row.id, importing.clock.now())
    terms = AccountTerms(account.currency, account.review_first, importing.home)
    for chunk in _chunks(iter(fresh)):
        rows = [judged for line in chunk for judged in _judged(importing, terms, line, ids_of)]
        write_entries(session, owner, rows)
        importing.taken += [one for one in rows if one.judged.state in ("processed", *TO_CHECK)]
    added = _link_lines(session, row, lines, ids_of)
    _note_file(session, row, importing.file, known=len(lines) - len(fresh), added=len(fresh))
    add_to_statement(session, importing.clock, account, row, statement, added)
    return row


def _identified(seen: Seen, account: BankAccount, statement: BankStatement) -> list[Line]:
    """Final entries first: what is announced and booked in one file is then known when the announcement comes.

    Announcements are counted apart: one that was never booked must not make a booked entry the second of its kind.
    """
    lines = []
    for position, entry in enumerate(statement.entries, 1):
        is_final = statement.kind == "statement" and entry.status == "booked"
        [(_, identity)] = identify_entries(str(account.id), [entry], seen[account.id, is_final])
        lines.append(Line(position, entry, bytes.fromhex(identity), is_final))
    return sorted(lines, key=lambda line: not line.is_final)


def _copy(seen: Seen) -> Seen:
    return defaultdict(Counter, {key: Counter(counted) for key, counted in seen.items()})


def _known_entries(session: Session, account_id: UUID, identities: list[bytes]) -> dict[bytes, list[tuple[UUID, str]]]:
    found: dict[bytes, list[tuple[UUID, str]]] = {}
    statement = (
        select(Entry.identity, Entry.id, Entry.state)
        .where(Entry.account_id == account_id, Entry.identity == any_(literal(identities, ARRAY(BYTEA))))
        .order_by(Entry.part)
    )
    for identity, entry_id, state in session.execute(statement):
        found.setdefault(identity, []).append((entry_id, state))
    return found


def _fresh(lines: list[Line], known: dict[bytes, list[tuple[UUID, str]]]) -> Iterator[Line]:
    """The lines that bring something: what was not seen before, or the booking of what was only announced."""
    booked = {identity for identity, entries in known.items() if any(state != "pending" for _, state in entries)}
    met: set[bytes] = set()
    for line in lines:
        is_new = line.identity not in known or (line.is_final and line.identity not in booked)
        if is_new and line.identity not in met:
            yield line
        met.add(line.identity)


def _judged(
    importing: Importing, terms: AccountTerms, line: Line, ids_of: dict[bytes, EntryIds]
) -> Iterator[JudgedRow]:
    """The payments of a fresh line; an announcement was kept as one row, which becomes the first of them."""
    announced = ids_of.get(line.identity, [])
    ids_of[line.identity] = ids = list(announced)
    payments = judge(line.entry, terms, importing.index, importing.rules, is_final=line.is_final)
    for part, judged in enumerate(payments):
        is_known = part < len(announced)
        if not is_known:
            ids.append(uuid7())
        yield JudgedRow(ids[part], part, line, judged, is_known, _goes_to_suspense(judged, terms))


def _goes_to_suspense(judged: Judged, terms: AccountTerms) -> bool:
    return judged.state in TO_CHECK and not terms.review_first


def _link_lines(session: Session, row: Statement, lines: list[Line], ids_of: dict[bytes, EntryIds]) -> list[Line]:
    """Put on the statement what does not stand on it yet, behind what does; returns those lines."""
    linked = set(session.scalars(select(StatementLine.entry_id).where(StatementLine.statement_id == row.id)))
    added = [line for line in lines if not linked.issuperset(ids_of[line.identity])]
    added.sort(key=lambda line: line.position)
    rows = []
    for number, line in enumerate(added, row.entries + 1):
        missing = [entry_id for entry_id in ids_of[line.identity] if entry_id not in linked]
        linked.update(missing)
        rows += [(row.id, number, entry_id) for entry_id in missing]
    copy_rows(session, "statement_line", ("statement_id", "position", "entry_id"), rows)
    return added


def _note_file(session: Session, row: Statement, file: BankFile, *, known: int, added: int) -> None:
    brought = session.get(StatementFile, (row.id, file.id))
    if brought is None:
        brought = StatementFile(statement_id=row.id, file_id=file.id, known=0, added=0)
        session.add(brought)
    brought.known += known
    brought.added += added
    session.flush()


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while chunk := list(islice(lines, CHUNK)):
        yield chunk
