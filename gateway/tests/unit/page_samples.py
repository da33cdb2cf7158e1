"""What each page is given, with any text in every place that people write."""

from typing import Any

from billhook_gateway.testing_samples import (
    DAY,
    ID,
    NOW,
    PERIOD,
    bank_and_runs,
    daily_work,
    euro,
    listed,
    people_and_books,
)
from billhook_gateway.ui.reference import Field, Operation, Shape


def contexts(text: str, number: int = 1) -> dict[str, dict[str, Any]]:
    """What each page is given, shaped like the services' JSON; every free text is ``text``."""
    r = people_and_books(text)
    r |= bank_and_runs(text, r["customer"]) | daily_work(text, r["customer"])
    account = {"balance": euro(), "open": euro(), "overdue": euro(), "currency": "EUR", "settings": {"billing_day": 1}}
    values = {"name": text, "email": text, "address.street": text, "subject": text, "body": text}
    errors = {"name": [text], "": [text]}
    form = {
        "values": values, "errors": errors, "currency": "EUR", "idempotency_key": text,
        "conflict": {"by": text, "at": NOW}, "company": {"version": 2, "name": "another", "vat_payer": True},
    }  # fmt: skip
    tab = {"customer": r["customer"], "counts": {"invoices": 3}, "tab": ""}
    user = {
        "id": ID,
        "version": 1,
        "name": text,
        "login": text,
        "role": text,
        "active": True,
        "signed_in_at": NOW,
        "email": text,
        "second_factor_at": NOW,
    }
    key = {
        "id": ID, "name": text, "prefix": text, "permissions": [text], "expires_at": NOW, "last_used_at": NOW,
        "revoked_at": None,
    }  # fmt: skip
    bank_account = {
        "id": ID, "version": 1, "name": text, "holder": text, "iban": text, "local_number": text, "bic": text,
        "currency": "EUR", "review_first": True,
    }  # fmt: skip
    field = Field(text, text, True, text)
    shape = Shape([field], text)
    operation = Operation(
        anchor="plans_list", method="GET", path="/api/billing/plans", summary=text, description=text, right=text,
        parameters=[("query", field)], body=shape, answers=[("200", text, shape), ("default", text, None)], curl=text,
    )  # fmt: skip
    receivables = {
        "owed": euro(), "owed_count": 2, "overdue": euro(), "overdue_count": 1, "not_due": euro(),
        "buckets": [{"from_days": 1, "until_days": 30, "count": 1, "sum": euro()},
                    {"from_days": 91, "until_days": None, "count": 1, "sum": euro()}],
    }  # fmt: skip
    month = {"month": "2026-11", "invoiced": euro(), "collected": euro()}
    movement = dict.fromkeys(("opening", "new", "expansion", "contraction", "churn", "closing"), euro())
    revenue = [{"month": "2026-10", **movement}, {"month": "2026-11", **movement}]
    run = {
        "id": ID, "run_date": DAY, "state": "processed", "currency": "EUR", "counts": {"charges": 3},
        "totals": {"gross": "3.00"},
    }  # fmt: skip
    moved = {
        "customer": r["customer"], "movement": "churn", "opening": euro(), "closing": euro("0"), "change": euro("-1"),
    }  # fmt: skip
    imported = {"job": r["job"], "services": r["job"], "errors": errors}
    return {
        "home.html": {
            "receivables": receivables, "invoiced": {"sum": euro(), "count": 2},
            "collected": {"sum": euro(), "count": 2}, "months": [month, {"month": "2026-12", "planned": euro()}],
            "unmatched": 3, "open_tickets": 1, "is_new": False, "steps": {"company": True, "customers": False},
            "debtors": [{"customer": r["customer"], "amount": euro("-1"), "days": 3}],
            "payers": [{"customer": r["customer"], "amount": euro()}], "transactions": listed(r["transaction"]),
            "revenue": revenue, "customers": {"total": 3, "by_status": {"active": 2, "blocked": 1}}, "runs": [run],
            "stale": {},
        },
        "revenue/list.html": {
            "moved": listed(moved, number), "totals": {"count": 2, "change": euro("-1")}, "month": revenue[1],
            "chosen": "2026-11",
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
        "reference/index.html": {
            "listed": {"billing": [operation]}, "away": [text], "line": text, "total": 1,
        },
        "reference/service.html": {
            "service": "billing", "names": ["billing", "crm"], "operations": [operation],
            "problems": [{"status": 409, "type": "/problems/x", "title": text, "description": text}],
        },
        "operations/page.html": {
            "services": [
                {"name": "billing", "why": "", "release": {"version": "0.1.0", "migrated": False}, "figures": {
                    "outbox_pending": 2, "outbox_oldest_seconds": 3, "queue_ready": 1, "queue_unacked": 1,
                    "retries_scheduled": 1, "retries_oldest_seconds": 1, "parked": 1, "dead": 1}},
                {"name": "crm", "why": text, "figures": None, "release": None},
            ],
            "jobs": [{"service": "billing", "job": "advance_runs", "state": "failing", "error": text, "seen_at": NOW,
                      "well_at": NOW, "next_at": None, "every_seconds": 0.5},
                     {"service": "crm", "job": "forget_old_rows", "state": "well", "error": None, "seen_at": NOW,
                      "well_at": NOW, "next_at": NOW, "every_seconds": None}],
            "parked": [{"service": "billing", "fingerprint": text, "types": [text], "count": 1, "reason": text,
                        "first_seen": NOW, "last_seen": NOW}],
        },
        "settings/list.html": {
            "groups": [{"service": "billing", "settings": decided(text)}], "silent": ["payments"], "currency": "EUR",
        },
        "settings/form.html": {
            "service": "billing", "setting": decided(text)[0], "value": text, "version": 3, "errors": {"value": [text]},
            "currency": "EUR", "history": listed({"version": 3, "value": 14, "reset": False, "changed_at": NOW,
                                                  "changed_by": text}, number),
        },
        "operations/events.html": {
            "service": "billing", "fingerprint": text,
            "events": listed({"type": text, "received_at": NOW, "attempts": 6, "reason": text, "event_id": ID,
                              "payload_text": text}, number),
        },
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
        "access/code.html": {"next": text, "errors": errors},
        "access/second_factor.html": {
            "proved": False, "demanded": True, "setup": {"secret": text, "uri": text}, "qr": "", "next": text,
            "errors": errors,
        },
        "access/recovery_codes.html": {"codes": [text], "next": "/account"},
        "access/forgot_password.html": {"login": text, "errors": errors},
        "access/reset_password.html": {"token": text, "errors": errors, "over": False},
        "access/mail.html": {
            "letters": listed(
                {"id": ID, "subject": text, "template": text, "recipient": text, "state": "failed", "created_at": NOW,
                 "sent_at": None, "last_error": text}, number,
            ),
        },
        "access/users.html": {"users": listed(user, number)},
        "access/user_form.html": {"user": user, "roles": [text], **form},
        "access/keys.html": {"keys": listed(key, number), "secret": text},
        "access/key_form.html": {"permissions": [text], **form},
        "palette_results.html": {"customers": listed(r["customer"]), "invoices": listed(r["invoice"])},
        "dev/components.html": {},
    }  # fmt: skip


def decided(text: str) -> list[dict[str, Any]]:
    """A setting of each type."""
    shared = {"name": "due_days", "title": text, "doc": text, "version": 3, "changed_at": NOW, "changed_by": text,
              "partners": [{}], "by_partner": True, "is_default": False}  # fmt: skip
    types: list[tuple[str, Any, dict[str, Any]]] = [
        ("whole_number", 14, {"least": 0, "most": 90, "unit": "days"}), ("amount", "500.00", {}), ("amount", None, {}),
        ("yes_no", True, {}), ("some_of", [text], {"options": [text, "finance"]}),
    ]  # fmt: skip
    return [shared | {"type": kind, "value": one, "default": one, "limits": limits} for kind, one, limits in types]
