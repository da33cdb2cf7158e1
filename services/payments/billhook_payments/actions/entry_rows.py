"""Entries as rows: written with COPY where new, updated where a booked entry was only announced before."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import update
from sqlalchemy.orm import Session

from billhook_common.bank_formats import Entry as BankEntry
from billhook_common.db import copy_rows
from billhook_payments.domain.evidence import Evidence
from billhook_payments.domain.judging import Judged
from billhook_payments.domain.pairing import RULES_VERSION, Candidate, Decision
from billhook_payments.domain.states import PAIRED
from billhook_payments.domain.words import named_references
from billhook_payments.models import Entry

RULES = "rules"
"""Who decided, where no person did."""

_encode = msgspec.json.Encoder().encode
_JSON = frozenset({"refs", "evidence", "candidates"})


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a file with its place on the statement and its identity; ``is_final``: booked, on a statement."""

    position: int
    entry: BankEntry
    identity: bytes
    is_final: bool


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A judged payment with the id of its row; ``known``: the row is there, as an announcement."""

    id: UUID
    part: int
    line: Line
    judged: Judged
    known: bool
    in_suspense: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """What all entries of one statement share."""

    account_id: UUID
    statement_id: UUID
    now: dt.datetime


def write_entries(session: Session, owner: Owner, rows: Sequence[JudgedRow]) -> None:
    """Write the rows; the order of columns is that of the first row."""
    new = [_row(owner, row) for row in rows if not row.known]
    if new:
        copy_rows(session, "entry", list(new[0]), (_as_copied(row) for row in new))
    booked = [_row(owner, row) for row in rows if row.known]
    if booked:
        session.execute(update(Entry), booked)


def _as_copied(row: dict[str, Any]) -> list[object]:
    return [_encode(value).decode() if name in _JSON else value for name, value in row.items()]


def _row(owner: Owner, row: JudgedRow) -> dict[str, Any]:
    judged, line = row.judged, row.line
    return {
        "id": row.id,
        "account_id": owner.account_id,
        "statement_id": owner.statement_id,
        "identity": line.identity,
        "part": row.part,
        "position": line.position,
        "place": line.entry.position,
        "booked_on": line.entry.booking_date,
        "value_on": line.entry.value_date,
        "amount": judged.amount.minor,
        "currency": judged.amount.currency,
        "payer_name": judged.payer_name,
        "payer_account": judged.payer_account,
        "payer_bic": line.entry.counterparty.bic,
        "remittance": list(judged.remittance),
        "refs": named_references(judged.references),
        "type_code": line.entry.type_code,
        "state": judged.state,
        "reason": judged.reason,
        "in_suspense": row.in_suspense,
        **_decision(judged.decision, judged.state in PAIRED, owner.now),
    }


def _decision(decision: Decision | None, is_taken: bool, now: dt.datetime) -> dict[str, Any]:
    if decision is None:
        return {
            "customer_id": None, "score": 0, "evidence": [], "candidates": [], "rules_version": "",
            "decided_by": "", "decided_at": None,
        }  # fmt: skip
    return {
        "customer_id": decision.customer_id,
        "score": decision.score,
        "evidence": [_evidence(one) for one in decision.evidence]
        + [{**_evidence(one), "veto": True} for one in decision.vetoes],
        # Once it is posted nobody chooses among candidates any more.
        "candidates": [] if is_taken else [_candidate(one) for one in decision.candidates],
        "rules_version": RULES_VERSION,
        "decided_by": RULES if is_taken else "",
        "decided_at": now if is_taken else None,
    }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "customer_id": str(one.customer_id),
        "score": one.score,
        "documents": [str(document_id) for document_id, _ in one.documents],
        "evidence": [_evidence(evidence) for evidence in one.evidence],
    }


def _evidence(one: Evidence) -> dict[str, Any]:
    return {"rule": one.rule, "points": one.points, "text": one.text}
