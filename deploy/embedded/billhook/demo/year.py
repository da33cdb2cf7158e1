"""The demo's year: eleven months before the present one and its days so far, played through the API.

A month at a time, each on its own business day: customers join, leave and change plans, the run on the 1st, the bank's
file and the cash desk at the end. Commands have fixed Idempotency-Keys or look first, so a month that was cut off is
gone through again.
"""

import calendar as weeks
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billhook.demo import payers
from billhook.demo.bank_file import BankEntry, BankStatement, write_statement
from billhook.demo.calendar import Calendar
from billhook.demo.client import Client, DemoFailed
from billhook.demo.customers_file import CUSTOMERS, customers_file
from billhook.demo.leaving import change_services
from billhook.demo.month import (
    COMPANY,
    CURRENCY,
    OPENING,
    Say,
    bill,
    bring_customers,
    bring_services,
    enter_company,
    open_tickets_and_items,
    prove_ledger,
)
from billhook.demo.payers import Bill

MONTHS = 12
JOIN_A_MONTH = 15
FOUNDERS = CUSTOMERS - (MONTHS - 1) * JOIN_A_MONTH
_UNKNOWN = ("LEON FISCHER", "thank you", Decimal("63.80"))


@dataclass(frozen=True, slots=True)
class _Month:
    """``at`` counts from 0; ``last`` is its last day, or the demo's today."""

    at: int
    first: dt.date
    last: dt.date
    is_present: bool

    @property
    def name(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def key(self) -> str:
        return f"demo-{self.name}"


def play_year(
    client: Client, calendar: Calendar, today: dt.date, say: Say, *, done: int = 0, note: Callable[[int], None]
) -> None:
    """Play the months after the first ``done``; ``note`` hears how many there are now. Raises DemoFailed.

    Afterwards it is the real day again, and the books are proved.
    """
    enter_company(client)
    client.until("the bank account", lambda: COMPANY["iban"] in str(client.get("/payments/bank-accounts")))
    for month in _months(today)[done:]:
        say(f"-- {month.first:%B %Y}")
        _play(client, calendar, month, say)
        note(month.at + 1)
    calendar.close()
    prove_ledger(client, say)
    _prove_figures(client, say)


def _months(today: dt.date) -> list[_Month]:
    present = today.year * 12 + today.month - 1
    found = []
    for at in range(MONTHS):
        year, month = divmod(present - MONTHS + 1 + at, 12)
        first = dt.date(year, month + 1, 1)
        is_present = at == MONTHS - 1
        last = today if is_present else first.replace(day=weeks.monthrange(year, month + 1)[1])
        found.append(_Month(at, first, last, is_present))
    return found


def _play(client: Client, calendar: Calendar, month: _Month, say: Say) -> None:
    calendar.turn_to(month.first)
    numbers = range(1, FOUNDERS + 1)
    if month.at:
        start = FOUNDERS + (month.at - 1) * JOIN_A_MONTH + 1
        numbers = range(start, start + JOIN_A_MONTH)
    file = customers_file(month.first, numbers, are_new=bool(month.at))
    bring_customers(client, file, say, f"{month.key}-customers")
    # What new ones had of the month before is charged with this one (R21).
    cut_over = (month.first - dt.timedelta(days=1)).replace(day=1) if month.at else month.first
    bring_services(client, file, cut_over, say, f"{month.key}-services")
    if month.at:
        change_services(client, month.at, month.first, say)
    bill(client, month.first, say, f"{month.key}-run")
    _quiet(client)
    calendar.turn_to(month.last)
    bills = _bills(client, month.at, month.name)
    earlier = _bills(client, month.at - 1, f"{month.first - dt.timedelta(days=1):%Y-%m}") if month.at else []
    _bank(client, month, bills, earlier, say)
    _desk(client, month, bills, say)
    if month.is_present:
        open_tickets_and_items(client, [{"customer": {"id": one.customer_id}} for one in bills], say)
    _quiet(client)


def _bills(client: Client, at: int, month: str) -> list[Bill]:
    found = [Bill.of(one, at) for one in client.pages("/invoicing/invoices", month=month)]
    return sorted(found, key=lambda one: one.customer_number)


def _quiet(client: Client) -> None:
    """Wait until nothing is under way, so that nothing happens on another day than its own."""

    def is_quiet() -> bool:
        figures = client.get("/ops/messaging")
        if figures["parked"]:
            raise DemoFailed(f"{figures['parked']} events could not be applied; see the operations page")
        return not any(figures.values())

    client.until("everything to be applied", is_quiet)


def _bank(client: Client, month: _Month, bills: Sequence[Bill], earlier: Sequence[Bill], say: Say) -> None:
    entries = [entry for one in bills for entry in payers.in_time(one, month.last)]
    entries += [entry for one in earlier for entry in payers.late(one, month.first, month.last)]
    entries += _of_nobody(month)
    entries.sort(key=lambda entry: entry.booked_on)
    statement = BankStatement(
        COMPANY["iban"], CURRENCY, _opening(client, month), month.first, month.last, entries, sequence=month.at + 1
    )
    content = write_statement(statement)
    done = client.upload("/payments/statements", f"statement-{month.name}.xml", content, key=f"{month.key}-bank")
    found = client.get(f"/payments/statements/{done['statements'][0]['id']}")
    counts = ", ".join(f"{number} {state}" for state, number in found["counts"].items() if number)
    say(f"bank file    {len(entries)} lines, balances {found['proof']}; {counts}")
    if not month.is_present:
        _pair_by_hand(client, bills, say)


def _of_nobody(month: _Month) -> Iterator[BankEntry]:
    name, text, amount = _UNKNOWN
    yield BankEntry(Decimal("-1890.00"), month.first, "Mast & Site GmbH", text="Rent of sites")
    yield BankEntry(Decimal("-12.40"), month.last, "Savings Bank", text="Account fee")
    if month.at % 3 == 2:
        yield BankEntry(amount, month.first, name, text=text)


def _opening(client: Client, month: _Month) -> Decimal:
    """What the statement before this one closed with."""
    before = [one for one in client.pages("/payments/statements") if one["from"] < month.first.isoformat()]
    last = max(before, key=lambda one: str(one["from"]), default=None)
    return Decimal(last["closing"]["amount"]) if last else OPENING


def _pair_by_hand(client: Client, bills: Sequence[Bill], say: Say) -> None:
    """What a person does with the lines that the rules left: find the payer, or say that it is nobody's."""
    friends = {f"internet {one.name}": one.customer_id for one in bills if payers.paid_by_a_friend(one)}
    names = {one.name.upper(): one.customer_id for one in bills}
    paired = ignored = 0
    for entry in list(client.pages("/payments/entries", state="to_check")):
        customer_id = friends.get(entry["remittance"]) or names.get(entry["payer"]) or _first_candidate(entry)
        path = f"/payments/entries/{entry['id']}"
        if customer_id is None:
            client.post(f"{path}/ignore", {"reason": "Nobody knows the payer; sent back"}, key=f"demo-{path}")
            ignored += 1
        else:
            client.post(f"{path}/accept", {"customer_id": customer_id}, key=f"demo-{path}")
            paired += 1
    say(f"by hand      {paired} lines paired, {ignored} put aside")


def _first_candidate(entry: Mapping[str, Any]) -> str | None:
    return next((str(one["customer"]["id"]) for one in entry["candidates"]), None)


def _desk(client: Client, month: _Month, bills: Sequence[Bill], say: Say) -> None:
    """Cash is taken, one payment of the month is taken back, what was paid twice is sent back."""
    taken = []
    for one in filter(payers.pays_cash, bills):
        body = {
            "customer_id": one.customer_id,
            "amount": _money(one.gross),
            "method": "cash",
            "received_on": month.last.isoformat(),
            "documents": [{"document_id": one.id}],
        }
        taken.append(client.post("/payments/payments", body, key=f"{month.key}-cash-{one.customer_number}"))
    for payment in taken[:1]:
        reason = {"reason": "The note was not real"}
        client.post(f"/payments/payments/{payment['id']}/reverse", reason, key=f"{month.key}-reversal")
    twice = [one for one in bills if payers.paid_twice(one)]
    for one in twice:
        body = {"customer_id": one.customer_id, "amount": _money(one.gross), "note": "Paid twice"}
        client.post("/payments/refunds", body, key=f"{month.key}-refund-{one.customer_number}")
    say(f"by hand      {len(taken)} payments in cash, one of them taken back; {len(twice)} refunds")


def _money(amount: Decimal) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currency": CURRENCY}


def _prove_figures(client: Client, say: Say) -> None:
    """The numbers have no gap, and each month's figure is what its list adds up to. Raises DemoFailed."""
    for series in client.get("/invoicing/series")["items"]:
        proof = client.get(f"/invoicing/series/{series['id']}/audit")
        if not proof["gapless"]:
            raise DemoFailed(f"invoice numbers: {proof['differences'][:3]}")
    for one in client.get("/invoicing/panels/months")["items"]:
        totals = client.get("/invoicing/invoices", month=one["month"], totals="true", limit=1)["totals"]
        _same(f"invoiced in {one['month']}", (one["count"], one["gross"]), (totals["count"], totals["gross"]))
    received = client.get("/payments/panels/payments")["months"]
    for one, following in zip(received, [*(each["month"] for each in received[1:]), None], strict=True):
        until = {"until": f"{following}-01"} if following else {}
        query = {"state": "confirmed", "from": f"{one['month']}-01", "totals": "true", "limit": 1, **until}
        totals = client.get("/payments/payments", **query)["totals"]
        _same(f"received in {one['month']}", (one["count"], one["sum"]), (totals["count"], totals["sum"]))
    owed = client.get("/billing/panels/receivables")
    items = client.get("/billing/items", totals="true", limit=1)["totals"][CURRENCY]
    _same("owed", (owed["owed_count"], owed["owed"]["amount"]), (items["count"], items["open"]))
    say("figures      every month is what its list adds up to; no invoice number is missing")


def _same(what: str, figure: object, listed: object) -> None:
    if figure != listed:
        raise DemoFailed(f"{what}: the figure says {figure}, its list {listed}")
