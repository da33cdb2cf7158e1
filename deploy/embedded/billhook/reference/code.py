"""What a package says of itself: settings, tables, metrics."""

import dataclasses
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import get_type_hints

from prometheus_client.metrics import MetricWrapperBase
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from billhook.reference.catalogue import prose
from billhook_common.config import ServiceConfig

CHASSIS = "billhook_common"
_LEFT_OUT = ("__main__", "alembic_environment", "migrations", "testing")
"""Entry points, scripts and tests: importing them does something, or needs more than the service."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable; the default as it would be written there."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as Prometheus names it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def settings(config: type[ServiceConfig], service: str, *, beyond: type[ServiceConfig] | None = None) -> list[Setting]:
    """The settings of ``config`` in the order of its fields; only those that ``beyond`` has not, or has otherwise."""
    others = dataclasses.fields(beyond) if beyond else ()
    known = {field.name: (field.default, field.metadata["env"]) for field in others}
    types = get_type_hints(config)
    found = []
    for field in dataclasses.fields(config):
        if known.get(field.name) == (field.default, field.metadata["env"]):
            continue
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        name = field.metadata["env"].format(service=service)
        found.append(Setting(name, types[field.name].__name__, default, prose(field.metadata["doc"])))
    return found


def tables(package: str, metadata: MetaData) -> list[tuple[str, str]]:
    """The tables of a service and what each is for, in the order of the models."""
    import_modules(package)
    bases = DeclarativeBase.__subclasses__()
    bases.sort(key=lambda base: base.metadata is metadata)  # its own last, over tables that the chassis lends
    meanings = {
        mapper.persist_selectable.description: prose((mapper.class_.__doc__ or "").partition("\n\n")[0])
        for base in bases
        if base.metadata is metadata or base.__module__.startswith(CHASSIS)
        for mapper in base.registry.mappers
    }
    return [(name, meanings.get(name, prose(table.comment))) for name, table in metadata.tables.items()]


def metrics(package: str) -> list[Metric]:
    """The metrics that the modules of ``package`` make, by name."""
    made = _metrics_in(package)
    if package != CHASSIS:
        made = {key: value for key, value in made.items() if key not in _metrics_in(CHASSIS)}
    found = []
    for value in made.values():
        [family] = value.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found.append(Metric(name, family.type, tuple(value._labelnames), prose(family.documentation)))
    return sorted(found, key=lambda metric: metric.name)


def _metrics_in(package: str) -> dict[int, MetricWrapperBase]:
    """Every metric that a module of ``package`` has a name for, also where it was only imported."""
    values = [value for module in import_modules(package) for value in vars(sys.modules[module]).values()]
    return {id(value): value for value in values if isinstance(value, MetricWrapperBase)}


def import_modules(package: str) -> list[str]:
    """Import every module of ``package`` but entry points, migrations and tests; their names."""
    return list(_walk(package))


def _walk(package: str) -> Iterator[str]:
    module = import_module(package)
    yield package
    for item in pkgutil.iter_modules(getattr(module, "__path__", ())):
        name = f"{package}.{item.name}"
        if item.name not in _LEFT_OUT:
            yield from _walk(name)
