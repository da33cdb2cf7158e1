"""``./billhook broker-users``: RabbitMQ's definitions for this suite, and each service's own broker URL."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from billhook import suite
from billhook_common.config import ConfigError
from billhook_common.events.broker import broker_user
from billhook_common.events.definitions import OPERATOR, broker_definitions, new_passwords
from billhook_common.events.reconcile import positions_types

DEFINITIONS = "definitions.json"


def write_broker_users(folder: Path, url: str) -> list[Path]:
    """Make fresh passwords and write, for nobody else to read, what RabbitMQ and each service need; returns the files.

    ``url``: where the broker is, its user does not matter. Raises ConfigError when it is none or something is there.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ConfigError(f"{url!r} is not the URL of a broker: amqp://HOST:PORT/%2F")
    names = suite.installed()
    passwords = new_passwords(names)
    subscriptions = {name: _types(name) for name in names}
    vhost = unquote(parts.path.removeprefix("/")) or "/"
    files = {DEFINITIONS: json.dumps(broker_definitions(subscriptions, passwords, vhost), indent=1) + "\n"}
    users = {name: broker_user(name) for name in names} | {"operator": OPERATOR}
    for name, user in users.items():
        password = passwords.get(name) or passwords[OPERATOR]
        own = parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}", path=f"/{quote(vhost, '')}")
        files[f"{name}.env"] = f"BILLHOOK_BROKER_URL={urlunsplit(own)}\n"
    return _written(folder, files)


def _types(name: str) -> frozenset[str]:
    own = frozenset(suite.load(name).handlers.types())
    return own | positions_types(own)


def _written(folder: Path, files: Mapping[str, str]) -> list[Path]:
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise ConfigError(f"{folder / there[0]} is there already; passwords in use are not replaced unasked")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(content, encoding="utf-8")
    return [folder / name for name in files]
