"""The columns of a subscription import, from the file that the customers came in (E3, R21).

A row is matched to its customer by login. Prices are those of one billing period, all in one currency.
"""

import datetime as dt
from decimal import Decimal

from billhook_common.money import DECIMAL_PLACES, exponent
from billhook_common.tabular.cells import billing_day, choice, date, decimal, tax_rate, text
from billhook_common.tabular.columns import Column
from billhook_common.tabular.records import Record
from billhook_common.tabular.table import Dialect

STATES = {
    "pending": "new; neu; nový; čeká",
    "active": "enabled; online; aktiv; aktivní",
    "blocked": "suspended; gesperrt; blokovaný; blokováno; zablokován",
    "stopped": "paused; pausiert; pozastaveno; pozastavený",
    "disabled": "inactive; ended; cancelled; canceled; terminated; archived; inaktiv; gekündigt; deaktiviert; "
    "neaktivní; ukončený; zrušený",
}
"""State → what files say for it. ``blocked`` is the customer's: the subscription is active, charged on (R20)."""

CHARGED_STATES = frozenset({"active", "blocked"})
"""States in which an imported subscription is charged from its cut-over on (R20)."""

_HIGHEST_PRICE = Decimal(1_000_000)
_HIGHEST_BALANCE = Decimal(1_000_000_000)
_LOGIN = "user; username; benutzername; přihlašovací jméno; uživatel"
_PRICE = "price; monthly price; net price; preis; monatspreis; cena; měsíční cena"
_TAX_RATE = "vat; vat rate; tax; tax rate; mwst; ust; dph; sazba dph"
_STARTS_ON = "start; started; active from; startdatum; vertragsbeginn; datum zahájení; začátek"
_CHARGED_UNTIL = "charged to; invoiced until; paid until; abgerechnet bis; fakturováno do; zaplaceno do"


def subscription_columns(dialect: Dialect, currency: str) -> tuple[Column, ...]:
    """The columns in the order in which a person is asked to map them; amounts are in ``currency``.

    Where the file has prices, rates, billing days, states or balances, every row must have one: a blank
    balance is not a zero. Raises UnknownCurrency.
    """
    sign, day = dialect.decimal_sign, date(dialect.date_order)
    price = decimal(sign, places=DECIMAL_PLACES, minimum=Decimal(0), maximum=_HIGHEST_PRICE)
    balance = decimal(sign, places=exponent(currency), minimum=-_HIGHEST_BALANCE, maximum=_HIGHEST_BALANCE)
    days = "bill day; invoice day; abrechnungstag; den fakturace; den vyúčtování"
    balances = "account balance; opening balance; saldo; kontostand; zůstatek"
    return (
        Column("login", "Login", text(100), _LOGIN, required=True, unique=True),
        Column("plan", "Plan", text(), "tariff; service; product; tarif; produkt; služba", required=True),
        Column("price", "Plan price", price, _PRICE, filled=True),
        Column("tax_rate", "VAT %", tax_rate(sign), _TAX_RATE, filled=True),
        Column("starts_on", "Start date", day, _STARTS_ON, required=True),
        Column("billing_day", "Billing day", billing_day(), days, filled=True),
        Column("state", "Status", choice(STATES), "state; service status; stav", filled=True),
        Column("balance", "Balance", balance, balances, filled=True),
        Column("charged_until", "Charged until", day, _CHARGED_UNTIL),
    )


def charged_until(record: Record, cut_over: dt.date) -> dt.date:
    """The first day for which an imported subscription is not charged yet (R21).

    The file's "charged until" is the last day charged, as people write it (R2); without one it is the
    cut-over date, or the start if that is later.
    """
    last_day_charged, starts_on = record.date("charged_until"), record.date("starts_on")
    assert starts_on is not None, "starts_on is required"
    if last_day_charged is not None:
        return max(last_day_charged + dt.timedelta(days=1), starts_on)
    return max(cut_over, starts_on)
