"""States as people read them: a word and a tone for each state of the services (features.md, part B)."""

from billhook_gateway.ui.texts import N_, gettext

STATES: dict[str, dict[str, tuple[str, str]]] = {
    "customer": {
        "new": (N_("New"), "brand"),
        "active": (N_("Active"), "good"),
        "blocked": (N_("Blocked"), "bad"),
        "inactive": (N_("Inactive"), "plain"),
        "archived": (N_("Archived"), "plain"),
    },
    "service": {
        "pending": (N_("Planned"), "brand"),
        "active": (N_("Active"), "good"),
        "stopped": (N_("Stopped"), "warn"),
        "disabled": (N_("Ended"), "plain"),
        "ended": (N_("Ended"), "plain"),
        "archived": (N_("Archived"), "plain"),
    },
    "plan": {"enabled": (N_("On sale"), "good"), "disabled": (N_("Not sold"), "plain")},
    "invoice": {
        "draft": (N_("Draft"), "plain"),
        "unpaid": (N_("Unpaid"), "warn"),
        "partially_paid": (N_("Part paid"), "warn"),
        "paid": (N_("Paid"), "good"),
        "cancelled": (N_("Cancelled"), "plain"),
        "deleted": (N_("Cancelled"), "plain"),
        "overdue": (N_("Overdue"), "bad"),
    },
    "payment": {
        "pending": (N_("Pending"), "warn"),
        "confirmed": (N_("Booked"), "good"),
        "voided": (N_("Voided"), "plain"),
        "returned": (N_("Returned"), "bad"),
    },
    "entry": {
        "new": (N_("New"), "brand"),
        "auto": (N_("Matched"), "good"),
        "proposed": (N_("Check"), "warn"),
        "queued": (N_("No match"), "bad"),
        "pending": (N_("Pending"), "warn"),
        "processed": (N_("Posted"), "good"),
        "manually_paired": (N_("Paired by hand"), "good"),
        "ignored": (N_("Ignored"), "plain"),
        "cancelled": (N_("Cancelled"), "plain"),
        "error": (N_("Failed"), "bad"),
        "information": (N_("Not a payment"), "plain"),
    },
    "proof": {
        "proved": (N_("Balanced"), "good"),
        "gap": (N_("Gap"), "bad"),
        "no_balances": (N_("No balances"), "plain"),
        "control_totals": (N_("Totals agree"), "good"),
    },
    "run": {
        "queued": (N_("Queued"), "plain"),
        "preview_ready": (N_("Preview ready"), "brand"),
        "confirmed": (N_("Confirmed"), "brand"),
        "processing": (N_("Charging"), "warn"),
        "processed": (N_("Charged"), "good"),
        "failed": (N_("Failed"), "bad"),
        "cancelled": (N_("Discarded"), "plain"),
    },
    "movement": {
        "new": (N_("New"), "brand"),
        "expansion": (N_("Expansion"), "good"),
        "contraction": (N_("Contraction"), "warn"),
        "churn": (N_("Churn"), "bad"),
    },
    "import": {
        "uploaded": (N_("Not confirmed"), "brand"),
        "importing": (N_("Importing"), "warn"),
        "imported": (N_("Imported"), "good"),
    },
    "ticket": {
        "new": (N_("New"), "brand"),
        "work_in_progress": (N_("In progress"), "warn"),
        "waiting_on_customer": (N_("Waiting on customer"), "plain"),
        "waiting_on_agent": (N_("Waiting on us"), "warn"),
        "resolved": (N_("Resolved"), "good"),
    },
    "priority": {
        "urgent": (N_("Urgent"), "bad"),
        "high": (N_("High"), "warn"),
        "medium": (N_("Medium"), "brand"),
        "low": (N_("Low"), "plain"),
    },
    "item": {
        "in_stock": (N_("In stock"), "good"),
        "internal_usage": (N_("Own use"), "brand"),
        "assigned": (N_("Lent"), "info"),
        "rent": (N_("Rented"), "info"),
        "sold": (N_("Sold"), "plain"),
        "returned": (N_("Returned"), "warn"),
    },
    "condition": {"new": (N_("New"), "good"), "used": (N_("Used"), "plain"), "broken": (N_("Broken"), "bad")},
    "letter": {
        "queued": (N_("Queued"), "brand"),
        "deferred": (N_("Waits"), "warn"),
        "sent": (N_("Sent"), "good"),
        "failed": (N_("Failed"), "bad"),
    },
    "user": {"active": (N_("Active"), "good"), "disabled": (N_("Disabled"), "plain")},
    "key": {"active": (N_("Active"), "good"), "expired": (N_("Expired"), "plain"), "revoked": (N_("Revoked"), "bad")},
}

WORDS: dict[str, dict[str, str]] = {
    "method": {
        "bank_transfer": N_("Bank transfer"),
        "cash": N_("Cash"),
        "card": N_("Card"),
        "direct_debit": N_("Direct debit"),
        "voucher": N_("Voucher"),
        "other": N_("Other"),
    },
    "kind": {
        "charge": N_("Charge"),
        "payment": N_("Payment"),
        "correction": N_("Correction"),
        "credit": N_("Credit"),
        "unmatched": N_("Not matched yet"),
        "reversal": N_("Reversal"),
        "refund": N_("Refund"),
        "write_off": N_("Write-off"),
        "transfer": N_("Transfer"),
        "opening": N_("Opening balance"),
    },
    "category": {"person": N_("Person"), "company": N_("Company")},
    "rule": {
        "full_period": N_("Full period"),
        "full_first": N_("First period in full"),
        "cycle_days": N_("By days of the period"),
        "fixed_30": N_("By days of a 30-day month"),
        "calendar_split": N_("By calendar months"),
        "none": N_("Not shared out"),
    },
    "service": {
        "billing": N_("Billing"),
        "invoicing": N_("Invoicing"),
        "payments": N_("Payments"),
        "tickets": N_("Tickets"),
        "gateway": N_("Gateway"),
        "crm": N_("CRM"),
        "inventory": N_("Inventory"),
    },
    "movement": {
        "received": N_("Came into stock"),
        "changed": N_("Changed"),
        "assigned": N_("Given to"),
        "used": N_("Taken for own use"),
        "returned": N_("Came back"),
    },
    "role": {
        "administrator": N_("Administrator"),
        "finance": N_("Finance"),
        "cashier": N_("Cashier"),
        "support": N_("Support"),
    },
}


def state_label(kind: str, state: str) -> str:
    """The word for a state; a state this version does not know is shown as it is called."""
    known = STATES[kind].get(state)
    return gettext(known[0]) if known else state.replace("_", " ").capitalize()


def state_tone(kind: str, state: str) -> str:
    """The tone class of a state."""
    return STATES[kind].get(state, ("", "plain"))[1]


def word(kind: str, value: str) -> str:
    """The word for a coded value, with the same fallback as a state."""
    known = WORDS[kind].get(value)
    return gettext(known) if known else value.replace("_", " ").capitalize()


def document_state(state: str, overdue: bool) -> str:
    """What an invoice's badge says: an open one past its due date is overdue, however much of it is paid."""
    return "overdue" if overdue and state in ("unpaid", "partially_paid") else state
