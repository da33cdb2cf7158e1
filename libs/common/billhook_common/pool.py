"""The pool of database connections, measured."""

import time
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, QueuePool, event
from sqlalchemy.exc import TimeoutError as PoolTimeout

from billhook_common.metrics import POOL_IN_USE, POOL_LIMIT, POOL_OPEN, POOL_TIMEOUTS, POOL_WAIT_SECONDS


class MeasuredPool(QueuePool):
    """SQLAlchemy's pool, which also says how long it took until a connection was lent."""

    service = ""

    def connect(self) -> PoolProxiedConnection:
        """A connection; raises SQLAlchemy's TimeoutError when none came free."""
        began = time.perf_counter()
        try:
            return super().connect()
        except PoolTimeout:
            POOL_TIMEOUTS.labels(self.service).inc()
            raise
        finally:
            POOL_WAIT_SECONDS.labels(self.service).inc(time.perf_counter() - began)


def measure_pool(engine: Engine, service: str, limit: int) -> None:
    """Keep the figures of the engine's pool up to date under the service's name."""
    pool = engine.pool
    assert isinstance(pool, MeasuredPool)
    pool.service = service
    POOL_LIMIT.labels(service).set(limit)
    POOL_TIMEOUTS.labels(service).inc(0)  # a rise from nothing would not be seen as one
    is_open, in_use = POOL_OPEN.labels(service), POOL_IN_USE.labels(service)

    def tell(lent: int) -> None:
        in_use.set(max(lent, 0))
        is_open.set(pool.checkedin() + pool.checkedout())

    @event.listens_for(pool, "checkout")
    def lent(*_: Any) -> None:
        tell(pool.checkedout())

    @event.listens_for(pool, "checkin")
    def returned(*_: Any) -> None:
        tell(pool.checkedout() - 1)  # it is put back after we are told
