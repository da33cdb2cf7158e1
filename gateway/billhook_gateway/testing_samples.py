"""Records for tests of pages, shaped like the services' JSON, with any text in every place that people write."""

from typing import Any

ID = "0193a0c0-0000-7000-8000-000000000001"
NOW = "2026-11-22T08:41:00+00:00"
DAY = "2026-11-18"
PERIOD = {"from": "2026-11-01", "until": "2026-12-01"}


def euro(amount: str = "42.90") -> dict[str, str]:
    """An amount."""
    return {"amount": amount, "currency": "EUR"}


def listed(item: Any, number: int = 1) -> dict[str, Any]:
    """A page of a list that goes on."""
    return {"items": [item] * number, "next": "cursor"}


def people_and_books(text: str) -> dict[str, Any]:
    """Customer, transaction, open item, invoice, payment."""
    customer = {
        "id": ID, "version": 1, "number": text, "login": text, "name": text, "category": "person", "status": "active",
        "lifecycle": "active", "email": text, "phone": text, "city": text, "contact_person": text, "note": text,
        "address": {"street": text, "city": text, "zip": text, "country": text}, "payment_reference": text,
        "balance": euro("-42.90"), "overdue": euro(), "plan": text, "monthly": euro(), "billing_day": 1,
        "last_payment_on": DAY, "created_on": DAY,
    }  # fmt: skip
    transaction = {
        "id": ID, "posted_on": DAY, "kind": "charge", "side": "debit", "description": text, "amount": euro(),
        "balance_after": euro(), "document_number": text, "document_id": ID, "customer": customer,
    }  # fmt: skip
    item = {
        "transaction_id": ID, "document_id": ID, "document_number": text, "due_on": DAY, "total": euro(),
        "open": euro(), "overdue": True, "customer": customer, "kind": text, "description": text,
    }  # fmt: skip
    invoice = {
        "id": ID, "number": text, "customer": customer, "issued_on": DAY, "tax_point_on": DAY, "due_on": DAY,
        "period": PERIOD, "transaction_id": ID, "net_total": euro(), "tax_total": euro(), "gross_total": euro(),
        "open_amount": euro(), "state": "unpaid", "overdue": True, "payment_reference": text,
        "taxes": [{"rate": "21", "net": "1", "tax": "1"}],
        "lines": [{"text": text, "rule": text, "days": 3, "period_days": 30, "discount": "1.00", "period": PERIOD,
                   "quantity": "1", "unit_price": "1", "tax_rate": "21", "net": "1"}],
    }  # fmt: skip
    payment = {
        "id": ID, "number": text, "customer": customer, "amount": euro(), "method": text, "received_on": DAY,
        "booked_on": DAY, "state": "confirmed", "reference": text, "note": text, "entered_by": text, "entered_at": NOW,
        "voided_at": NOW, "voided_by": text, "void_reason": text, "statement_id": ID, "entry_id": ID,
        "documents": [{"document_id": ID, "number": text, "amount": "1"}],
    }  # fmt: skip
    return {"customer": customer, "transaction": transaction, "item": item, "invoice": invoice, "payment": payment}


def bank_and_runs(text: str, customer: dict[str, Any]) -> dict[str, Any]:
    """Bank statement with a line, billing run with a charge."""
    candidate = {
        "customer": customer, "document": {"id": ID, "number": text}, "documents": [], "open": euro(), "score": 77,
        "reasons": [text],
    }  # fmt: skip
    entry = {
        "id": ID, "statement_id": ID, "position": 1, "booked_on": DAY, "reason": text, "payments": [],
        "customer": None, "decided_by": text, "decided_at": NOW, "amount": euro(), "payer": text, "iban_masked": text,
        "remittance": text, "state": "proposed", "score": 77, "reasons": [text], "candidates": [candidate],
        "can_split": True,
    }  # fmt: skip
    counted = {"count": 1, "sum": euro()}
    statement = {
        "id": ID, "account": text, "format": text, "sequence": text, "entries": 3, "credits": euro(), "debits": euro(),
        "opening": euro(), "closing": euro(), "proof": "proved", **PERIOD, "to_post": {"count": 1, "sum": euro()},
        "counts": {"auto": 1, "proposed": 1, "queued": 1, "ignored": 0, "processed": 0, "information": 1, "pending": 0},
        "paired": counted, "queued": counted, "ignored": counted, "imported_at": NOW,
    }  # fmt: skip
    run = {
        "id": ID, "run_date": DAY, "state": "preview_ready", "created_at": NOW, "created_by": text,
        "confirmed_at": None, "confirmed_by": text, "progress": "0.4", "currency": "EUR",
        "counts": {"customers": 1, "charges": 1, "lines": 1, "late": 1, "charged": 1, "skipped": 1, "failed": 1},
        "totals": {"net": "1.00", "tax": "1.00", "gross": "2.00"},
        "charged_totals": {"net": "1.00", "tax": "1.00", "gross": "2.00"},
    }  # fmt: skip
    charge = {
        "customer": customer, "period": PERIOD, "lines": 1, "late": True, "approved": False, "net": euro(),
        "tax": euro(), "gross": euro(),
    }  # fmt: skip
    problem = {"customer": customer, "reason": text, "detail": text}
    return {"entry": entry, "statement": statement, "run": run, "charge": charge, "problem": problem}


def daily_work(text: str, customer: dict[str, Any]) -> dict[str, Any]:
    """Ticket, item, plan, subscription, import."""
    ticket = {
        "id": ID, "number": text, "subject": text, "status": "new", "priority": "urgent", "customer": customer,
        "assignee": text, "opened_at": NOW,
        "messages": [{"author": text, "sent_at": NOW, "body": text, "note": True}],
    }  # fmt: skip
    thing = {
        "id": ID, "product": {"id": ID, "name": text}, "serial": text, "status": "in_stock", "condition": "used",
        "customer": customer, "location": text, "barcode": text, "note": text,
        "movements": [{"action": text, "at": NOW, "actor": text, "status": "assigned", "condition": "new",
                       "location": text, "customer": customer, "note": text}],
    }  # fmt: skip
    plan = {
        "id": ID, "version": 1, "name": text, "description": text, "price": "1", "currency": "EUR", "tax_rate": "21",
        "tax_included": True, "period_months": 1, "enabled": True,
    }  # fmt: skip
    subscription = {
        "id": ID, "version": 1, "plan_name": text, "state": "active", "description": text, "currency": "EUR",
        "quantity": "2", "price": "1", "period_months": 1, "tax_included": True, "starts_on": DAY, "ends_before": DAY,
        "charged_until": DAY,
    }  # fmt: skip
    job = {
        "id": ID, "filename": text, "state": "uploaded", "rows": 3, "imported": 1, "known": 1, "failed": 1,
        "uploaded_by": text, "uploaded_at": NOW, "header": [text], "mapping": {"name": text}, "same_file": [],
        "columns": [{"name": "name", "title": text, "required": True}], "dialect": {"date_order": "dmy"},
    }  # fmt: skip
    row_error = {"row": 1, "line": 2, "column": text, "header": text, "message": text, "value": text}
    preview = {
        "rows": 3, "new": 1, "known": 1, "failed": 1, "unused": [text], "errors": [row_error], "plans": [text],
        "sample": [{"row": 1, "customer": {"name": text, "login": text, "email": text, "city": text,
                                           "created_on": DAY}}],
    }  # fmt: skip
    return {
        "ticket": ticket,
        "thing": thing,
        "plan": plan,
        "subscription": subscription,
        "job": job,
        "preview": preview,
    }
