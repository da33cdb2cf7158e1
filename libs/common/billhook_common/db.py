"""The database: engine, one transaction an edge, column types, COPY and leases."""

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper
from sqlalchemy import (
    BigInteger,
    DateTime,
    Engine,
    MetaData,
    Numeric,
    Row,
    Select,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from billhook_common.config import ServiceConfig
from billhook_common.pool import MeasuredPool, measure_pool

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata() -> MetaData:
    """A service's own table catalogue, with constraint names that migrations can rely on."""
    return MetaData(naming_convention=_NAMES)


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An instant; refuses naive datetimes and always comes back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: object) -> dt.datetime | None:
        """Refuse naive values, which would be read in the server's zone."""
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime: instants are aware UTC")
        return value

    def process_result_value(self, value: dt.datetime | None, dialect: object) -> dt.datetime | None:
        """The same instant in UTC."""
        return value.astimezone(dt.UTC) if value is not None else None


AnyRow = Row[*tuple[Any, ...]]
"""A row of any columns."""
AnySelect = Select[*tuple[Any, ...]]
"""A statement that gives rows of any columns."""

# Text beside the type would be read as a name (SQLAlchemy resolves forward references inside Annotated).
UnitPrice = Annotated[Decimal, (18, 6)]
"""A price before rounding: NUMERIC(18,6)."""
CurrencyCode = Annotated[str, (3,)]
"""An ISO 4217 code."""

COLUMN_TYPES: dict[Any, Any] = {
    dt.datetime: UtcDateTime(),
    int: BigInteger(),
    str: Text(),
    UnitPrice: Numeric(18, 6),
    CurrencyCode: String(3),
}
"""``type_annotation_map`` of every service's ``Base``; posted amounts are ``int`` minor units (R1)."""


def sqlalchemy_url(dsn: str) -> str:
    """``postgresql://…`` as SQLAlchemy wants it for psycopg 3."""
    return dsn.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)


class _IdsAtOnce(ListDumper):
    """Lists of ids, which every batch has, need no look at each element for quotes: 0.2 µs an id instead of 1.4."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        """The array as PostgreSQL reads it."""
        if set(map(type, obj)) == {UUID}:
            return f"{{{','.join([one.hex for one in obj])}}}".encode()
        return super().dump(obj)


def _ids_at_once(connection: Any, _record: object) -> None:
    connection.adapters.register_dumper(list, _IdsAtOnce)


CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Over a network a host that vanished is noticed in half a minute, not in two hours (F7)."""


class Database:
    """One service's database, as one process sees it."""

    def __init__(self, config: ServiceConfig, service: str = "") -> None:
        self.dsn = config.database_url
        options = (
            f"-c statement_timeout={config.statement_timeout_ms} -c lock_timeout={config.lock_timeout_ms} "
            "-c idle_in_transaction_session_timeout=30000 -c timezone=UTC -c jit=off"
        )
        self.engine: Engine = create_engine(
            sqlalchemy_url(config.database_url),
            poolclass=MeasuredPool,
            pool_size=config.pool_size,
            max_overflow=config.pool_overflow,
            pool_timeout=config.pool_wait_seconds,
            pool_pre_ping=True,
            hide_parameters=True,  # logged errors carry no names, hashes or amounts
            connect_args={"options": options, **CONNECTION},
        )
        event.listen(self.engine, "connect", _ids_at_once)
        measure_pool(self.engine, service or "unnamed", config.pool_size + config.pool_overflow)
        self.bell = Bell(self)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            rings = has_outgoing(session)
            session.commit()
        if rings:
            self.bell.ring()

    def close(self) -> None:
        """Give all connections back."""
        self.bell.close()
        self.engine.dispose()


TRANSIENT = (OperationalError, InterfaceError, PoolTimeout)
"""The database is away, or a lock or statement took too long."""
_TOO_LONG = "57014"
_CONTENTION = frozenset({"55P03", "40001", "40P01"})
_NOT_NOW = frozenset({"25006", "25P03"})


def is_transient(error: BaseException) -> bool:
    """Whether the database is away, locked or read-only: the same is worth another try.

    A statement that took too long is not: it would take as long again, and hold up the others.
    """
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return (isinstance(error, TRANSIENT) and state != _TOO_LONG) or state in _NOT_NOW


