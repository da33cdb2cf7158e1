"""When is a statement or an entry the same as one that we already have?

Three levels: the file's check sum (``formats.upload``), the statement's identity, the entry's identity with an
occurrence counter, for two equal payments on one day are two payments.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from billhook_common.bank_formats import Balance, Entry, Statement


def statement_identity(statement: Statement) -> str:
    """The same statement exported again: account, number, balances and dates; a page is a statement of its own."""
    return _digest(
        statement.account,
        statement.sequence or statement.reference,
        str(statement.page),
        _balance_key(statement.opening),
        _balance_key(statement.closing),
        _day_key(statement.from_date),
        _day_key(statement.to_date),
    )


def identify_entries(account: str, entries: Iterable[Entry], seen: Counter[str]) -> list[tuple[Entry, str]]:
    """Each entry with its identity (hex): of what was booked, and how often the file has shown that so far.

    ``seen`` counts over one whole file: hand the same counter to every statement in it. An export that overlaps an
    earlier one meets the same identities, so only further occurrences are new.
    """
    identified = []
    for entry in entries:
        what = _what_was_booked(account, entry)
        seen[what] += 1
        identified.append((entry, _digest(what, str(seen[what]))))
    return identified


def _what_was_booked(account: str, entry: Entry) -> str:
    return _digest(
        account,
        entry.booking_date.isoformat(),
        _day_key(entry.value_date),
        _amount_key(entry.amount),
        entry.currency,
        entry.references.bank_ref,
        entry.references.end_to_end,
        "".join(entry.remittance),
        entry.counterparty.account,
    )


def _balance_key(balance: Balance | None) -> str:
    return "" if balance is None else f"{_amount_key(balance.amount)} {balance.on}"


def _day_key(day: dt.date | None) -> str:
    return "" if day is None else day.isoformat()


def _amount_key(amount: Decimal) -> str:
    return f"{amount.normalize():f}"  # 12.5 and 12.50 are one amount


def _digest(*parts: str) -> str:
    # White space goes: a second export may wrap the text elsewhere. So the unit separator cannot be in a part.
    return hashlib.sha256("\x1f".join("".join(part.split()) for part in parts).encode()).hexdigest()
