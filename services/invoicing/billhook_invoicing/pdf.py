"""Documents as PDF/A-3b, set by Typst.

The template and its fonts are the only files that Typst may read; a document's data goes in as JSON and is set
as plain text, so no text of a customer can be code, a file name or an address to fetch.
"""

import datetime as dt
import re
import threading
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
import typst

from billhook_invoicing.domain.document import InvoiceDocument
from billhook_invoicing.layout import layout

_TEMPLATES = Path(__file__).with_name("templates")
_FONTS = _TEMPLATES / "fonts"
_STANDARD: Final = "a-3b"
_UNKNOWN = "\ufffd"

# A Typst compiler keeps its fonts and caches, and refuses to be used by two threads at once.
_one_at_a_time = threading.Lock()


def render_invoice(document: InvoiceDocument) -> bytes:
    """The document as PDF/A-3b; the same document gives the same bytes.

    Letters that the fonts do not have (PDF/A forbids them) are printed as a replacement mark.
    """
    content = msgspec.json.encode(layout(document)).decode()
    try:
        return _compile(content, document.issued_on)
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        return _compile(_uncovered().sub(_UNKNOWN, content), document.issued_on)


def _compile(content: str, issued_on: dt.date) -> bytes:
    made_at = dt.datetime.combine(issued_on, dt.time(), tzinfo=dt.UTC)
    with _one_at_a_time:
        pdf = _compiler().compile(
            format="pdf", sys_inputs={"document": content}, pdf_standards=[_STANDARD], timestamp=made_at
        )
    assert isinstance(pdf, bytes), "one PDF, not pages"
    return pdf


def new_compiler() -> typst.Compiler:
    """A compiler that sees the template folder and nothing else; not to be shared by threads."""
    return typst.Compiler(
        str(_TEMPLATES / "invoice.typ"),
        root=str(_TEMPLATES),
        font_paths=[str(_FONTS)],
        ignore_system_fonts=True,
    )


_compiler = lru_cache(maxsize=1)(new_compiler)


@lru_cache(maxsize=1)
def _uncovered() -> re.Pattern[str]:
    """Characters that our fonts do not have; the ranges are listed beside the fonts."""
    ranges = (_FONTS / "coverage.txt").read_text(encoding="ascii").split()
    covered = "".join("-".join(rf"\u{code}" for code in each.split("-")) for each in ranges)
    return re.compile(f"[^{covered}]")
