"""Subscriptions from the file that the customers came in (E3, R21, R69)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from billhook_billing.actions.match import Options, hold_accounts, options_of, part_rows
from billhook_billing.actions.plans import plan_key, plans_named
from billhook_billing.actions.take_over import take_over
from billhook_billing.domain.subscription_columns import subscription_columns
from billhook_billing.domain.subscription_row import SubscriptionRow, row_of
from billhook_common.clock import Clock
from billhook_common.errors import Invalid
from billhook_common.imports import Examined, FileImport, FileRow, Importer
from billhook_common.money import Money
from billhook_common.tabular import Column, Dialect, Record

FURTHEST_DAYS = 366
"""A cut-over date further from today is a slip of the keyboard."""


class CutOverOutOfRange(Invalid):
    """A file is taken over within a year from today."""

    title = "The cut-over date is too far from today"


class SubscriptionImporter(Importer[SubscriptionRow]):
    """The rules of subscription files."""

    subject = "subscription"
    row_type = SubscriptionRow

    def columns(self, dialect: Dialect, currency: str) -> Sequence[Column]:
        """Login, plan, price and so on. Raises UnknownCurrency."""
        return subscription_columns(dialect, currency)

    def options(self, given: Mapping[str, Any], today: dt.date) -> dict[str, Any]:
        """The cut-over date is today unless given. Raises CutOverOutOfRange."""
        options = msgspec.convert({"cut_over": today, **given}, Options)
        if abs((options.cut_over - today).days) > FURTHEST_DAYS:
            raise CutOverOutOfRange(f"At most {FURTHEST_DAYS} days from today.", pointer="/cut_over")
        values: dict[str, Any] = msgspec.to_builtins(options)
        return values

    def row_of(self, record: Record, item: FileImport) -> SubscriptionRow:
        """The subscription in a row."""
        return row_of(record, options_of(item).cut_over)

    def part(
        self, session: Session, item: FileImport, rows: Sequence[FileRow[SubscriptionRow]], *, waits: bool
    ) -> Examined[SubscriptionRow]:
        """By whether the customer and the plan are here, and the subscription already."""
        return part_rows(session, item, rows, waits=waits)

    def hold(self, session: Session, rows: Sequence[FileRow[SubscriptionRow]]) -> None:
        """Keep the customers' accounts; two imports of one file take turns."""
        hold_accounts(session, [row.content.login for row in rows])

    def store(self, session: Session, clock: Clock, item: FileImport, rows: Sequence[SubscriptionRow]) -> None:
        """Plans, subscriptions, billing days, opening balances and their events."""
        take_over(session, clock, item, rows)

    def add_up(
        self,
        session: Session,
        item: FileImport,
        totals: Mapping[str, Any],
        rows: Sequence[FileRow[SubscriptionRow]],
    ) -> dict[str, Any]:
        """``plans`` would be made, ``balance`` is the sum of what the customers bring along (R69)."""
        plans, balance = list(totals.get("plans", ())), totals.get("balance", Money.zero(item.currency))
        named = {plan_key(row.content.plan): row.content.plan for row in reversed(rows)}
        known = {*plans_named(session, named), *map(plan_key, plans)}
        plans += [name for key, name in sorted(named.items()) if key not in known]
        if options_of(item).opening_balances:
            for row in rows:
                balance += Money.of(row.content.balance or 0, item.currency)
        return {"plans": plans, "balance": balance}


SUBSCRIPTIONS = SubscriptionImporter()
