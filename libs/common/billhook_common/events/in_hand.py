"""How many messages a consumer has taken from its queue and not acknowledged, for others to see.

The number is an advisory lock's second key, on a connection of its own: nothing is written, every process sees it at
once, and it ends with the consumer, whose messages go back to the queue then.
"""

import psycopg

from billhook_common.db import CONNECTION, Database

IN_HAND_KEY = 0x42494C4C
"""The lock's first key; no lease of this suite has it."""


class InHand:
    """One consumer's report."""

    def __init__(self, database: Database) -> None:
        self._dsn = database.dsn
        self._connection: psycopg.Connection | None = None
        self._count = 0

    def report(self, count: int) -> None:
        """Say that ``count`` messages are in hand now. Raises psycopg.Error: what cannot be told is not taken on."""
        if count == self._count:
            return
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._dsn, autocommit=True, **CONNECTION)
            if count:
                self._connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (IN_HAND_KEY, count))
            if self._count:
                self._connection.execute("SELECT pg_advisory_unlock_shared(%s, %s)", (IN_HAND_KEY, self._count))
        except psycopg.Error:
            self.close()
            raise
        self._count = count

    def close(self) -> None:
        """Nothing is in hand any more."""
        connection, self._connection, self._count = self._connection, None, 0
        if connection is not None:
            connection.close()
