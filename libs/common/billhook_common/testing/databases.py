"""Databases for tests: each service is migrated once a run, every test gets a copy."""

from collections.abc import Callable
from uuid import uuid4

import psycopg

from billhook_common.local.postgres import LocalPostgres
from billhook_common.service import Service


class TestDatabases:
    """Makes a fresh, migrated database in a few milliseconds by copying a template."""

    __test__ = False

    def __init__(self, server: LocalPostgres) -> None:
        self.server = server
        self._templates: dict[str, str] = {}

    def create(self, service: Service) -> str:
        """The DSN of a new database of ``service``."""
        template = self._templates.get(service.name) or self._make_template(service)
        name = f"test_{service.name}_{uuid4().hex[:12]}"
        copy = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'
        self._admin(lambda connection: connection.execute(copy))
        return self.server.dsn(name)

    def drop(self, dsn: str) -> None:
        """Remove a database made by ``create``, whoever is still connected."""
        name = _name_in(dsn)
        self._admin(lambda connection: connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def back_up(self, dsn: str) -> str:
        """A copy of a database as it is now, to be restored from; returns its DSN."""
        name = f"backup_{uuid4().hex[:12]}"
        self._replace(name, _name_in(dsn))
        return self.server.dsn(name)

    def restore(self, dsn: str, backup: str) -> None:
        """Set a database back to what it was at ``back_up``, as from a dump: another database under the same name."""
        self._replace(_name_in(dsn), _name_in(backup))

    def _replace(self, name: str, template: str) -> None:
        def act(connection: psycopg.Connection) -> None:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            # Whoever is idle there comes back by himself.
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')

        self._admin(act)

    def _make_template(self, service: Service) -> str:
        name = f"template_{service.name}"
        self._admin(lambda connection: connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'))
        service.migrate(self.server.dsn(name))
        self._templates[service.name] = name
        return name

    def _admin(self, act: Callable[[psycopg.Connection], object]) -> None:
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            act(connection)


def _name_in(dsn: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
