"""Settings from the environment: one frozen dataclass a service, every setting documented."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_type_hints

T = TypeVar("T")


class ConfigError(Exception):
    """A setting is missing or cannot be read; names the variable."""


def setting(name: str, default: T, doc: str) -> T:
    """A field read from the environment variable ``name``; ``{service}`` in it is filled in upper case."""
    return dataclasses.field(default=default, metadata={"env": name, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """What every service needs. Numbers carry their unit in the name."""

    database_url: str = setting("BILLHOOK_{service}_DATABASE_URL", "", "PostgreSQL DSN of this service's own database")
    broker_url: str = setting(
        "BILLHOOK_BROKER_URL",
        "",
        "amqp:// URL of RabbitMQ; empty: the relay hands events to the services of this process",
    )
    gateway_keys: str = setting(
        "BILLHOOK_GATEWAY_KEYS", "", "path of the JSON key set with the gateway's public Ed25519 keys"
    )
    zone: str = setting("BILLHOOK_ZONE", "Europe/Prague", "the operator's time zone, for business days")
    currency: str = setting("BILLHOOK_CURRENCY", "EUR", "the operator's home currency")
    log_format: str = setting("BILLHOOK_LOG_FORMAT", "json", "json, or console for people")
    pool_size: int = setting("BILLHOOK_POOL_SIZE", 8, "database connections kept open by one process")
    pool_overflow: int = setting("BILLHOOK_POOL_OVERFLOW", 8, "connections above the pool under load")
    pool_wait_seconds: int = setting("BILLHOOK_POOL_WAIT_SECONDS", 5, "wait for a connection before 503")
    statement_timeout_ms: int = setting(
        "BILLHOOK_STATEMENT_TIMEOUT_MS", 15_000, "longest statement of a request or event"
    )
    lock_timeout_ms: int = setting("BILLHOOK_LOCK_TIMEOUT_MS", 5_000, "longest wait for a row lock")
    body_limit_bytes: int = setting("BILLHOOK_BODY_LIMIT_BYTES", 1_000_000, "largest JSON body")
    upload_limit_bytes: int = setting("BILLHOOK_UPLOAD_LIMIT_BYTES", 20_000_000, "largest uploaded file")
    positions_seconds: int = setting(
        "BILLHOOK_POSITIONS_SECONDS", 3600, "how often a worker tells how far its events have come, so that gaps show"
    )
    metrics_port: int = setting("BILLHOOK_METRICS_PORT", 0, "port of the worker's own /metrics; 0: none")
    metrics_host: str = setting("BILLHOOK_METRICS_HOST", "127.0.0.1", "address of the worker's own /metrics")
    web_workers: int = setting(
        "BILLHOOK_WEB_WORKERS", 1, "web processes of one service; more than 1 need PROMETHEUS_MULTIPROC_DIR"
    )
    data_folder: str = setting(
        "BILLHOOK_DATA_FOLDER", "", "folder of an installation on one machine, whose room and backups are measured"
    )

    @classmethod
    def from_environ(cls, service: str, environ: Mapping[str, str] | None = None) -> Self:
        """Read every field; raises ConfigError for a value of the wrong type."""
        source = os.environ if environ is None else environ
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = field.metadata["env"].format(service=service.upper())
            raw = source.get(name)
            if raw is not None:
                values[field.name] = _parse(name, raw, types[field.name])
        return cls(**values)


def _parse(name: str, raw: str, kind: type) -> object:
    if kind is bool:
        if raw.lower() not in {"0", "1", "true", "false"}:
            raise ConfigError(f"{name}: expected true or false, got {raw!r}")
        return raw.lower() in {"1", "true"}
    try:
        return kind(raw)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
