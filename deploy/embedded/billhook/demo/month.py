"""The demo's month: a customer list imported, charged, invoiced; a bank file imported and paired; all through the API.

Every command has a fixed Idempotency-Key: a demo that was cut off goes on where it stood.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from billhook.demo.bank_file import BankEntry, BankStatement, write_statement
from billhook.demo.client import Client, DemoFailed
from billhook.demo.customers_file import CustomersFile, customers_file

Say = Callable[[str], None]

COMPANY: dict[str, Any] = {
    "name": "Brightvale Networks",
    "address": {"street": "Harbour Road 1", "city": "Westfold", "zip": "471 02", "country": "CZ"},
    "company_number": "04211234",
    "tax_id": "CZ04211234",
    "vat_payer": True,
    "email": "billing@brightvale.example.org",
    "phone": "+420 555 010 200",
    "iban": "CZ6508000000192000145399",
    "bic": "GIBACZPX",
}
CURRENCY = "EUR"
OPENING = Decimal("40118.02")
_PRODUCTS = ("Terminal GX-8", "Router AX3", "Antenna LiteBeam", "Set-top box")
_TICKETS = (
    ("Slow Wi-Fi upstairs", "Since Monday the bedroom gets 20 Mbit/s at most.", "medium"),
    ("Double charge on my invoice?", "I see two lines for the same month, please explain.", "high"),
    ("No connection since the storm", "The light on the box is red.", "urgent"),
    ("Move to a new address", "We move on the 15th, can the line move too?", "low"),
    ("Invoice to our accountant", "Please send invoices to accounts@example.org as well.", "low"),
    ("Static IPv4", "How much is a fixed address?", "medium"),
)


def play(client: Client, today: dt.date, say: Say) -> None:
    """Play the month that ``today`` is in. Raises DemoFailed."""
    first = today.replace(day=1)
    enter_company(client)
    bring_customers(client, customers_file(first), say)
    bring_services(client, customers_file(first), first, say)
    bill(client, first, say)
    invoices = list(client.pages("/invoicing/invoices"))
    _bank(client, first, today, invoices, say)
    _cash(client, today, invoices, say)
    open_tickets_and_items(client, invoices, say)
    prove_ledger(client, say)


def enter_company(client: Client) -> None:
    """Name, address and bank account of the ISP."""
    known = client.get("/gateway/company")
    if known["version"] == 0:
        client.put("/gateway/company", COMPANY)


def bring_customers(client: Client, file: CustomersFile, say: Say, key: str = "demo-customers") -> None:
    """Import customers, and wait until billing has their accounts."""
    upload = client.upload("/crm/imports", "customers.csv", file.content, key=key)
    path = f"/crm/imports/{upload['id']}"
    preview = client.get(f"{path}/preview")
    client.post(f"{path}/confirm", {"skip_errors": True}, key=f"{key}-confirm")
    client.until("the customers", lambda: bool(client.get(path)["state"] == "imported"))
    done = client.get(path)
    aside = f"{preview['failed']} rows set aside with reasons"
    say(f"customers    {done['imported']} imported from {file.rows} rows, {aside}")
    customers = int(client.get("/crm/customers/count")["total"])

    def accounts() -> int:
        totals = client.get("/billing/accounts", totals="true", limit=1)["totals"]
        return sum(int(total["count"]) for total in totals.values())

    client.until("the accounts", lambda: accounts() >= customers)


def bring_services(
    client: Client, file: CustomersFile, cut_over: dt.date, say: Say, key: str = "demo-services"
) -> None:
    """Import the services of customers who are there, from the same file."""
    upload = client.upload("/billing/imports", "customers.csv", file.content, key=key, cut_over=cut_over.isoformat())
    path = f"/billing/imports/{upload['id']}"
    client.post(f"{path}/confirm", {"skip_errors": True}, key=f"{key}-confirm")
    client.until("the services", lambda: bool(client.get(path)["state"] == "imported"))
    done = client.get(path)
    plans = len(list(client.pages("/billing/plans")))
    say(f"services     {done['imported']} imported with {plans} plans and their opening balances")


def bill(client: Client, first: dt.date, say: Say, key: str = "demo-run") -> None:
    """Preview a run, look, confirm it, and wait for its invoices."""
    run = client.post("/billing/runs", {"run_date": first.isoformat()}, key=key)
    path = f"/billing/runs/{run['id']}"
    client.until("the preview", lambda: client.get(path)["state"] not in {"queued"})
    preview = client.get(path)
    client.post(f"{path}/confirm", {}, key=f"{key}-confirm")
    client.until("the billing run", lambda: bool(client.get(path)["state"] == "processed"))
    done = client.get(path)
    if done["charged_totals"] != preview["totals"] and preview["state"] == "preview_ready":
        raise DemoFailed(f"the run charged {done['charged_totals']}, its preview said {preview['totals']}")

    def invoiced() -> int:
        totals = client.get("/invoicing/invoices", run_id=run["id"], totals="true", limit=1)["totals"]
        return int(totals["count"])

    client.until("the invoices", lambda: invoiced() >= done["counts"]["charged"])
    say(f"billing run  {done['counts']['charged']} customers charged, {done['charged_totals']['gross']} {CURRENCY}, "
        f"{invoiced()} invoices")  # fmt: skip


def _bank(client: Client, first: dt.date, today: dt.date, invoices: list[dict[str, Any]], say: Say) -> None:
    # The company's own account is known to the payments by the company's event.
    client.until("the bank account", lambda: COMPANY["iban"] in str(client.get("/payments/bank-accounts")))

    def known() -> bool:
        # A document of the payments service's own mirror: once the last is there, all can be paired.
        panel = client.get("/payments/panels/documents")
        return int(panel["count"]) >= len(invoices)

    client.until("the open invoices to reach the payments", known)
    entries = [
        entry for at, item in enumerate(sorted(invoices, key=_number)) for entry in _payments(at, item, first, today)
    ]
    entries += [
        BankEntry(Decimal("-1890.00"), first, "Mast & Site GmbH", text="Rent of sites"),
        BankEntry(Decimal("-12.40"), today, "Savings Bank", text="Account fee"),
        BankEntry(Decimal("63.80"), first, "LEON FISCHER", text="thank you"),
        BankEntry(Decimal("24.90"), first, "Milan Vargas", text="internet november"),
    ]
    entries.sort(key=lambda entry: entry.booked_on)
    statement = BankStatement(COMPANY["iban"], CURRENCY, OPENING, first, today, entries)
    name = f"statement-{today:%Y-%m}.xml"
    done = client.upload("/payments/statements", name, write_statement(statement), key="demo-statement")
    found = client.get(f"/payments/statements/{done['statements'][0]['id']}")
    counts = found["counts"]
    say(f"bank file    {len(entries)} lines, balances {found['proof']}; "
        + ", ".join(f"{number} {state}" for state, number in counts.items() if number))  # fmt: skip


def _number(invoice: dict[str, Any]) -> str:
    return str(invoice["number"])


def _payments(at: int, invoice: dict[str, Any], first: dt.date, today: dt.date) -> list[BankEntry]:
    """How the customer of an invoice pays, if so: most by their reference, some in their own way."""
    gross, reference = Decimal(invoice["gross_total"]["amount"]), invoice["payment_reference"]
    booked = min(first + dt.timedelta(days=3 + at * 7 % 17), today)
    name, account = invoice["customer"]["name"], iban_of(at)
    kind = at * 37 % 100
    if kind < 66:
        return [BankEntry(gross, booked, name, account, text=f"/VS/{reference}/SS/11")]
    if kind < 76:
        return [BankEntry(gross, booked, name.upper(), account, text=f"invoice {invoice['number']}")]
    if kind < 81:
        return [BankEntry(gross, booked, name.upper(), account, text="internet, thank you")]
    if kind < 83:
        return [BankEntry(gross - Decimal("5.00"), booked, name, account, text=f"VS {reference}")]
    if kind < 85:
        return [BankEntry(gross + Decimal("20.00"), booked, name, account, text=f"VS {reference} and some more")]
    return []


def iban_of(number: int) -> str:
    """A Czech IBAN with valid check digits; the account is made up."""
    bban = f"0800000000{9_000_000_000 + 7 * number:010d}"
    return f"CZ{98 - int(f'{bban}123500') % 97:02d}{bban}"


def _cash(client: Client, today: dt.date, invoices: list[dict[str, Any]], say: Say) -> None:
    paid = 0
    for at, invoice in enumerate(sorted(invoices, key=_number)):
        if at * 37 % 100 in {88, 89, 90}:
            body = {
                "customer_id": invoice["customer"]["id"],
                "amount": invoice["gross_total"],
                "method": "cash",
                "received_on": today.isoformat(),
                "documents": [{"document_id": invoice["id"]}],
            }
            client.post("/payments/payments", body, key=f"demo-cash-{at}")
            paid += 1
    say(f"cash         {paid} payments taken by hand")


def open_tickets_and_items(client: Client, invoices: list[dict[str, Any]], say: Say) -> None:
    """Questions of customers, and devices of which some are with them."""
    customers = [invoice["customer"]["id"] for invoice in invoices]
    for at, (subject, body, priority) in enumerate(_TICKETS):
        ticket = {"subject": subject, "body": body, "priority": priority, "customer_id": customers[at * 31]}
        made = client.post("/tickets/tickets", ticket, key=f"demo-ticket-{at}")
        if at == len(_TICKETS) - 1:
            reply = {"body": "A fixed address is 5 EUR a month; shall we add it?"}
            client.post(f"/tickets/tickets/{made['id']}/messages", reply, key="demo-reply")
    for at in range(12):
        item = {"serial": f"SN{48_000 + 37 * at}", "product": _PRODUCTS[at % len(_PRODUCTS)]}
        made = client.post("/inventory/items", item, key=f"demo-item-{at}")
        if at % 2:
            target = {"customer_id": customers[at * 17]}
            client.post(f"/inventory/items/{made['id']}/assign", target, key=f"demo-assign-{at}")
    say(f"operations   {len(_TICKETS)} tickets, 12 devices")


def prove_ledger(client: Client, say: Say) -> None:
    """Wait until every payment is in the ledger; then say that the books are right, or that they are not."""

    def posted() -> bool:
        received = client.get("/payments/panels/payments")
        ledger = client.get("/billing/transactions", kind="payment", totals="true", limit=1)["totals"]
        return sum(int(sides["credit"]["count"]) for sides in ledger.values()) >= int(received["count"])

    client.until("the payments to reach the ledger", posted)
    totals = client.get("/billing/trial-balance")["totals"]
    if any(Decimal(total["balance"]) for total in totals):
        raise DemoFailed(f"the books do not balance: {totals}")
    differences = client.get("/billing/audit")["differences"]
    if differences:
        raise DemoFailed(f"the books cannot be proved: {differences[:3]}")
    say("books        every posting balances, every balance is proved")
