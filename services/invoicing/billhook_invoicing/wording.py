"""Words, numbers and dates of printed documents, by language. Missing languages are printed in English."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from babel import Locale

from billhook_common.money import Money, exponent

_MINUS = "\u2212"
_NBSP = "\u00a0"
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CZK": "Kč", "PLN": "zł", "HUF": "Ft"}


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: its words by key, and how it writes numbers, money and dates."""

    language: str
    words: Mapping[str, str]
    group: str
    point: str
    symbol_before: bool
    months: tuple[str, ...] = ()
    """Month names, where dates are written with them."""
    date_pattern: str = "{day}.{month:02d}.{year}"

    def number(self, value: Decimal, places: int = 0) -> str:
        """``value`` with grouped thousands and at least ``places`` decimals; more if it has more, without zeros."""
        own = max(0, -int(value.normalize().as_tuple().exponent))
        digits = f"{abs(value):,.{max(places, own)}f}"
        marks = str.maketrans({",": self.group, ".": self.point})
        return (_MINUS if value < 0 else "") + digits.translate(marks)

    def amount(self, money: Money) -> str:
        """The amount with the decimals of its currency and without its name: ``1,234.50``."""
        return self.number(money.amount, exponent(money.currency))

    def money(self, money: Money) -> str:
        """The amount with its currency: ``€1,234.50``, ``1 234,50 Kč``."""
        symbol = _SYMBOLS.get(money.currency, money.currency)
        if self.symbol_before and symbol in "€$£":
            sign = _MINUS if money.amount < 0 else ""
            return f"{sign}{symbol}{self.number(abs(money.amount), exponent(money.currency))}"
        return f"{self.amount(money)}{_NBSP}{symbol}"

    def date(self, day: dt.date) -> str:
        """``18 Nov 2026``, ``18.11.2026`` or ``18. 11. 2026``."""
        month: int | str = self.months[day.month - 1] if self.months else day.month
        return self.date_pattern.format(day=day.day, month=month, year=day.year)

    def country(self, code: str) -> str:
        """The name of the country with an ISO 3166-1 code; a code without a name stays as it is."""
        return str(Locale.parse(self.language).territories.get(code, code))

    def period(self, from_: dt.date, until: dt.date) -> str:
        """A half-open period as people read it: first and last day (R2)."""
        return f"{self.date(from_)}{_NBSP}– {self.date(until - dt.timedelta(days=1))}"


