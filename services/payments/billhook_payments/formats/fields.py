"""A small part of an XML tree as plain texts by path: read once, looked up often, namespaces forgotten."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from lxml import etree

from billhook_common.bank_formats import Finding, HandlerError
from billhook_payments.formats.values import read_amount, read_date


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


class Fields:
    """The texts of all leaves below an element, by path ("RltdPties/Dbtr/Nm"); a currency is at "Amt@Ccy".

    ``position`` is what an error says about the place; ``findings`` receives what is odd but readable.
    """

    def __init__(self, position: str, findings: list[Finding]) -> None:
        self.position = position
        self._findings = findings
        self._texts: defaultdict[str, list[str]] = defaultdict(list)

    @classmethod
    def of(
        cls, element: etree._Element, position: str, findings: list[Finding], *, skip: Collection[str] = ()
    ) -> "Fields":
        """The leaves below ``element``, leaving out the subtrees whose local name is in ``skip``."""
        fields = cls(position, findings)
        fields._collect(element, "", skip)
        return fields

    def _collect(self, element: etree._Element, prefix: str, skip: Collection[str]) -> None:
        for child in element:
            name = local_name(child)
            if name in skip:
                continue
            path = prefix + name
            if len(child):
                self._collect(child, path + "/", skip)
                continue
            if text := (child.text or "").strip():
                self._texts[path].append(text)
            if currency := child.get("Ccy"):
                self._texts[path + "@Ccy"].append(currency.strip())

    def all(self, *paths: str) -> tuple[str, ...]:
        """Every text at these paths, path by path."""
        return tuple(text for path in paths for text in self._texts.get(path, ()))

    def first(self, *paths: str) -> str:
        """The first text found, "" where there is none."""
        for path in paths:
            if texts := self._texts.get(path):
                return texts[0]
        return ""

    def required(self, path: str) -> str:
        """The one text at ``path``. Raises HandlerError missing_field, or malformed where there are several."""
        texts = self._texts.get(path, [])
        if not texts:
            raise HandlerError("missing_field", self.position, f"{path} is missing")
        if len(texts) > 1:
            raise HandlerError("malformed", self.position, f"{path} is there {len(texts)} times")
        return texts[0]

    def amount(self, path: str) -> Decimal | None:
        """The unsigned amount at ``path``, None where there is none. Raises HandlerError bad_amount."""
        text = self.first(path)
        return read_amount(text, self.position) if text else None

    def signed(self, path: str = "Amt") -> Decimal:
        """The amount at ``path`` with the sign of ``CdtDbtInd``. Raises HandlerError."""
        amount = read_amount(self.required(path), self.position)
        direction = self.required("CdtDbtInd")
        if direction not in ("CRDT", "DBIT"):
            raise HandlerError("bad_value", self.position, f"CdtDbtInd is {direction[:20]!r}, not CRDT or DBIT")
        return amount if direction == "CRDT" else -amount

    def day(self, *paths: str) -> dt.date | None:
        """The first date found at a path, or its ``Dt`` or ``DtTm``. Raises HandlerError bad_date."""
        text = self.first(*(path + suffix for path in paths for suffix in ("/Dt", "/DtTm", "")))
        if not text:
            return None
        day, clamped = read_date(text, self.position)
        if clamped:
            self._findings.append(Finding("date_clamped", self.position, f"{text[:10]} does not exist; {day} is used"))
        return day
