"""Text that a spreadsheet would run as a formula: told on import, defused on export, unchanged by both.

Source: security.md, "CSV/Excel injection". The mark is the apostrophe that spreadsheets themselves use for
"text".
"""

import re

_STARTS_FORMULA = re.compile(r"'*[ \u00a0\u3000]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
# `=` and `@` always begin a formula. Notes do begin with a dash and phones with a plus, so these two count
# only before a function call or a DDE command.
_LOOKS_LIKE_FORMULA = re.compile(
    r"[=\uff1d]|[@\uff20]\w+\s*\(|[+\-\uff0b\uff0d]\s*(?:[A-Za-z_][\w.]*\(|.*\|.*!)", re.DOTALL
)


def escape_for_spreadsheet(text: str) -> str:
    """``text`` as it goes into an exported cell: with an apostrophe before it if a spreadsheet might run it.

    A plain number stays a number. ``unescape_from_spreadsheet`` is the exact inverse.
    """
    if _STARTS_FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def unescape_from_spreadsheet(text: str) -> str:
    """``text`` of an imported cell without the apostrophe that ``escape_for_spreadsheet`` put before it."""
    if text.startswith("'") and _STARTS_FORMULA.match(text):
        return text[1:]
    return text


def looks_like_formula(text: str) -> bool:
    """Whether an imported text is one that a spreadsheet would compute; ordinary phones and notes are not."""
    return _LOOKS_LIKE_FORMULA.match(text) is not None
