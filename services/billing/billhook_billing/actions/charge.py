"""Charge customers: postings, explained lines, ``charged_until`` moved, events, all in one transaction (R11)."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.due import Due, Payer
from billhook_billing.actions.post import NewTransaction, Posted, post
from billhook_billing.actions.settle import settle_new
from billhook_billing.domain import ledger
from billhook_billing.domain.charging import Charge, ChargeLine
from billhook_common.clock import Clock
from billhook_common.contracts import billing as contracts
from billhook_common.db import copy_rows
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import derive_id
from billhook_common.money import Money, exponent

_LINE = (
    "transaction_id", "line", "subscription_id", "text", "period_from", "period_until", "days", "period_days", "rule",
    "quantity", "unit_price", "tax_rate", "tax_included", "discount", "net", "tax",
)  # fmt: skip
_MOVE = text("""
    UPDATE subscription SET charged_until = new.charged_until, version = version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:before AS date[]), CAST(:after AS date[])) AS new(id, was, charged_until)
    WHERE subscription.id = new.id AND subscription.charged_until IS NOT DISTINCT FROM new.was
""")


class ChargedMeanwhile(Exception):
    """Somebody else charged one of these subscriptions since it was read: the chunk is computed again."""


def charge_id(charge: Charge) -> UUID:
    """The id of a charge: what it charges, so that a repetition or a restored database meets itself (events 2.3)."""
    return derive_id("charge", *sorted([f"{line.terms.subscription_id}:{line.from_}" for line in charge.lines]))


def charge_customers(session: Session, clock: Clock, run_id: UUID, run_date: dt.date, dues: Sequence[Due]) -> int:
    """Post the charges of ``dues``; returns how many there were.

    Raises ChargedMeanwhile, or the error of one customer's posting: then none of them may be kept.
    """
    charges = [(due.payer, due.charge) for due in dues if due.charge is not None]
    if not charges:
        return 0
    bill_date = max(run_date, clock.today())
    new = [_posting(payer, charge, run_id, run_date, bill_date) for payer, charge in charges]
    posted = post(session, clock, new)
    fresh = [
        (payer, charge, transaction, result)
        for (payer, charge), transaction, result in zip(charges, new, posted, strict=True)
        if result.created
    ]
    copy_rows(session, "charged_line", _LINE, _lines((charge, result.id) for _, charge, _, result in fresh))
    _move_charged_until(session, [charge for _, charge in charges])
    publish_many(session, clock, (_told(*item, run_id) for item in fresh))
    settle_new(session, clock, [result for *_, result in fresh])
    return len(fresh)


def _posting(payer: Payer, charge: Charge, run_id: UUID, run_date: dt.date, bill_date: dt.date) -> NewTransaction:
    """Due some days after ``bill_date``; with a document after the run date, and its invoice moves that (R22)."""
    counted_from = run_date if payer.wants_document else bill_date
    made = charge_id(charge)
    nets = [line.net_minor for line in charge.lines]
    taxes = [(row.rate, row.tax_minor) for row in charge.taxes]
    return NewTransaction(
        id=derive_id("transaction", made),
        posting=ledger.charge(payer.customer_id, charge.currency, nets=nets, taxes=taxes),
        customer_id=payer.customer_id,
        posted_on=run_date,
        description=", ".join(dict.fromkeys([line.terms.description for line in charge.lines])),
        source="run",
        period_from=min([line.from_ for line in charge.lines]),
        period_until=max([line.until for line in charge.lines]),
        due_on=counted_from + dt.timedelta(days=payer.due_days),
        charge_id=made,
        run_id=run_id,
        wants_document=payer.wants_document,
    )


def _lines(charges: Iterator[tuple[Charge, UUID]]) -> Iterator[tuple[object, ...]]:
    for charge, transaction_id in charges:
        for at, line in enumerate(charge.lines, 1):
            terms = line.terms
            yield (
                transaction_id, at, terms.subscription_id, terms.description, line.from_, line.until, line.days,
                line.period_days, line.rule, terms.quantity, terms.price, terms.tax_rate, terms.tax_included,
                line.discount_minor, line.net_minor, line.tax_minor,
            )  # fmt: skip


def _move_charged_until(session: Session, charges: Sequence[Charge]) -> None:
    """The compare-and-set of R11. Raises ChargedMeanwhile."""
    before = {line.terms.subscription_id: line.terms.charged_until for charge in charges for line in charge.lines}
    after = {subscription: until for charge in charges for subscription, until in charge.charged_until.items()}
    ids = list(before)
    values = {"ids": ids, "before": list(before.values()), "after": [after[key] for key in ids]}
    moved = session.connection().execute(_MOVE, values).rowcount
    if moved != len(ids):
        raise ChargedMeanwhile(f"{len(ids) - moved} of {len(ids)} subscriptions were charged meanwhile")


def _told(payer: Payer, charge: Charge, new: NewTransaction, posted: Posted, run_id: UUID) -> Outgoing:
    digits = exponent(charge.currency)
    assert new.charge_id and new.period_from and new.period_until and new.due_on
    assert posted.balance_after is not None and posted.account_version is not None
    fact = contracts.CustomerCharged(
        charge_id=new.charge_id,
        transaction_id=posted.id,
        customer_id=payer.customer_id,
        run_id=run_id,
        bill_date=new.posted_on,
        due_on=new.due_on,
        period_from=new.period_from,
        period_until=new.period_until,
        currency=charge.currency,
        tax_included=any(line.terms.tax_included for line in charge.lines),
        lines=[_told_line(line, digits) for line in charge.lines],
        taxes=[
            contracts.TaxLine(rate=row.rate, net=_decimal(row.net_minor, digits), tax=_decimal(row.tax_minor, digits))
            for row in charge.taxes
        ],
        net=_decimal(charge.net_minor, digits),
        tax=_decimal(charge.tax_minor, digits),
        gross=_decimal(charge.gross_minor, digits),
        balance_after=Money.from_minor(posted.balance_after, charge.currency),
        account_version=posted.account_version,
        wants_document=payer.wants_document,
    )
    return Outgoing(fact=fact, subject=new.charge_id, customer_id=payer.customer_id, version=posted.account_version)


def _told_line(line: ChargeLine, digits: int) -> contracts.ChargeLine:
    terms = line.terms
    return contracts.ChargeLine(
        subscription_id=terms.subscription_id,
        text=terms.description,
        quantity=terms.quantity,
        unit_price=terms.price,
        amount=_decimal(line.net_minor + line.tax_minor if terms.tax_included else line.net_minor, digits),
        net=_decimal(line.net_minor, digits),
        tax=_decimal(line.tax_minor, digits),
        tax_rate=terms.tax_rate,
        period_from=line.from_,
        period_until=line.until,
        days=line.days,
        period_days=line.period_days,
        rule=line.rule,
        discount=_decimal(line.discount_minor, digits),
    )


@lru_cache(maxsize=65_536)
def _decimal(minor: int, digits: int) -> Decimal:
    """Minor units as a decimal of so many ``digits``; prices repeat, so most of a run's amounts are remembered."""
    return Decimal(minor).scaleb(-digits)