_ENGLISH = {
    "invoice": "Invoice",
    "invoice_taxed": "Invoice",
    "proforma": "Payment request",
    "credit_note": "Credit note",
    "supplier": "From",
    "customer": "Billed to",
    "issued": "Issued",
    "tax_point": "Date of supply",
    "due": "Due",
    "amount_due": "Amount due",
    "to_credit": "Credited",
    "nothing_due": "Paid, nothing to pay",
    "corrects": "Corrects invoice",
    "company_number": "Company no.",
    "tax_id": "VAT no.",
    "description": "Description",
    "quantity": "Qty",
    "unit_price": "Unit price",
    "unit_price_gross": "Price incl. VAT",
    "rate": "VAT",
    "net": "Net",
    "amount": "Amount",
    "amount_gross": "Amount incl. VAT",
    "tax_summary": "VAT summary",
    "tax_rate": "Rate",
    "tax_base": "Base",
    "tax": "VAT",
    "with_tax": "Total",
    "net_total": "Total without VAT",
    "tax_total": "VAT",
    "total": "Total",
    "paid": "Paid",
    "payment": "How to pay",
    "account_holder": "Account holder",
    "iban": "IBAN",
    "bic": "BIC",
    "bank": "Bank",
    "reference": "Reference",
    "scan": "Scan to pay",
    "reverse_charge": "Reverse charge: the recipient is liable to pay the VAT.",
    "non_payer": "The supplier is not registered for VAT.",
    "prices_included": "Prices include VAT.",
    "days_of": "{days} of {period_days} days",
    "discount": "discount",
    "proforma_notice": "This is a request for payment, not a tax document. The invoice follows once it is paid.",
}
_GERMAN = {
    "invoice": "Rechnung",
    "invoice_taxed": "Rechnung",
    "proforma": "Zahlungsaufforderung",
    "credit_note": "Gutschrift",
    "supplier": "Von",
    "customer": "Rechnung an",
    "issued": "Rechnungsdatum",
    "tax_point": "Leistungsdatum",
    "due": "Fällig am",
    "amount_due": "Zu zahlen",
    "to_credit": "Gutgeschrieben",
    "nothing_due": "Bezahlt, nichts zu zahlen",
    "corrects": "Korrigiert Rechnung",
    "company_number": "Reg.-Nr.",
    "tax_id": "USt-IdNr.",
    "description": "Beschreibung",
    "quantity": "Menge",
    "unit_price": "Einzelpreis",
    "unit_price_gross": "Preis inkl. USt",
    "rate": "USt",
    "net": "Netto",
    "amount": "Betrag",
    "amount_gross": "Betrag inkl. USt",
    "tax_summary": "Umsatzsteuer",
    "tax_rate": "Satz",
    "tax_base": "Netto",
    "tax": "USt",
    "with_tax": "Brutto",
    "net_total": "Summe netto",
    "tax_total": "Umsatzsteuer",
    "total": "Gesamtbetrag",
    "paid": "Bezahlt",
    "payment": "Zahlung",
    "account_holder": "Kontoinhaber",
    "iban": "IBAN",
    "bic": "BIC",
    "bank": "Bank",
    "reference": "Verwendungszweck",
    "scan": "Zum Zahlen scannen",
    "reverse_charge": "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge).",
    "non_payer": "Kein Ausweis der Umsatzsteuer: Der Aussteller ist nicht umsatzsteuerpflichtig.",
    "prices_included": "Die Preise enthalten die Umsatzsteuer.",
    "days_of": "{days} von {period_days} Tagen",
    "discount": "Rabatt",
    "proforma_notice": "Zahlungsaufforderung, keine Rechnung. Die Rechnung folgt nach Zahlungseingang.",
}
_CZECH = {
    "invoice": "Faktura",
    "invoice_taxed": "Faktura – daňový doklad",
    "proforma": "Výzva k platbě",
    "credit_note": "Opravný daňový doklad",
    "supplier": "Dodavatel",
    "customer": "Odběratel",
    "issued": "Vystaveno",
    "tax_point": "Datum zdanitelného plnění",
    "due": "Splatnost",
    "amount_due": "K úhradě",
    "to_credit": "Dobropisováno",
    "nothing_due": "Uhrazeno, neplaťte",
    "corrects": "Opravuje doklad",
    "company_number": "IČO",
    "tax_id": "DIČ",
    "description": "Popis",
    "quantity": "Množství",
    "unit_price": "Cena za j.",
    "unit_price_gross": "Cena s DPH",
    "rate": "DPH",
    "net": "Bez DPH",
    "amount": "Celkem",
    "amount_gross": "Celkem s DPH",
    "tax_summary": "Rekapitulace DPH",
    "tax_rate": "Sazba",
    "tax_base": "Základ",
    "tax": "DPH",
    "with_tax": "S DPH",
    "net_total": "Celkem bez DPH",
    "tax_total": "DPH",
    "total": "Celkem",
    "paid": "Uhrazeno",
    "payment": "Platební údaje",
    "account_holder": "Příjemce",
    "iban": "IBAN",
    "bic": "BIC",
    "bank": "Banka",
    "reference": "Variabilní symbol",
    "scan": "QR platba",
    "reverse_charge": "Daň odvede zákazník (přenesená daňová povinnost).",
    "non_payer": "Dodavatel není plátcem DPH.",
    "prices_included": "Ceny jsou uvedeny včetně DPH.",
    "days_of": "{days} z {period_days} dnů",
    "discount": "sleva",
    "proforma_notice": "Výzva k platbě, nejedná se o daňový doklad. Daňový doklad vystavíme po úhradě.",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LANGUAGES = {
    "en": Wording("en", _ENGLISH, ",", ".", True, _MONTHS, f"{{day}}{_NBSP}{{month}}{_NBSP}{{year}}"),
    "de": Wording("de", _GERMAN, ".", ",", False, (), "{day:02d}.{month:02d}.{year}"),
    "cs": Wording("cs", _CZECH, _NBSP, ",", False, (), f"{{day}}.{_NBSP}{{month}}.{_NBSP}{{year}}"),
}


def wording(language: str) -> Wording:
    """The wording of ``language`` (``cs``, ``de-AT`` …)."""
    return _LANGUAGES.get(language.split("-", maxsplit=1)[0].lower(), _LANGUAGES["en"])
