"""What must hold after every fault (messaging.md, section 6), read from the API and from the databases themselves."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

import psycopg

from billhook import suite
from billhook_common.contracts import publisher_of
from billhook_common.contracts.every_service import PositionsPublished, ReplayRequested, topic_of
from billhook_common.ids import derive_id

from .api import Acknowledged
from .panels import Lists, panels_equal_their_lists

QUIET_SECONDS = 60.0
POLL_SECONDS = 0.1
_OF_EVERY_SERVICE = {topic_of(fact.TYPE) for fact in (PositionsPublished, ReplayRequested)}
_IN_ORDER = ("NotYet ", "NotKnownYet ")
"""Waiting for another event is no failure."""


class Caller(Lists, Protocol):
    """The API, and what its callers were told."""

    acknowledged: dict[str, Acknowledged]
    defects: list[str]


class Suite(Protocol):
    """What is looked at: the API, and the databases of the services that have a worker."""

    @property
    def api(self) -> Caller:
        """The API."""
        ...

    @property
    def dsns(self) -> Mapping[str, str]:
        """The database of each service whose worker runs, by the service's name."""
        ...


def check_invariants(site: Suite) -> None:
    """Wait until nothing is on its way, then check everything."""
    until_quiet(site)
    with _connected(site) as databases:
        every_published_event_arrived(databases)
        nothing_was_set_aside(databases)
        every_acknowledged_command_has_one_effect(databases, site.api.acknowledged.values())
        every_payment_is_credited_once(databases)
        balances_agree(databases)
        mirrors_agree(databases)
    the_books_are_proved(site.api)
    invoice_numbers_have_no_gap(site.api)
    panels_equal_their_lists(site.api)
    assert site.api.defects == []


def pending(site: Suite) -> dict[str, int]:
    """What is still on its way: events to each subscription, rows to publish, to try again, runs."""
    with _connected(site) as databases:
        return _pending(databases)


def until_quiet(site: Suite) -> None:
    """Return when every event is published, has arrived, and is applied or set aside, and no run is under way."""
    end = time.monotonic() + QUIET_SECONDS
    while True:
        left = pending(site)
        if not left:
            return
        assert time.monotonic() < end, f"not quiet after {QUIET_SECONDS:.0f} s: {left}"
        time.sleep(POLL_SECONDS)


def the_books_are_proved(api: Lists) -> None:
    """The sum of all entries is 0, and billing's own proof, by transaction and by customer, finds no difference."""
    totals = api.get("/billing/trial-balance")["totals"]
    assert [total for total in totals if Decimal(total["balance"])] == []
    assert api.get("/billing/audit")["differences"] == []


def invoice_numbers_have_no_gap(api: Lists) -> None:
    """Each charge has one invoice, each series counts without gap or repetition."""
    invoices = list(api.pages("/invoicing/invoices"))
    charged = Counter(item["document_id"] for item in api.pages("/billing/transactions", kind="charge"))
    assert Counter(item["id"] for item in invoices) == charged
    series: dict[str, list[int]] = defaultdict(list)
    for item in invoices:
        head, _, number = item["number"].rpartition("-")
        series[head].append(int(number))
    assert {head: sorted(numbers) for head, numbers in series.items()} == {
        head: list(range(1, len(numbers) + 1)) for head, numbers in series.items()
    }


Databases = Mapping[str, "psycopg.Connection[tuple[Any, ...]]"]


@contextmanager
def _connected(site: Suite) -> Iterator[Databases]:
    databases = {name: psycopg.connect(dsn, autocommit=True) for name, dsn in site.dsns.items()}
    try:
        yield databases
    finally:
        for connection in databases.values():
            connection.close()


def _column(connection: "psycopg.Connection[tuple[Any, ...]]", query: Any, *values: object) -> list[Any]:
    return [row[0] for row in connection.execute(query, values)]


def _events(databases: Databases) -> Iterator[tuple[str, set[Any], set[Any]]]:
    """Each subscription: its name, the events that were published for it, and those in the inbox."""
    published: dict[str, set[Any]] = {}
    for name, database in databases.items():
        for event_type, event_id in database.execute("SELECT type, id FROM outbox WHERE recipient IS NULL"):
            assert publisher_of(event_type) == name
            published.setdefault(event_type, set()).add(event_id)
    for name, database in databases.items():
        received: dict[str, set[Any]] = defaultdict(set)
        for event_type, event_id in database.execute("SELECT type, event_id FROM inbox"):
            received[event_type].add(event_id)
        for event_type in set(suite.load(name).handlers.types()) | set(received):
            # What services tell of their numbers is told anew, not kept.
            if publisher_of(event_type) in databases and topic_of(event_type) not in _OF_EVERY_SERVICE:
                yield f"{event_type} in {name}", published.get(event_type, set()), received[event_type]


