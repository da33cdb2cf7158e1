"""A database and a role per service, on our own PostgreSQL or on any server (15 or later) by DSN."""

from typing import LiteralString

import psycopg
from psycopg import sql

_BUILTIN_LOCALE_SINCE = 170000
_WAIT_FOR_LOCK = "SELECT pg_advisory_lock(hashtext('billhook_databases'))"


def ensure_role(connection: psycopg.Connection, role: str, password: str | None = None) -> None:
    """Make a role that may sign in, or set its password. ``connection`` is in autocommit and may make roles."""
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper"):
            # A managed server's administrator is no superuser and may only give away what it is a member of.
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
    if password is not None:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))


def ensure_database(connection: psycopg.Connection, name: str, owner: str, template: str | None = None) -> bool:
    """Make a database that only ``owner`` (and superusers) may use, a copy of ``template`` if one is given.

    Its locale is C.UTF-8: text sorts by code point the same on every machine, and folding case knows "Ž".
    Returns whether it was made now.
    """
    connection.execute(_WAIT_FOR_LOCK)
    try:
        if _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            return False
        origin = sql.SQL("TEMPLATE {}").format(sql.Identifier(template)) if template else _clean_origin(connection)
        named = {"name": sql.Identifier(name), "owner": sql.Identifier(owner), "origin": origin}
        connection.execute(sql.SQL("CREATE DATABASE {name} OWNER {owner} {origin}").format(**named))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC").format(**named))
        return True
    finally:
        connection.execute("SELECT pg_advisory_unlock_all()")


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Remove a database with everything in it and whoever is connected to it, if it is there."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _clean_origin(connection: psycopg.Connection) -> sql.SQL:
    if connection.info.server_version >= _BUILTIN_LOCALE_SINCE:
        return sql.SQL("TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'")
    return sql.SQL("TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")


def _exists(connection: psycopg.Connection, query: LiteralString, *parameters: str) -> bool:
    return connection.execute(query, parameters).fetchone() is not None
