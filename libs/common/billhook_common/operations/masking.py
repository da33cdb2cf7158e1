"""Payloads as operators may see them: structure, ids, amounts and dates; what may be personal is hidden.

The catalogue names every field of every contract. A text is shown only when its field is known to hold nothing
personal and the value looks as that field's values do; everything else is hidden, unknown fields too.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from billhook_common.events.envelope import HIDDEN, NAME

PERSONAL = frozenset(
    {
        *("name", "login", "email", "phone", "street", "city", "zip", "location", "company_number", "tax_id"),
        *("iban", "bic", "account", "reference", "payment_reference", "proof"),
        *("description", "text", "reason", "assignee", "serial", "product", "plan_name"),
    }
)
"""Fields that name, reach or describe somebody, or hold what people typed."""

_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9/-]{0,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,15}(Z|[+-][0-9:]{4,6}))?")
_ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_VERSION = re.compile(r"[0-9]\.[0-9]")
_CAPITALS = re.compile(r"[A-Z]{2,3}")
_TRACE = re.compile(r"[0-9a-f-]{32,36}")

_SHOWN: Mapping[re.Pattern[str], frozenset[str]] = {
    NAME: frozenset(
        {
            *("type", "source", "kind", "category", "lifecycle", "priority", "side", "state", "status", "tax_rounding"),
            *("method", "rule", "reason_code", "language", "partner"),
        }
    ),
    _NUMBER: frozenset({"number"}),
    _DECIMAL: frozenset(
        {
            *("amount", "discount", "gross", "net", "price", "quantity", "rate", "tax", "tax_rate", "unit_price"),
            *("balance_after", "credits", "debits", "monthly", "open", "total"),
        }
    ),
    _DATE: frozenset(
        {
            *("bill_date", "booked_on", "created_on", "due_on", "ends_before", "issued_on", "on", "period_from"),
            *("period_until", "posted_on", "received_on", "reversed_on", "run_date", "sent_on", "starts_on"),
            *("tax_point_on", "opened_at", "time"),
        }
    ),
    _ID: frozenset({"id", "subject", "customerid", "causationid", "epoch", "from_suspense", "refers_to"}),
    _TRACE: frozenset({"correlationid"}),
    _VERSION: frozenset({"specversion"}),
    _CAPITALS: frozenset({"currency", "country"}),
}
_PATTERNS = {name: pattern for pattern, names in _SHOWN.items() for name in names}
_COUNTS = frozenset(
    {
        *("account_version", "billing_day", "charged", "days", "entries", "failed", "period_days", "period_months"),
        *("skipped", "version", "position", "step"),
    }
)
"""Fields whose whole numbers are shown."""
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")

HIDDEN_PERSONAL = "‹personal›"
DEEPEST = 12
LONGEST_LIST = 50

_SCRUBBED = re.compile(
    r"'[^']*'|\"[^\"]*\"|“[^”]*”|=\([^)]*\)"  # what a message quotes, and PostgreSQL's "Key (email)=(…)"
    r"|[^\s@]+@[^\s@]+"  # e-mail addresses
    r"|\b[A-Z]{2}[0-9]{2}[A-Z0-9 ]{10,30}\b"  # IBANs
    r"|(?<![0-9a-f-])\+?[0-9][0-9 /]{6,}[0-9]\b(?!-)"  # telephone and account numbers
)


def is_known(field: str) -> bool:
    """Whether somebody decided about a contract's text field: shown or personal."""
    return field in PERSONAL or field in _PATTERNS


def masked_payload(raw: bytes) -> Any:
    """The JSON in ``raw`` without what may be personal; of bytes that are no JSON, only how many there are."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"‹{len(raw)} bytes that are not JSON›"
    return _masked("", document, DEEPEST)


def masked_text(text: str) -> str:
    """A message without quoted values, addresses, account and telephone numbers."""
    return _SCRUBBED.sub(HIDDEN, text)


def _masked(field: str, value: Any, depth: int) -> Any:
    if isinstance(value, dict | list) and depth == 0:
        return HIDDEN
    match value:
        case dict():
            return {
                name if _FIELD.fullmatch(name) else HIDDEN: _masked(name, inner, depth - 1)
                for name, inner in value.items()
            }
        case list():
            more = [f"‹{len(value) - LONGEST_LIST} more›"] if len(value) > LONGEST_LIST else []
            return [_masked(field, inner, depth - 1) for inner in value[:LONGEST_LIST]] + more
        case None | bool():
            return value
        case int() if field in _COUNTS:
            return value
        case str() if _may_be_shown(field, value):
            return value
    return HIDDEN_PERSONAL if field in PERSONAL else HIDDEN


def _may_be_shown(field: str, value: str) -> bool:
    if not value:
        return True
    pattern = _PATTERNS.get(field) or (_ID if field.endswith("_id") else None)
    return pattern is not None and field not in PERSONAL and pattern.fullmatch(value) is not None
