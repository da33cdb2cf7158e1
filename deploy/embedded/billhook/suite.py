"""The services that make up the suite on one machine, and how each is told where its things are."""

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # slow to import, and the supervisor only needs the names
    from billhook_common.service import Service

GATEWAY = "gateway"
NAMES = ("billing", "crm", "inventory", "invoicing", "payments", "tickets", GATEWAY)


def installed() -> list[str]:
    """The services that are installed here; a suite without one of them works, as each works alone."""
    return [name for name in NAMES if _exists(f"billhook_{name}") and _exists(f"billhook_{name}.app")]


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def load(name: str) -> "Service":
    """The service of this name; imports its package."""
    return cast("Service", importlib.import_module(f"billhook_{name}.app").service)


def database_variable(name: str) -> str:
    """The environment variable with the DSN of a service's database."""
    return f"BILLHOOK_{name.upper()}_DATABASE_URL"


def database_name(name: str) -> str:
    """The name of a service's database, and of the role that owns it."""
    return f"billhook_{name}"


def database_settings(dsns: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that tell each service where its database is."""
    return {database_variable(name): dsn for name, dsn in dsns.items()}


def service_urls(ports: Iterable[tuple[str, int]]) -> dict[str, str]:
    """Environment variables that tell the gateway where the services' APIs are."""
    return {f"BILLHOOK_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports}


def packages(root: Path) -> list[str]:
    """The import names of all packages in the checkout at ``root``, for the tools that check them."""
    patterns = ("libs/*/billhook_*", "services/*/billhook_*", "gateway/billhook_*", "deploy/embedded/billhook")
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    return [path.name for path in found if (path / "__init__.py").exists()]
