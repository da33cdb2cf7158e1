"""What each page is given, shaped like the services' JSON, with any text in every place that people write."""

from typing import Any

ID = "0193a0c0-0000-7000-8000-000000000001"
NOW = "2026-11-22T08:41:00+00:00"
DAY = "2026-11-18"
PERIOD = {"from": "2026-11-01", "until": "2026-12-01"}


def euro(amount: str = "42.90") -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def listed(item: Any, number: int = 1) -> dict[str, Any]:
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


def contexts(text: str, number: int = 1) -> dict[str, dict[str, Any]]:
    """What each page is given, shaped like the services' JSON; every free text is ``text``."""
    r = people_and_books(text)
    r |= bank_and_runs(text, r["customer"]) | daily_work(text, r["customer"])
    account = {"balance": euro(), "open": euro(), "overdue": euro(), "currency": "EUR", "settings": {"billing_day": 1}}
    values = {"name": text, "email": text, "address.street": text, "subject": text, "body": text}
    errors = {"name": [text], "": [text]}
    form = {"values": values, "errors": errors, "currency": "EUR", "idempotency_key": text}
    tab = {"customer": r["customer"], "counts": {"invoices": 3}, "tab": ""}
    user = {"id": ID, "version": 1, "name": text, "login": text, "role": text, "active": True, "signed_in_at": NOW}
    key = {
        "id": ID, "name": text, "prefix": text, "permissions": [text], "expires_at": NOW, "last_used_at": NOW,
        "revoked_at": None,
    }  # fmt: skip
    bank_account = {
        "id": ID, "name": text, "holder": text, "iban": text, "local_number": text, "bic": text, "currency": "EUR",
        "review_first": True,
    }  # fmt: skip
    receivables = {
        "owed": euro(), "owed_count": 2, "overdue": euro(), "overdue_count": 1, "not_due": euro(),
        "buckets": [{"from_days": 1, "until_days": 30, "count": 1, "sum": euro()},
                    {"from_days": 91, "until_days": None, "count": 1, "sum": euro()}],
    }  # fmt: skip
    month = {"month": "2026-11", "invoiced": euro(), "collected": euro()}
    imported = {"job": r["job"], "services": r["job"], "errors": errors}
    return {
        "home.html": {
            "receivables": receivables, "invoiced": {"sum": euro(), "count": 2},
            "collected": {"sum": euro(), "count": 2}, "months": [month, {"month": "2026-12", "planned": euro()}],
            "unmatched": 3, "open_tickets": 1, "is_new": False, "steps": {"company": True, "customers": False},
            "debtors": [{"customer": r["customer"], "amount": euro("-1"), "days": 3}],
            "payers": [{"customer": r["customer"], "amount": euro()}], "transactions": listed(r["transaction"]),
        },
        "signin.html": form,
        "error.html": {"status": 403, "detail": "", "missing": text, "service": "", "request_id": text},
        "customers/list.html": {"customers": listed(r["customer"], number), "count": {"total": 9, "filtered": 1}},
        "customers/form.html": {"customer": r["customer"], **form},
        "customers/overview.html": {
            **tab, "account": account,
            "next_charge": {"on": DAY, "total": euro(), "lines": [{"text": text, "period": PERIOD, "net": euro()}]},
            "open_items": listed(r["item"]), "transactions": listed(r["transaction"]),
            "subscriptions": listed(r["subscription"]),
            "invoices": listed(r["invoice"]), "tickets": listed(r["ticket"]),
        },
        "customers/services.html": {**tab, "subscriptions": listed(r["subscription"])},
        "customers/transactions.html": {**tab, "transactions": listed(r["transaction"], number)},
        "customers/invoices.html": {**tab, "invoices": listed(r["invoice"], number)},
        "customers/payments.html": {**tab, "payments": listed(r["payment"], number)},
        "customers/tickets.html": {**tab, "tickets": listed(r["ticket"], number)},
        "customers/equipment.html": {**tab, "equipment": listed(r["thing"], number)},
        "customers/service_form.html": {
            "customer": r["customer"], "account": account, "plans": listed(r["plan"]), **form,
        },
        "customers/service.html": {"customer": r["customer"], "service": r["subscription"], **form},
        "customers/correction.html": {"customer": r["customer"], **form},
        "customers/import/upload.html": {"step": 1, "job": None, "jobs": listed(r["job"]), "errors": errors},
        "customers/import/columns.html": {"step": 2, "cut_over": DAY, **imported},
        "customers/import/preview.html": {
            "step": 3, "preview": r["preview"], "services_preview": r["preview"] | {"balance": euro()},
            "check": {"left_out": 1, "without_service": 1, "services": 1, "errors": r["preview"]["errors"],
                      "unused": [text]}, **imported,
        },
        "customers/import/result.html": {"step": 4, **imported},
        "plans/list.html": {"plans": listed(r["plan"], number)},
        "plans/form.html": {"plan": r["plan"], **form},
        "billing_runs/list.html": {"runs": listed(r["run"], number)},
        "billing_runs/form.html": form,
        "billing_runs/page.html": {
            "run": r["run"], "charges": listed(r["charge"], number), "skipped": listed(r["problem"]),
            "failed": listed(r["problem"]),
        },
        "transactions/list.html": {
            "transactions": listed(r["transaction"], number),
            "totals": {"EUR": {"debit": {"count": 1, "sum": "1"}, "credit": {"count": 1, "sum": "1"}}},
        },
        "invoices/list.html": {
            "invoices": listed(r["invoice"], number), "totals": {"count": 1, "gross": euro(), "open": euro()},
        },
        "invoices/page.html": {
            "invoice": r["invoice"],
            "settled_by": [{"kind": text, "given_on": DAY, "description": text, "amount": euro(), "payment_id": ID}],
        },
        "payments/list.html": {"payments": listed(r["payment"], number), "totals": {"count": 1, "sum": euro()}},
        "payments/page.html": {"payment": r["payment"], "idempotency_key": text},
        "payments/form.html": {
            "customer": r["customer"], "account": account, "open_items": listed(r["item"]),
            "found": [r["customer"] | {"open": euro()}], **form,
        },
        "open_items/list.html": {
            "items": listed(r["item"], number), "totals": {"EUR": {"count": 1, "total": "1", "open": "1"}},
            "customer": r["customer"],
        },
        "company.html": form,
        "bank/list.html": {
            "statements": listed(r["statement"], number), "unmatched": {"count": 2, "sum": euro()}, "errors": errors,
        },
        "bank/to_check.html": {"entries": listed(r["entry"], number), "panel": {"count": 2, "sum": euro()}},
        "bank/accounts.html": {"accounts": listed(bank_account, number)},
        "bank/account_form.html": {"account": bank_account, **form},
        "bank/statement.html": {
            "statement": r["statement"], "entries": listed(r["entry"], number), "entry": r["entry"],
            "found": [r["customer"] | {"open": euro(), "documents": []}], "following": ID, "undo": ID,
        },
        "bank/split.html": {"statement": r["statement"], "entry": r["entry"], "values": [], "errors": errors},
        "tickets/list.html": {"tickets": listed(r["ticket"], number), "open_count": 1},
        "tickets/form.html": {"customer": r["customer"], **form},
        "tickets/page.html": {"ticket": r["ticket"], **form},
        "inventory/list.html": {"items": listed(r["thing"], number)},
        "inventory/form.html": {"products": listed({"name": text}), **form},
        "inventory/page.html": {"item": r["thing"], **form},
        "access/account.html": {
            "me": {"name": text, "user": user, "role_title": text}, "this_session": "", "errors": errors,
            "sessions": listed({"id": ID, "created_at": NOW, "seen_at": NOW, "ip": text, "user_agent": text}),
        },
        "access/users.html": {"users": listed(user, number)},
        "access/user_form.html": {"user": user, "roles": [text], **form},
        "access/keys.html": {"keys": listed(key, number), "secret": text},
        "access/key_form.html": {"permissions": [text], **form},
        "palette_results.html": {"customers": listed(r["customer"]), "invoices": listed(r["invoice"])},
        "dev/components.html": {},
    }  # fmt: skip
