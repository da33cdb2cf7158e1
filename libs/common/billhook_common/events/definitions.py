"""What a broker is told at its first start: topology, and a user for each service that may do only what it must.

``rabbitmqctl import_definitions FILE``, or ``load_definitions = FILE`` in RabbitMQ's configuration: on a wiped broker
the queues are there before anybody publishes.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from billhook_common.events.broker import (
    DEAD_EXCHANGE,
    DEAD_QUEUE_ARGUMENTS,
    EXCHANGE,
    address,
    broker_user,
    dead_queue_name,
    queue_arguments,
    queue_name,
)

OPERATOR = "billhook-operator"
"""Moves dead messages back, in the name of whoever sent them; no service has its password."""
_SALT_BYTES = 4


def broker_definitions(
    subscriptions: Mapping[str, Iterable[str]], passwords: Mapping[str, str], vhost: str = "/"
) -> dict[str, Any]:
    """RabbitMQ's definitions for services with the event types they subscribe to.

    ``passwords``: for each service's user, and for OPERATOR; only their salted hashes are written.
    A service may publish to the one exchange under its own name, and read its own queues.
    """
    listening = {service: sorted(types) for service, types in subscriptions.items()}
    users = [_user(broker_user(service), passwords[service], []) for service in listening]
    return {
        "vhosts": [{"name": vhost}],
        "users": [*users, _user(OPERATOR, passwords[OPERATOR], ["impersonator"])],
        "permissions": [
            *(_permission(service, vhost) for service in listening),
            {"user": OPERATOR, "vhost": vhost, "configure": "^$", "write": "^amq\\.default$", "read": "^billhook\\."},
        ],
        "topic_permissions": [
            {
                "user": broker_user(service), "vhost": vhost, "exchange": EXCHANGE,
                "write": f"^({re.escape(service)}|to)\\.", "read": ".*",
            }
            for service in listening
        ],
        "exchanges": [_exchange(EXCHANGE, "topic", vhost), _exchange(DEAD_EXCHANGE, "direct", vhost)],
        "queues": [
            {"name": name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": arguments}
            for service in listening
            for name, arguments in (
                (dead_queue_name(service), DEAD_QUEUE_ARGUMENTS),
                (queue_name(service), queue_arguments(service)),
            )
        ],
        "bindings": [
            *(
                _binding(EXCHANGE, queue_name(service), name, vhost)
                for service in listening
                for name in (*listening[service], address(service))
            ),
            *(_binding(DEAD_EXCHANGE, dead_queue_name(service), service, vhost) for service in listening),
        ],
    }  # fmt: skip


def new_passwords(services: Iterable[str]) -> dict[str, str]:
    """A password for each service's user and for OPERATOR."""
    return {name: secrets.token_urlsafe(24) for name in (*services, OPERATOR)}


def _permission(service: str, vhost: str) -> dict[str, str]:
    own = f"billhook\\.{re.escape(service)}(\\.dead)?"
    # Binding needs the right to write to the queue and to read the exchange; nobody publishes to a queue directly,
    # for that goes through amq.default.
    return {
        "user": broker_user(service),
        "vhost": vhost,
        "configure": f"^{own}$",
        "write": f"^(billhook\\.events|billhook\\.dead|{own})$",
        "read": f"^(billhook\\.events|billhook\\.dead|{own})$",
    }


def _user(name: str, password: str, tags: list[str]) -> dict[str, Any]:
    salt = secrets.token_bytes(_SALT_BYTES)
    hashed = base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    return {
        "name": name,
        "password_hash": hashed,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
        "limits": {},
    }


def _exchange(name: str, kind: str, vhost: str) -> dict[str, Any]:
    return {
        "name": name, "vhost": vhost, "type": kind, "durable": True, "auto_delete": False, "internal": False,
        "arguments": {},
    }  # fmt: skip


def _binding(source: str, queue: str, key: str, vhost: str) -> dict[str, Any]:
    return {
        "source": source, "vhost": vhost, "destination": queue, "destination_type": "queue", "routing_key": key,
        "arguments": {},
    }  # fmt: skip