def is_contention(error: BaseException) -> bool:
    """Whether somebody else held what was needed: a lock, or a row changed meanwhile."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in _CONTENTION


def mark_outgoing(session: Session) -> None:
    """Remember that this transaction wrote events, so that the relay is woken after the commit."""
    session.info["outgoing"] = True


def has_outgoing(session: Session) -> bool:
    """Whether this transaction wrote events."""
    return bool(session.info.get("outgoing"))


class Bell:
    """Wakes the relay after a commit: one NOTIFY a process and 50 ms at most.

    It rings outside the business transaction, because a NOTIFY inside it takes an instance-wide lock through
    the commit; a lost ring costs one poll of the relay.
    """

    CHANNEL = "billhook_outbox"
    _QUIET_SECONDS = 0.05

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ring(self) -> None:
        """Ask for a NOTIFY soon; never blocks and never fails."""
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                    self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        pause = threading.Event()
        autocommit = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            # The relay's poll covers a lost ring.
            with suppress(SQLAlchemyError), autocommit.connect() as connection:
                connection.execute(text(f"NOTIFY {self.CHANNEL}"))
            pause.wait(self._QUIET_SECONDS)

    def close(self) -> None:
        """End the thread, so that its connection is back in the pool before the pool is closed."""
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=1)


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection under the session's transaction."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def copy_rows(session: Session, table: Table | str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write ``rows`` with COPY in the session's transaction; returns how many.

    Values are adapted by psycopg from their Python types: uuid, date, datetime, int, Decimal, str, None. They are
    those of the columns' types, but for text that is JSON or the like. Errors are those of any other statement.
    """
    name = table if isinstance(table, str) else table.name
    quoted = ", ".join(f'"{column}"' for column in columns)
    types = _column_types(session, name)
    wanted = [types.get(column, "") for column in columns]
    # In binary both sides need a third of the time; only for types whose values are never given as text.
    binary = _BINARY.issuperset(wanted)
    statement = f'COPY "{name}" ({quoted}) FROM STDIN' + (" (FORMAT BINARY)" if binary else "")
    count = 0
    with _sqlalchemy_errors(statement), raw_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        if binary:
            copy.set_types(wanted)
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


@contextmanager
def _sqlalchemy_errors(statement: str) -> Iterator[None]:
    """What psycopg raises below SQLAlchemy, a deadlock for one, has to mean the same to every edge."""
    try:
        yield
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, hide_parameters=True) from error


_BINARY = frozenset({
    "uuid", "text", "varchar", "bool", "int2", "int4", "int8", "float8", "numeric", "date", "timestamptz", "bytea",
})  # fmt: skip
_types: WeakKeyDictionary[Engine, dict[str, dict[str, str]]] = WeakKeyDictionary()


def _column_types(session: Session, table: str) -> dict[str, str]:
    """The names of the types of a table's columns, asked for once a process and database."""
    known = _types.setdefault(session.connection().engine, {})
    if table not in known:
        rows = session.execute(
            text(
                "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
                "WHERE attrelid = CAST(quote_ident(:table) AS regclass) AND attnum > 0 AND NOT attisdropped"
            ),
            {"table": table},
        )
        known[table] = {row.attname: row.typname for row in rows}
    return known[table]


def no_sequential_scans(session: Session) -> None:
    """Keep index plans in a bulk transaction on tables that were never analysed.

    Foreign-key checks keep the plan of an empty table: 0.54 against 0.09 ms per customer.
    """
    session.execute(text("SET LOCAL enable_seqscan = off"))


class Lease:
    """At most one holder per name in the whole deployment, by a session-level advisory lock.

    The lock lives on a connection of its own; when that breaks, the lease is lost. Work done under a lease
    proves it again inside its own transaction with ``fence``.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self.name = name
        self._connection: psycopg.Connection[Any] | None = None
        self._token = 0

    def acquire(self) -> bool:
        """Try once; True when held (also when it was held before)."""
        if self.held():
            return True
        try:
            connection = psycopg.connect(self._database.dsn, autocommit=True, **CONNECTION)
        except psycopg.Error:
            return False
        token = self._take(connection)
        if token is None:
            connection.close()
            return False
        self._connection, self._token = connection, token
        return True

    def _take(self, connection: psycopg.Connection[Any]) -> int | None:
        try:
            row = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s), 1)", (self.name,)).fetchone()
            if not row or not row[0]:
                return None
            token = connection.execute(
                "INSERT INTO lease (name, token) VALUES (%s, 1) "
                "ON CONFLICT (name) DO UPDATE SET token = lease.token + 1, taken_at = now() RETURNING token",
                (self.name,),
            ).fetchone()
        except psycopg.Error:
            return None
        assert token is not None
        return int(token[0])

    def held(self) -> bool:
        """Whether the connection that holds the lock still lives."""
        if self._connection is None:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self.release()
            return False
        return True

    def fence(self, session: Session) -> bool:
        """True when no other holder came since; keeps one from coming until the session's transaction ends."""
        row = session.execute(
            text("SELECT token FROM lease WHERE name = :name FOR SHARE"), {"name": self.name}
        ).scalar_one_or_none()
        return row == self._token

    def release(self) -> None:
        """Give the lease back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # The server learns later that a connection was closed; whoever asks next is to find the lock free.
            with suppress(psycopg.Error):  # broken: the server lets go by itself
                connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()
