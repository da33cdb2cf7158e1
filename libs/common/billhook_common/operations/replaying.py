"""``replay`` and ``reconcile``: events sent once more to a service, and the proof that nothing is missing."""

import argparse
import datetime as dt
import getpass
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.contracts import publisher_of
from billhook_common.contracts.every_service import PositionsPublished, type_of
from billhook_common.db import Database
from billhook_common.events import replay
from billhook_common.events.reconcile import SAME_TIME, Standing, ask_positions, standings
from billhook_common.events.snapshots import publish_snapshots
from billhook_common.events.spans import size
from billhook_common.ids import id_before
from billhook_common.tables import inbox, inbox_position
from billhook_common.trace import Trace, tracing

if TYPE_CHECKING:
    from billhook_common.service import Service

POLL_SECONDS = (0.1, 1.0)
"""The first wait and the longest: what takes long is looked at less often."""
USAGE = 2
"""Exit status for options that do not go together, as argparse has it."""


def add_replay_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``replay --to SERVICE …``, ``replay --snapshot``, ``reconcile``."""
    again = commands.add_parser("replay", help="send events of the log to a service again, or the present state as new")
    again.add_argument("--to", default="", metavar="SERVICE", help="who receives them")
    again.add_argument("--snapshot", action="store_true", help="the present state of all records, to all or --to")
    again.add_argument("--type", metavar="TYPE", help="only this event type")
    again.add_argument("--since", type=_instant, metavar="ISO", help="only what happened from then on")
    again.add_argument("--until", type=_instant, metavar="ISO", help="only what happened before")
    again.add_argument("--dry-run", action="store_true", help="only say how many")
    compare = commands.add_parser("reconcile", help="what came against what was published; the rest is sent again")
    compare.add_argument("--seconds", type=float, default=30.0, help="wait so long at most (default %(default).0f)")
    compare.add_argument(
        "--accept-lost", action="store_true", help="what no log holds any more is not owed: the mirrors were rebuilt"
    )


def _instant(given: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(given)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a date or time: {given}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def run_replay(service: "Service", options: argparse.Namespace, config: ServiceConfig, clock: Clock) -> int:
    """Have the worker send what was chosen; the exit status."""
    chosen = {"event_type": options.type, "since": options.since, "until": options.until}
    if options.snapshot and any((*chosen.values(), options.dry_run)):
        print("replay: --snapshot sends everything; it goes with --to only")
        return USAGE
    if not options.snapshot and not options.to:
        print("replay: say --to SERVICE, or --snapshot")
        return USAGE
    with closing(Database(config)) as database, tracing(_trace("replay")):
        if options.snapshot:
            _print_counts(publish_snapshots(database, clock, service.snapshots, options.to or None))
            return 0
        with database.transaction() as session:
            _print_counts(replay.count_chosen(session, **chosen))
            if not options.dry_run:
                asked = replay.ask_chosen(session, options.to, **chosen)
                print(f"{asked} events will be sent to {options.to}")
    return 0


def _print_counts(counts: dict[str, int]) -> None:
    for name, count in counts.items():
        print(f"{count:>9}  {name}")


def run_reconcile(service: "Service", options: argparse.Namespace, config: ServiceConfig, clock: Clock) -> int:
    """Ask, compare, wait until all is healed; 1 when something stays missing or a publisher does not answer."""
    types = sorted(service.handlers.types())
    with closing(Database(config)) as database, tracing(_trace("reconcile")):
        # Ids begin with the time of their publisher: no answer is older than this, whoever's clock it has.
        asked = id_before(SAME_TIME)
        with database.transaction() as session:
            before = _answers(session, types, asked)
            publishers = ask_positions(session, clock, service.name, types)
        end = time.monotonic() + options.seconds
        silent = set(publishers)
        for _ in _looks(end):
            with database.transaction() as session:
                now = _answers(session, types, asked)
            silent = {name for name in publishers if now.get(name, 0) <= before.get(name, 0)}
            if not silent:
                break
        first = _standings(database, types)
        for _ in _looks(end):
            if not any(item.comparison.missing for item in _standings(database, types)):
                break
        if options.accept_lost:
            with database.transaction() as session:
                session.execute(
                    update(inbox_position)
                    .where(inbox_position.c.first > inbox_position.c.owed_from)
                    .values(owed_from=inbox_position.c.first)
                )
        last = _standings(database, types)
    print(report(first, last))
    for publisher in sorted(silent):
        print(f"no answer from {publisher} within {options.seconds:.0f} s: does its worker run?")
    left = any(item.comparison.missing or item.comparison.lost for item in last)
    return 1 if silent or left else 0


def _looks(end: float) -> Iterator[None]:
    """Once now, then again after longer and longer waits until ``end``."""
    pause, longest = POLL_SECONDS
    yield
    while time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, longest)
        yield


def _answers(session: Session, types: Iterable[str], asked: UUID) -> dict[str, int]:
    """How often each publisher has told its positions with an id from ``asked`` on: by the key, not the whole inbox."""
    topics = {type_of(PositionsPublished, publisher_of(event_type)) for event_type in types}
    rows = session.execute(
        select(inbox.c.type, func.count())
        .where(inbox.c.event_id >= asked, inbox.c.type.in_(topics), inbox.c.state == "done")
        .group_by(inbox.c.type)
    )
    return {publisher_of(event_type): count for event_type, count in rows}


def _standings(database: Database, types: Sequence[str]) -> list[Standing]:
    with database.transaction() as session:
        return standings(session, types)


def report(first: Sequence[Standing], last: Sequence[Standing]) -> str:
    """A line per type: what was published for this service, what has come, what is missing, lost and was healed."""
    missing_before = {(item.type, item.epoch): size(item.comparison.missing) for item in first}
    lines = [f"{'expected':>9} {'received':>9} {'missing':>8} {'lost':>6} {'healed':>7}  type"]
    for item in last:
        found = item.comparison
        missing = size(found.missing)
        healed = max(0, missing_before.get((item.type, item.epoch), 0) - missing)
        lines.append(
            f"{found.expected:>9} {found.received:>9} {missing:>8} {size(found.lost):>6} {healed:>7}  {item.type}"
        )
    return "\n".join(lines)


def _trace(command: str) -> Trace:
    return Trace(correlation_id=f"cli-{command}", actor=f"cli:{getpass.getuser()}")
