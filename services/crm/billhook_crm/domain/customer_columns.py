"""The columns of a customer import, with the names that files of ISPs give them (K1, E2).

Only the full name is required. The file may hold more, such as plans and prices: the subscription import
reads those from the same file.
"""

from billhook_common.tabular.cells import choice, country, date, emails, gps, phones, text
from billhook_common.tabular.columns import Column
from billhook_common.tabular.table import Dialect

CATEGORIES = {
    "person": "private; individual; residential; privatperson; privat; osoba; fyzická osoba; domácnost",
    "company": "business; organisation; organization; firma; unternehmen; společnost; podnikatel; právnická osoba",
}
"""Category → what files say for it."""

STATUSES = {
    "new": "lead; neu; nový; čeká",
    "active": "enabled; online; aktiv; aktivní",
    "blocked": "suspended; gesperrt; blokovaný; blokováno; zablokován",
    "inactive": "disabled; ended; cancelled; canceled; terminated; archived; inaktiv; gekündigt; deaktiviert; "
    "neaktivní; ukončený; zrušený",
}
"""Status of the customer (K2) → what files say for it; the "disabled" of many systems is our "inactive"."""

_LOGIN = "user; username; benutzername; přihlašovací jméno; uživatel"
_NAME = "name; customer; customer name; kunde; vollständiger name; jméno; celé jméno; jméno a příjmení; zákazník"
_NUMBER = "customer number; customer id; kundennummer; číslo zákazníka"
_REFERENCE = "reference; variable symbol; vs; zahlungsreferenz; variabilní symbol"
_SINCE = "start date; since; created; date added; kunde seit; startdatum; zákazník od; datum zahájení"


def customer_columns(dialect: Dialect) -> tuple[Column, ...]:
    """The columns in the order in which a person is asked to map them; dates are read as the file writes them."""
    day = date(dialect.date_order)
    return (
        Column("login", "Login", text(100), _LOGIN, unique=True),
        Column("name", "Full name", text(), _NAME, required=True),
        Column("category", "Category", choice(CATEGORIES), "type; customer type; kategorie; kundentyp; typ"),
        Column("email", "E-mail", emails(), "e-mail address; emails; mail; e-mail-adresse; e-mailová adresa"),
        Column("phone", "Phone", phones(), "phones; phone number; mobile; telefon; telefonnummer; handy; mobil"),
        Column("street", "Street", text(), "address; street address; straße; adresse; ulice; adresa"),
        Column("city", "City", text(100), "town; ort; stadt; město; obec"),
        Column("zip", "ZIP", text(20), "zip code; postal code; postcode; plz; postleitzahl; psč"),
        Column("country", "Country", country(), "country code; land; země; stát"),
        Column("gps", "GPS", gps(), "coordinates; gps coordinates; koordinaten; souřadnice; gps souřadnice"),
        Column("birth_date", "Birth date", day, "date of birth; birthday; geburtsdatum; datum narození"),
        Column("number", "Customer no.", text(50), _NUMBER, unique=True),
        Column("contract_number", "Contract no.", text(50), "contract; vertragsnummer; číslo smlouvy; smlouva"),
        Column("payment_reference", "Payment reference", text(35), _REFERENCE, unique=True),
        Column("company_number", "Company no.", text(50), "registration number; handelsregisternummer; ičo; ič"),
        Column("tax_id", "VAT no.", text(20), "vat number; vat id; tax id; ust-idnr.; uid; dič"),
        Column("contact_person", "Contact person", text(), "contact; ansprechpartner; kontaktní osoba"),
        Column("status", "Status", choice(STATUSES), "state; stav"),
        Column("created_on", "Customer since", day, _SINCE),
        Column("partner", "Partner", text(100), "brand; reseller; marke"),
        Column("location", "Location", text(100), "site; standort; lokalita"),
        Column("note", "Note", text(2_000), "notes; comment; remark; bemerkung; notiz; poznámka"),
    )
