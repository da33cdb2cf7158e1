"""Prove the documents: numbers without gap or repetition, days that never go back, lines that sum up (R8, R10, R22)."""

from collections.abc import Mapping
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

DOCUMENT_DIFFERENCES = Gauge(
    "billhook_invoicing_document_differences",
    "Gaps in series and sums of documents that the daily audit could not prove",
    multiprocess_mode="max",
)

log = get_logger()


class Difference(NamedTuple):
    """Something that does not agree about a document or series (``subject``), or a day; ``detail`` says what."""

    rule: str
    subject: UUID | None
    detail: str


# What stands before the first number and after the last one is there too, so that a missing end is a gap as well.
_GAPS = """
    SELECT series_id, counter_key || ': ' || value || ' is followed by ' || following FROM (
        SELECT series_id, counter_key, value,
            lead(value) OVER (PARTITION BY series_id, counter_key ORDER BY value) AS following
        FROM (
            SELECT series_id, counter_key, counter AS value FROM document
            UNION ALL SELECT series_id, key, start - 1 FROM counter
            UNION ALL SELECT series_id, key, next FROM counter) AS numbered) AS pair
    WHERE following <> value + 1 AND series_id = coalesce(CAST(:series AS uuid), series_id)"""
_DAYS = """
    SELECT series_id, number || ' is dated before the number before it' FROM (
        SELECT series_id, number, issued_on, lag(issued_on) OVER (PARTITION BY series_id ORDER BY seq) AS before
        FROM document) AS dated
    WHERE issued_on < before AND series_id = coalesce(CAST(:series AS uuid), series_id)"""
_SUMS = """
    SELECT document.id, document.number || ' is not the sum of its lines' FROM document
    LEFT JOIN (SELECT document_id, sum(net) AS net, sum(tax) AS tax FROM document_line GROUP BY document_id) AS line
        ON line.document_id = document.id
    WHERE line.net IS NULL OR document.net <> line.net OR document.tax <> line.tax"""
_ITEMS = """
    SELECT document.id, document.number || ' has no open item of its own' FROM document
    LEFT JOIN open_item ON open_item.document_id = document.id
    WHERE open_item.transaction_id IS DISTINCT FROM document.transaction_id"""
_IN_DAYS = """
    SELECT CAST(NULL AS uuid), coalesce(day.issued_on, found.issued_on) || ' is not the sum of its documents'
    FROM issued_day AS day FULL JOIN (
        SELECT issued_on, currency, count(*) AS count, sum(net) AS net, sum(gross) AS gross FROM document
        GROUP BY issued_on, currency) AS found ON (found.issued_on, found.currency) = (day.issued_on, day.currency)
    WHERE (day.count, day.net, day.gross) IS DISTINCT FROM (found.count, found.net, found.gross)"""

_OF_SERIES = {"numbers_follow_one_another": _GAPS, "days_never_go_back": _DAYS}
_OF_DOCUMENTS = {"document_is_its_lines": _SUMS, "document_has_its_item": _ITEMS, "day_is_its_documents": _IN_DAYS}


def verify_documents(session: Session) -> list[Difference]:
    """All differences, at most MOST_DIFFERENCES of a rule; an empty list proves the documents."""
    return _prove(session, _OF_SERIES, {"series": None}) + _prove(session, _OF_DOCUMENTS, {})


def verify_series(session: Session, series_id: UUID) -> list[Difference]:
    """What is wrong with the numbers of one series; nothing, if they are gapless and follow the days."""
    return _prove(session, _OF_SERIES, {"series": series_id})


def _prove(session: Session, proofs: Mapping[str, str], values: Mapping[str, UUID | None]) -> list[Difference]:
    return [
        Difference(rule, subject, detail)
        for rule, proof in proofs.items()
        for subject, detail in session.execute(text(f"{proof} LIMIT {MOST_DIFFERENCES}"), values)
    ]


@job(every_seconds=DAY_SECONDS, longest_seconds=2 * 60 * STATEMENT_MINUTES)
def audit_documents(ctx: Context) -> bool:
    """Once a day: publish the number of differences, and name each in the log."""
    ctx.session.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_MINUTES}min'"))
    differences = verify_documents(ctx.session)
    DOCUMENT_DIFFERENCES.set(len(differences))
    for difference in differences:
        log.error("document_difference", **difference._asdict())
    log.info("documents_verified", differences=len(differences))
    return False
