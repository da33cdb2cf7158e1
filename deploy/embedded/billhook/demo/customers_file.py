"""The customer list that the demo ISP brings from its old system: deterministic, and messy where real ones are.

Every person, address and number is made up; e-mail addresses use the reserved example domains.
"""

import csv
import datetime as dt
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

CUSTOMERS = 560
EVERYBODY = range(1, CUSTOMERS + 1)
SEED = 20_261_124
HEADER = (
    "Login", "Full name", "Category", "E-mail", "Phone", "Street", "City", "ZIP", "Country", "GPS", "Contract no.",
    "Plan", "Plan price", "VAT %", "Start date", "Billing day", "Status", "Balance", "Contact person", "Note",
)  # fmt: skip

_FIRST = (
    "Anna", "Milan", "Eva", "Tomáš", "Klára", "Jonas", "Ruth", "Felix", "Zoë", "Petr", "Iris", "Oliver", "Marta",
    "Emil", "Sára", "Viktor", "Nina", "Lukáš", "Alma", "Jan", "Ida", "Martin", "Lucie", "Pavel", "Hana", "Jürgen",
    "Žofie",
)  # fmt: skip
_LAST = (
    "Novák", "Keller", "Costa", "Svoboda", "Dvořák", "Lindqvist", "Petersen", "Horváth", "Müller", "Tóth", "Moreau",
    "Fischer", "Žižka", "Wagner", "Conti", "Šimon", "Vargas", "Becker", "Hruška", "Marino", "Larsen", "Ivanov", "Weiß",
)  # fmt: skip
_FIRMS = (
    "Brewery",
    "Logistics",
    "Dental Clinic",
    "Joinery",
    "Bakery",
    "Hotel",
    "Studio",
    "Care Home",
    "School",
    "Café",
)
_PLACES = ("Castle", "Harbour", "Redfern", "Oakridge", "Hillside", "Meridian", "Aurora", "Pinewood", "Vale", "Stone")
_TOWNS = (
    ("Westfold", "471 02", "50.2841,14.5512"), ("Kestrel Bay", "463 11", "50.3120,14.6033"),
    ("Lindau Mill", "460 07", "50.2655,14.4987"), ("Mirov", "471 24", "50.3377,14.5211"),
    ("Altenbruck", "464 52", "50.2903,14.6518"),
)  # fmt: skip
_STREETS = (
    "Mill Lane",
    "Zahradní",
    "Am Mühlbach",
    "Harbour Road",
    "Školní",
    "Orchard Row",
    "Na Výsluní",
    "Long Street",
)
_PLANS = (
    ("Fibre 1000", "35.45", 22), ("Fibre 600", "26.36", 22), ("Fibre 300", "20.58", 20), ("Air 100", "17.77", 18),
    ("Air 50", "14.79", 12), ("Business 1000", "73.55", 6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CustomersFile:
    """The file's bytes, and how many of its rows cannot be imported."""

    content: bytes
    rows: int
    dirty: int


def customers_file(first_of_month: dt.date, numbers: range = EVERYBODY, *, are_new: bool = False) -> CustomersFile:
    """A semicolon CSV with decimal commas and dates as DD.MM.YYYY; customers began before ``first_of_month``.

    ``numbers`` are those of the customers in it. New ones began in the month before or
    begin on its first, and bring nothing along.
    """
    chance = random.Random(SEED)  # noqa: S311  (the same list every time is the point)
    everybody = [_row(number, chance, first_of_month) for number in EVERYBODY]
    if are_new:
        for number in numbers:
            _begin(everybody[number - 1], number, first_of_month)
    dirty = sum(1 for at in _soil(everybody) if at + 1 in numbers)
    rows = [everybody[number - 1] for number in numbers]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return CustomersFile(("\ufeff" + text.getvalue()).encode(), len(rows), dirty)


def _row(number: int, chance: random.Random, first_of_month: dt.date) -> list[str]:
    company = chance.random() < 0.14
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    name = f"{chance.choice(_PLACES)} {chance.choice(_FIRMS)}" if company else f"{first} {last}"
    plan, price, _ = _PLANS[5] if company else chance.choices(_PLANS, [weight for *_, weight in _PLANS])[0]
    town, postcode, gps = chance.choice(_TOWNS)
    began = first_of_month - dt.timedelta(days=chance.randint(40, 3_000))
    status = chance.choices(("active", "blocked", "disabled", "new"), (92, 3, 3, 2))[0]
    balance = Decimal(0)
    if status == "blocked":
        balance = -Decimal(chance.randint(2_000, 9_000)) / 100
    elif chance.random() < 0.06:
        balance = Decimal(chance.randint(-6_000, 4_000)) / 100
    return [
        f"bv{number:06d}", name, "company" if company else "person", f"bv{number:06d}@example.org",
        f"+420 555 {number // 1000:03d} {number % 1000:03d}", f"{chance.choice(_STREETS)} {chance.randint(1, 240)}",
        town, postcode, "CZ", gps, str(20_000_000 + 37 * number), plan, price.replace(".", ","), "21",
        began.strftime("%d.%m.%Y"), "1", status, f"{balance:.2f}".replace(".", ","),
        f"{first} {last}" if company else "", "Call before visit" if chance.random() < 0.05 else "",
    ]  # fmt: skip


def _begin(row: list[str], number: int, first_of_month: dt.date) -> None:
    """Let a customer begin on some day of the month before, or on the first of this one, without a balance."""
    last_month = first_of_month - dt.timedelta(days=1)
    began = last_month.replace(day=1 + number * 11 % last_month.day) if number % 2 else first_of_month
    row[14], row[16], row[17] = began.strftime("%d.%m.%Y"), "active", "0,00"


def _soil(rows: list[list[str]]) -> Iterable[int]:
    """Make some rows as wrong as they are in real lists; returns where they are."""
    spoiled = {
        41: (3, "no-at-sign.example.org"), 97: (1, ""), 133: (14, "31.02.2021"), 180: (0, rows[12][0].upper()),
        222: (3, "two@@example.org"), 268: (12, "twenty"), 301: (19, '=HYPERLINK("http://example.com","open")'),
        344: (15, "32"), 402: (13, "121"), 467: (1, "   "),
    }  # fmt: skip
    for at, (column, value) in spoiled.items():
        rows[at][column] = value
    rows[511] = rows[511][:17]
    return (*spoiled, 511)
