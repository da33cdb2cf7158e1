"""``inbox`` and ``dead``: for a terminal on the machine, what was not applied and what the broker has given up."""

import argparse
import getpass
from contextlib import closing
from dataclasses import asdict
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.db import Database
from billhook_common.errors import BillhookError, Invalid
from billhook_common.operations import dead, parked
from billhook_common.tables import inbox
from billhook_common.trace import Trace, tracing

SHOWN_MOST = 1_000
LEAST_REASON = 5


def add_inbox_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``inbox list | show | replay | discard``."""
    wanted = commands.add_parser("inbox", help="events that could not be applied: list, show, replay, discard")
    steps = wanted.add_subparsers(dest="step", required=True)
    listing = steps.add_parser("list", help="by fingerprint, most first")
    show = steps.add_parser("show", help="the events of one fingerprint, personal data hidden")
    show.add_argument("fingerprint")
    show.add_argument("--limit", type=int, default=20, help="at most %(default)s events, newest first")
    for look in (listing, show):
        look.add_argument("--state", choices=parked.STATES, default="parked")
    replay = steps.add_parser("replay", help="apply again, now")
    discard = steps.add_parser("discard", help="give up for good")
    for act in (replay, discard):
        which = act.add_mutually_exclusive_group(required=True)
        which.add_argument("--event", type=UUID, metavar="ID")
        which.add_argument("--fingerprint", metavar="TEXT", help="all that are parked under it")
    discard.add_argument("--reason", required=True, help="why; stays in the audit")


def run_inbox_command(options: argparse.Namespace, config: ServiceConfig, clock: Clock) -> int:
    """Do what was asked, in one transaction; the exit status."""
    trace = Trace(correlation_id=f"inbox-{options.step}", actor=f"cli:{getpass.getuser()}")
    try:
        with closing(Database(config)) as database, tracing(trace), database.transaction() as session:
            steps = {"list": _list, "show": _show, "replay": _replay, "discard": _discard}
            print(steps[options.step](session, clock, options))
    except BillhookError as error:
        print(f"refused: {error.title}. {error.detail}")
        return 1
    return 0


def _list(session: Session, _: Clock, options: argparse.Namespace) -> str:
    lines = [
        f"{group['count']:>7}  {group['fingerprint']}\n"
        f"         {', '.join(group['types'])}; first {group['first_seen']:%Y-%m-%d %H:%M:%S}, "
        f"last {group['last_seen']:%Y-%m-%d %H:%M:%S} UTC\n         {group['reason']}"
        for group in parked.groups(session, options.state)
    ]
    return "\n".join(lines) or f"nothing is {options.state}"


def _show(session: Session, _: Clock, options: argparse.Namespace) -> str:
    statement = parked.events_of(options.fingerprint, options.state).order_by(inbox.c.received_at.desc())
    rows = session.execute(statement.limit(max(1, min(options.limit, SHOWN_MOST)))).all()
    shown = [msgspec.json.format(msgspec.json.encode(parked.event_item(row)), indent=2).decode() for row in rows]
    return "\n".join(shown) or f"nothing is {options.state} under {options.fingerprint}"


def _replay(session: Session, clock: Clock, options: argparse.Namespace) -> str:
    count = parked.replay(session, clock, _chosen(options))
    return f"{count} will be applied again by the worker, within a second"


def _discard(session: Session, clock: Clock, options: argparse.Namespace) -> str:
    reason = options.reason.strip()
    if len(reason) < LEAST_REASON:
        raise Invalid(f"Give a reason of at least {LEAST_REASON} characters.", pointer="/reason")
    return f"{parked.discard(session, clock, _chosen(options), reason)} discarded"


def _chosen(options: argparse.Namespace) -> parked.Chosen:
    return parked.Chosen(event_id=options.event, fingerprint=options.fingerprint)


def add_dead_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``dead list | move``."""
    wanted = commands.add_parser("dead", help="messages that the broker has given up: list, move back")
    steps = wanted.add_subparsers(dest="step", required=True)
    listing = steps.add_parser("list", help="oldest first, personal data hidden")
    listing.add_argument("--limit", type=_count, default=20, help="at most %(default)s messages")
    move = steps.add_parser("move", help="into the service's queue again, after the cause is put right")
    move.add_argument("--limit", type=_count, default=None, help="only so many, oldest first")


def run_dead_command(service: str, options: argparse.Namespace, config: ServiceConfig) -> int:
    """Do what was asked; the exit status."""
    try:
        if options.step == "move":
            moved = dead.move_back(config.broker_url, service, options.limit, f"cli:{getpass.getuser()}")
            print(f"{len(moved)} moved back to {service}")
        else:
            found = dead.dead_messages(config.broker_url, service, options.limit)
            shown = [msgspec.json.format(msgspec.json.encode(asdict(item)), indent=2).decode() for item in found]
            print("\n".join(shown) or f"the broker has given up nothing of {service}")
    except BillhookError as error:
        print(f"refused: {error.title}. {error.detail}")
        return 1
    return 0


def _count(given: str) -> int:
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= SHOWN_MOST:
        raise argparse.ArgumentTypeError(f"a number from 1 to {SHOWN_MOST} is needed, not {given}")
    return int(given)
