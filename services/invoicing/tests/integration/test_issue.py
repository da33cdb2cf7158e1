"""Charges become invoices: numbers without gap, sums that agree, everything frozen."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from sqlalchemy.exc import DatabaseError

from billhook_common import migrate
from billhook_common.contracts.billing import CustomerCharged
from billhook_common.events.inbox import Inbox
from billhook_common.ids import derive_id, uuid7
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.harness import wire
from billhook_invoicing.actions import issue
from billhook_invoicing.actions.verify import verify_documents
from billhook_invoicing.domain.document import SumsDisagree
from billhook_invoicing.models import Document, DocumentLine

pytestmark = pytest.mark.integration

Desk = Any


def changed(charge: CustomerCharged, **fields: Any) -> CustomerCharged:
    return msgspec.structs.replace(charge, **fields)


def proven(harness: ServiceHarness) -> bool:
    with harness.session() as session:
        return verify_documents(session) == []


def park(harness: ServiceHarness) -> None:
    """Let failed events fail until they are parked."""
    for _ in range(10):
        harness.retry()


def test_models_and_migrations_agree(harness: ServiceHarness, service: Service) -> None:
    migrate.check(service.migrations, harness.config.database_url, service.metadata)


def test_a_charge_becomes_an_invoice_and_everybody_hears_its_number(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charged(("1", "24.90", "21"), ("2", "1.505", "12"))
    (told,) = desk.issued()
    assert told.document_id == derive_id("document", charge.charge_id)
    assert (told.number, told.charge_id, told.customer_id) == ("INV-2026-000001", charge.charge_id, charge.customer_id)
    assert (told.net, told.tax, told.gross) == (Decimal("27.91"), Decimal("5.59"), Decimal("33.50"))
    assert told.taxes == charge.taxes
    assert told.payment_reference == "10000001"
    # Issued on the day of the clock, 23 days after the bill date: so much longer is the time to pay (R22).
    assert (told.issued_on, told.due_on) == (dt.date(2026, 11, 24), dt.date(2026, 12, 8))
    assert told.tax_point_on == dt.date(2026, 11, 1)
    assert proven(harness)


def test_a_month_charged_afterwards_is_taxed_on_its_last_day(desk: Desk) -> None:
    later = dt.date(2026, 12, 1)
    desk.charged(bill_date=later, due_on=dt.date(2026, 12, 15))
    (told,) = desk.issued()
    assert told.tax_point_on == dt.date(2026, 11, 30)
    # A bill date in the future moves nothing.
    assert (told.issued_on, told.due_on) == (dt.date(2026, 11, 24), dt.date(2026, 12, 15))


def test_a_charge_that_wants_no_document_gets_none(desk: Desk) -> None:
    desk.charged(wants_document=False)
    assert desk.issued() == []
    assert desk.read("SELECT next FROM counter") == []


def test_the_same_charge_is_one_invoice_however_often_it_comes(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charged()
    raw, _ = wire(charge, harness.clock.now())
    harness.inbox.accept([raw, raw])
    harness.deliver(charge, charge)
    other = desk.charge(charge.customer_id)
    harness.deliver(other, other, charge)
    assert desk.numbers() == ["INV-2026-000001", "INV-2026-000002"]
    assert harness.unfinished() == []
    assert proven(harness)


def test_a_charge_that_comes_again_with_another_amount_is_set_aside(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charged()
    harness.deliver(desk.charge(charge.customer_id, ("1", "30", "21"), charge_id=charge.charge_id))
    (failed,) = harness.unfinished()
    assert failed["fingerprint"].startswith("InvoicedDifferently")
    assert desk.numbers() == ["INV-2026-000001"]


def test_an_invoice_waits_for_its_customer(harness: ServiceHarness, desk: Desk) -> None:
    late, known = desk.customer(7), desk.a_customer_is_known()
    harness.deliver(desk.charge(late.customer_id), desk.charge(known))
    assert [event["fingerprint"].split()[0] for event in harness.unfinished()] == ["NotYet"]
    assert desk.numbers() == ["INV-2026-000001"]
    harness.deliver(late)
    harness.retry()
    assert desk.numbers() == ["INV-2026-000001", "INV-2026-000002"]
    assert harness.unfinished() == []


def test_one_wrong_sum_among_three_hundred_stops_nobody_else_and_leaves_no_gap(
    harness: ServiceHarness, desk: Desk
) -> None:
    customer = desk.a_customer_is_known()
    charges = [desk.charge(customer) for _ in range(300)]
    charges[123] = changed(charges[123], gross=charges[123].gross + Decimal("0.01"))
    harness.deliver(*charges)
    assert desk.numbers() == [f"INV-2026-{number:06}" for number in range(1, 300)]
    assert charges[123].charge_id not in {fact.charge_id for fact in desk.issued()}
    park(harness)
    (parked,) = harness.unfinished()
    assert (parked["state"], parked["type"]) == ("parked", "billing.customer.charged.v1")
    assert parked["fingerprint"].startswith("SumsDisagree")
    assert proven(harness)


def _line(charge: CustomerCharged, **fields: Any) -> list[Any]:
    return [msgspec.structs.replace(charge.lines[0], **fields), *charge.lines[1:]]


SPOILT = [
    lambda charge: {"net": charge.net + 1},
    lambda charge: {"tax": charge.tax + 1, "net": charge.net - 1},
    lambda charge: {"gross": charge.gross - Decimal("0.01")},
    lambda charge: {"gross": charge.gross + Decimal("0.001")},
    lambda charge: {"taxes": []},
    lambda charge: {"taxes": charge.taxes * 2},
    lambda charge: {"taxes": [msgspec.structs.replace(charge.taxes[0], rate=Decimal(20))]},
    lambda charge: {"lines": charge.lines[:1]},
    lambda charge: {"lines": _line(charge, net=Decimal("24.89"))},
    lambda charge: {"lines": _line(charge, tax=Decimal("5.24"))},
    lambda charge: {"lines": _line(charge, amount=Decimal("24.80"))},
    lambda charge: {"lines": _line(charge, tax_rate=Decimal(12))},
    lambda charge: {"lines": [], "taxes": [], "net": Decimal(0), "tax": Decimal(0), "gross": Decimal(0)},
]


def test_sums_that_disagree_are_named_and_take_no_number(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charge(desk.a_customer_is_known(), ("1", "24.90", "21"), ("1", "10", "21"))
    for spoil in SPOILT:
        with pytest.raises(SumsDisagree), harness.session() as session:
            issue.issue_invoices(session, harness.clock, [changed(charge, **spoil(charge))])
    assert desk.issued() == []
    assert desk.read("SELECT next FROM counter") == []


def test_a_credit_is_not_an_invoice(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charge(desk.a_customer_is_known(), ("-1", "10", "21"))
    with pytest.raises(SumsDisagree, match="R24"), harness.session() as session:
        issue.issue_invoices(session, harness.clock, [charge])


def test_nothing_to_pay_is_an_invoice_too(desk: Desk) -> None:
    invoice = desk.invoice(desk.charged(("1", "0", "21")))
    assert (invoice["gross_total"]["amount"], invoice["state"], invoice["overdue"]) == ("0.00", "paid", False)


def test_currencies_keep_their_decimals(desk: Desk) -> None:
    for currency, price, gross in [("JPY", "1000", "1210"), ("KWD", "1.005", "1.216")]:
        invoice = desk.invoice(desk.charged(("1", price, "21"), currency=currency))
        assert invoice["gross_total"] == {"amount": gross, "currency": currency}


def test_two_consumers_at_once_give_every_number_once(harness: ServiceHarness, desk: Desk, service: Service) -> None:
    customer = desk.a_customer_is_known()
    charges = [desk.charge(customer) for _ in range(400)]
    batches = [[wire(charge, harness.clock.now())[0] for charge in charges[at : at + 25]] for at in range(0, 400, 25)]
    # Every charge comes twice, in batches of different consumers.
    batches += [[wire(charge, harness.clock.now())[0] for charge in charges[at::16]] for at in range(16)]
    consumers = [Inbox(harness.database, service.handlers, harness.clock, harness.config) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda at: consumers[at % 4].accept(batches[at]), range(len(batches))))
    while harness.retry():
        pass
    assert harness.unfinished() == []
    assert sorted(desk.numbers()) == [f"INV-2026-{number:06}" for number in range(1, 401)]
    assert len({fact.charge_id for fact in desk.issued()}) == 400
    assert proven(harness)


def test_a_crash_after_numbering_gives_the_numbers_back(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    charges = [desk.charge(desk.a_customer_is_known()) for _ in range(5)]
    with (
        patch.object(issue, "publish_many", side_effect=MemoryError),
        pytest.raises(MemoryError),
        harness.session() as session,
    ):
        issue.issue_invoices(session, harness.clock, charges)
    assert desk.read("SELECT count(*) FROM document") == [(1,)]
    harness.deliver(*charges)
    assert desk.numbers() == [f"INV-2026-{number:06}" for number in range(1, 7)]
    assert proven(harness)


def test_days_never_go_back_in_a_series(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    harness.clock.advance(dt.timedelta(days=-2))
    desk.charged()
    harness.clock.advance(dt.timedelta(days=9))
    desk.charged()
    assert [fact.issued_on.day for fact in desk.issued()] == [24, 24, 1]
    assert proven(harness)


def test_numbers_begin_again_with_the_year_of_the_operators_zone(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    harness.clock.set(dt.datetime(2026, 12, 31, 22, 59, tzinfo=dt.UTC))
    desk.charged()
    harness.clock.set(dt.datetime(2026, 12, 31, 23, 1, tzinfo=dt.UTC))  # Prague has midnight at 23:00 UTC.
    desk.charged()
    assert desk.numbers() == ["INV-2026-000001", "INV-2026-000002", "INV-2027-000001"]
    assert proven(harness)


def test_what_is_on_an_invoice_does_not_follow_its_customer_or_company(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    customer = desk.customer(1, "Anna Nováková")
    harness.deliver(customer)
    charge = desk.charged(customer_id=customer.customer_id)
    moved = desk.customer(
        1, "Anna Malá", version=2, customer_id=customer.customer_id, payment_reference="77", language="cs"
    )
    harness.deliver(moved, desk.company(2, name="Brightvale a.s."))
    frozen = desk.invoice(charge)
    assert (frozen["buyer"]["name"], frozen["seller"]["name"]) == ("Anna Nováková", "Brightvale Networks")
    assert (frozen["payment_reference"], frozen["language"]) == ("10000001", "en")
    assert frozen["customer"]["name"] == "Anna Malá"
    later = desk.invoice(desk.charged(customer_id=customer.customer_id))
    assert (later["buyer"]["name"], later["seller"]["name"]) == ("Anna Malá", "Brightvale a.s.")
    assert (later["payment_reference"], later["language"]) == ("77", "cs")


def test_a_customer_without_reference_pays_by_the_number(desk: Desk) -> None:
    desk.charged(customer_id=desk.a_customer_is_known(payment_reference=""))
    (told,) = desk.issued()
    assert told.payment_reference == told.number


def test_mirrors_keep_the_newest_version_in_any_order(harness: ServiceHarness, desk: Desk) -> None:
    customer_id = uuid7()
    versions = {
        number: desk.customer(1, f"Name {number}", version=number, customer_id=customer_id) for number in (1, 2, 3)
    }
    harness.deliver(versions[2], versions[3], versions[1])
    harness.deliver(desk.company(3, name="Third"))
    harness.deliver(desk.company(2, name="Second"), desk.company(1, name="First"))
    frozen = desk.invoice(desk.charged(customer_id=customer_id))
    assert (frozen["buyer"]["name"], frozen["seller"]["name"]) == ("Name 3", "Third")
    assert desk.read("SELECT version FROM company") == [(3,)]


def test_an_invoice_cannot_be_changed_by_sql(harness: ServiceHarness, desk: Desk) -> None:
    harness.deliver(desk.company())
    invoice = desk.invoice(desk.charged())
    harness.client().get(f"/invoices/{invoice['id']}/pdf")
    for table, column in [
        ("document", "gross"), ("document_line", "net"), ("document_pdf", "made_at"), ("company", "bic")
    ]:  # fmt: skip
        for command in ("UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            with pytest.raises(DatabaseError, match="append-only"):
                desk.read(command.format(table, column, column))


def test_the_database_refuses_lines_that_do_not_sum_up(desk: Desk) -> None:
    desk.charged()
    names = [column.name for column in DocumentLine.__table__.columns if column.name not in {"document_id", "line"}]
    columns = ", ".join(names)
    for ids in ("document_id, 2", "gen_random_uuid(), 1"):
        again = f"INSERT INTO document_line (document_id, line, {columns}) SELECT {ids}, {columns} FROM document_line"
        with pytest.raises(DatabaseError, match="which it does not say"):
            desk.read(again)


def test_the_database_refuses_a_number_that_was_given(desk: Desk) -> None:
    desk.charged()
    columns = [column.name for column in Document.__table__.columns if column.name not in {"id", "seq"}]
    for other, constraint in [("number", "uq_document_counter"), ("counter", "uq_document_number")]:
        values = ", ".join({"number": "'X'", "counter": "7"}[name] if name == other else name for name in columns)
        with pytest.raises(DatabaseError, match=constraint):
            desk.read(
                f"INSERT INTO document (id, {', '.join(columns)}) SELECT gen_random_uuid(), {values} FROM document"
            )