def _pending(databases: Databases) -> dict[str, int]:
    pending = {f"to {name}": len(sent - received) for name, sent, received in _events(databases)}
    for name, database in databases.items():
        pending[f"unpublished in {name}"] = len(_column(database, "SELECT 1 FROM outbox WHERE published_at IS NULL"))
        pending[f"waiting in {name}"] = len(_column(database, "SELECT 1 FROM inbox WHERE state = 'failed'"))
    going_on = "SELECT 1 FROM charge_run WHERE state NOT IN ('preview_ready', 'processed')"
    pending["runs"] = len(_column(databases["billing"], going_on))
    return {what: number for what, number in pending.items() if number}


def every_published_event_arrived(databases: Databases) -> None:
    """Reconciliation finds nothing: neither an event that is missing nor one that nobody published."""
    for name, sent, received in _events(databases):
        assert sent == received, name


def nothing_was_set_aside(databases: Databases) -> None:
    """No event is parked, and none failed on its way: what a fault broke off is no fault of the event."""
    for name, database in databases.items():
        parked = database.execute("SELECT type, fingerprint, reason FROM inbox WHERE state <> 'done'").fetchall()
        assert parked == [], name
        failed = database.execute("SELECT type, fingerprint, reason FROM inbox WHERE attempts > 0").fetchall()
        assert [row for row in failed if not str(row[1]).startswith(_IN_ORDER)] == [], name


def every_acknowledged_command_has_one_effect(databases: Databases, commands: Iterable[Acknowledged]) -> None:
    """What was acknowledged is there, once, under the id of the answer; and nothing is there that was not."""
    found: dict[str, Counter[tuple[str, str]]] = {
        "/crm/customers": _effects(
            databases["crm"],
            "SELECT source_key, subject FROM outbox WHERE type = 'crm.customer.created.v1' "
            "UNION ALL SELECT '', id FROM customer WHERE id NOT IN (SELECT subject FROM outbox)",
        ),
        "/payments/payments": _effects(
            databases["payments"], "SELECT source_key, id FROM payment WHERE entry_id IS NULL"
        ),
        "/billing/transactions": _effects(
            databases["billing"], "SELECT source_key, id FROM ledger_transaction WHERE kind = 'correction'"
        ),
    }
    acknowledged: dict[str, Counter[tuple[str, str]]] = {path: Counter() for path in found}
    for command in commands:
        if command.path in acknowledged:
            acknowledged[command.path][command.key, command.id] += 1
    for path, effects in found.items():
        assert effects == acknowledged[path], path


def every_payment_is_credited_once(databases: Databases) -> None:
    """One hop on: each payment, from a bank or by hand, is in the ledger once, with its amount."""
    paid = databases["payments"].execute("SELECT id, amount FROM payment")
    ledger = databases["billing"].execute("SELECT id, amount FROM ledger_transaction WHERE kind = 'payment'")
    assert Counter(ledger.fetchall()) == Counter((derive_id("payment", made), amount) for made, amount in paid)


def _effects(connection: "psycopg.Connection[tuple[Any, ...]]", query: Any) -> Counter[tuple[str, str]]:
    return Counter((key, str(made)) for key, made in connection.execute(query))


def balances_agree(databases: Databases) -> None:
    """Each balance is the sum of its entries, of its transactions, and what is unallocated less what is open."""
    billing = databases["billing"]
    accounts: dict[Any, int] = dict(billing.execute("SELECT customer_id, balance FROM account").fetchall())
    for query in (
        "SELECT customer_id, sum(amount)::bigint FROM ledger_transaction WHERE customer_id IS NOT NULL GROUP BY 1",
        "SELECT customer_id, sum(amount)::bigint FROM ledger_entry WHERE account = 'customers' GROUP BY 1",
        "SELECT customer_id, sum(amount)::bigint FROM (SELECT customer_id, unallocated AS amount FROM credit "
        "UNION ALL SELECT customer_id, -open FROM open_item) AS settled GROUP BY 1",
    ):
        assert dict.fromkeys(accounts, 0) | dict(billing.execute(query).fetchall()) == accounts


def mirrors_agree(databases: Databases) -> None:
    """What billing says of balances, items and services, the others show; to the cent."""
    for other, query, its_query in _MIRRORS:
        said = dict(databases["billing"].execute(query).fetchall())
        shown = dict(databases[other].execute(its_query).fetchall())
        differing = {key: (said.get(key), shown.get(key)) for key in said | shown if said.get(key) != shown.get(key)}
        assert differing == {}, f"{other}: {its_query}"


_BALANCES = "SELECT customer_id, balance FROM account"
_OPEN = "SELECT transaction_id, open FROM open_item"
_OPEN_OF_DOCUMENTS = "SELECT document_id, open FROM open_item WHERE document_id IS NOT NULL"
_SERVICES = "SELECT id, state FROM subscription"
_MIRRORS = (
    ("crm", _BALANCES, "SELECT customer_id, balance FROM customer_summary"),
    ("crm", _OPEN, _OPEN),
    ("crm", _SERVICES, _SERVICES),
    ("invoicing", _OPEN_OF_DOCUMENTS, _OPEN_OF_DOCUMENTS),
    ("payments", _OPEN_OF_DOCUMENTS, "SELECT id, open FROM document"),
)
