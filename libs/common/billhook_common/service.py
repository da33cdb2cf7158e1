"""A service: its name, tables, routes, handlers and jobs, and the processes made of them."""

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import flask_smorest
from flask import Flask
from prometheus_client import REGISTRY, start_http_server
from sqlalchemy import MetaData

from billhook_common import migrate
from billhook_common.api import Runtime, ServiceApp, build_app
from billhook_common.clock import Clock, SystemClock
from billhook_common.config import ConfigError, ServiceConfig
from billhook_common.db import Database
from billhook_common.events.handlers import Handlers
from billhook_common.events.snapshots import Snapshot
from billhook_common.figures import DatabaseFigures
from billhook_common.jobs import Job
from billhook_common.logs import configure_logs, get_logger
from billhook_common.operations import api as operations
from billhook_common.operations.commands import (
    add_dead_command,
    add_inbox_command,
    run_dead_command,
    run_inbox_command,
)
from billhook_common.operations.replaying import add_replay_commands, run_reconcile, run_replay
from billhook_common.serving import serve
from billhook_common.settings import api as settings_api
from billhook_common.settings.declared import Setting, check_settings
from billhook_common.signals import set_on_signals
from billhook_common.worker import Worker, build_worker, collect_seldom, jobs_of

log = get_logger()


@dataclass(frozen=True, kw_only=True)
class Service:
    """The only wiring of a service; ``app.py`` makes one and calls ``main``."""

    name: str
    package: str
    title: str
    metadata: MetaData
    blueprints: Sequence[flask_smorest.Blueprint]
    handlers: Handlers
    jobs: Sequence[Job] = ()
    snapshots: Sequence[Snapshot] = ()
    config: type[ServiceConfig] = ServiceConfig
    settings: Sequence[Setting[Any]] = ()
    version: str = "0.1.0"

    @property
    def migrations(self) -> Path:
        """The folder of this service's migrations."""
        return Path(str(resources.files(self.package))) / "migrations"

    def read_config(self) -> ServiceConfig:
        """The configuration from the environment; raises ConfigError."""
        return self.config.from_environ(self.name)

    def migrate(self, dsn: str) -> None:
        """Bring the database at ``dsn`` to this release."""
        migrate.upgrade(self.migrations, dsn, self.metadata)

    def api(
        self, config: ServiceConfig | None = None, clock: Clock | None = None, database: Database | None = None
    ) -> ServiceApp:
        """The WSGI app."""
        config = config or self.read_config()
        check_settings(self.settings, config)
        runtime = Runtime(
            name=self.name,
            config=config,
            clock=clock or SystemClock(config.zone),
            database=database or Database(config, self.name),
            migrations=self.migrations,
            settings=tuple(self.settings),
            jobs=jobs_of(self, config),
            version=self.version,
        )
        own = [*self.blueprints, *([settings_api.blueprint] if self.settings else []), operations.blueprint]
        return build_app(runtime, own, self.title, self.version)

    def front(self, config: ServiceConfig) -> Flask:
        """What the api process serves: the WSGI app; the gateway stands in front of its own."""
        return self.api(config)

    def worker(self, config: ServiceConfig | None = None, clock: Clock | None = None) -> Worker:
        """Relay, consumer and jobs of this service alone; needs a broker. Raises ConfigError."""
        config = config or self.read_config()
        if not config.broker_url:
            raise ConfigError("BILLHOOK_BROKER_URL is empty: a service alone reaches the others through RabbitMQ")
        return build_worker([(self, config)], clock or SystemClock(config.zone))

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """The service's own command line."""
        parser = argparse.ArgumentParser(prog=f"billhook-{self.name}", description=self.title)
        commands = parser.add_subparsers(dest="command", required=True)
        api = commands.add_parser("api", help="serve HTTP")
        api.add_argument("--bind", default="127.0.0.1:8000")
        commands.add_parser("worker", help="relay, consumer and jobs")
        commands.add_parser("migrate", help="bring the database to this release")
        commands.add_parser("check", help="compare models and migrated database")
        commands.add_parser("openapi", help="print the OpenAPI document")
        add_inbox_command(commands)
        add_dead_command(commands)
        add_replay_commands(commands)
        options = parser.parse_args(arguments)
        config = self.read_config()
        configure_logs(self.name, config.log_format)
        run: dict[str, Any] = {
            "api": lambda: serve(lambda: self.front(config), options.bind, workers=config.web_workers),
            "worker": lambda: run_worker(self.worker(config), config),
            "migrate": lambda: self.migrate(config.database_url),
            "check": lambda: migrate.check(self.migrations, config.database_url, self.metadata),
            "openapi": lambda: print(self.api(config).test_client().get("/openapi.json").text),
            "inbox": lambda: sys.exit(run_inbox_command(options, config, SystemClock(config.zone))),
            "dead": lambda: sys.exit(run_dead_command(self.name, options, config)),
            "replay": lambda: sys.exit(run_replay(self, options, config, SystemClock(config.zone))),
            "reconcile": lambda: sys.exit(run_reconcile(self, options, config, SystemClock(config.zone))),
        }
        run[options.command]()


def run_worker(worker: Worker, config: ServiceConfig) -> None:
    """Run ``worker`` until SIGTERM or SIGINT."""
    set_on_signals(worker.stop, (signal.SIGTERM, signal.SIGINT))
    if config.metrics_port:
        REGISTRY.register(DatabaseFigures(worker.sources, config.data_folder))
        start_http_server(config.metrics_port, addr=config.metrics_host)
    collect_seldom()
    worker.start()
    log.info("worker_started", loops=len(worker.loops))
    worker.watch()
    worker.shutdown()
    log.info("worker_stopped")
