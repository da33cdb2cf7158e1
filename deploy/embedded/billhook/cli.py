"""The command line: ``./billhook up · demo · stop · status · test · check · alone · docs · contracts · …``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from billhook.data import CHECKOUT, DataFolder, default_folder
from billhook_common.config import ConfigError
from billhook_common.local import LocalError

NOT_RUNNING = 3
"""Exit status of ``status`` when nothing runs, as the Linux Standard Base has it for services."""
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, by default the one of this process's own command line; its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # Handed on as they are, for argparse would take the options of pytest or of a benchmark for its own.
    if arguments and arguments[0] == "test":
        from billhook import test  # noqa: PLC0415

        return test.run(list(arguments[1:]))
    if arguments and arguments[0] == "bench":
        from billhook import bench  # noqa: PLC0415

        return bench.run(list(arguments[1:]))
    options = _parser().parse_args(arguments)
    command = {
        "up": _up,
        "demo": _demo,
        "stop": _stop,
        "status": _status,
        "service": _service,
        "check": _check,
        "alone": _alone,
        "docs": _docs,
        "contracts": _contracts,
        "backup": _backup,
        "doctor": _doctor,
        "restore": _restore,
        "broker-users": _broker_users,
    }[options.command]
    try:
        return command(options)
    except (LocalError, ConfigError) as error:
        print(f"billhook: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="billhook", description="Billing, finance and operations for ISPs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="run the suite until Ctrl-C")
    demo = commands.add_parser("demo", help="run a demo ISP with a year of its life")
    for run in (up, demo):
        run.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
        run.add_argument("--port", type=int, default=8000, help="of the web pages and the API (default 8000)")
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    up.add_argument("--broker", default="", metavar="URL", help="amqp://… of RabbitMQ: a process per service")
    up.add_argument(
        "--database", default="", metavar="DSN", help="postgresql://… of a server's administrator, instead of our own"
    )
    stop = commands.add_parser("stop", help="stop what up or demo runs, and wait for it")
    status = commands.add_parser("status", help="what runs")
    for look in (stop, status):
        look.add_argument("--data", type=Path, metavar="DIR", help="default: the suite's and the demo's")
    service = commands.add_parser("service", help="a command of one service: replay, reconcile, inbox")
    service.add_argument("name", metavar="SERVICE")
    service.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="the command, or --help")
    service.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
    service.add_argument("--database", default="", metavar="DSN", help="as given to up")
    commands.add_parser("test", help="all tests; arguments go to pytest; --faults for the long ones too")
    commands.add_parser("bench", help="figures beside their yardsticks; a name, then its options")
    commands.add_parser("check", help="style, types, architecture, migrations")
    alone = commands.add_parser("alone", help="each service installed and tested with only the chassis beside it")
    alone.add_argument("services", nargs="*", metavar="SERVICE", help="default: all")
    alone.add_argument("--quick", action="store_true", help="unit tests and one file of integration tests each")
    commands.add_parser("docs", help="write docs/ and the README parts that the code itself can tell")
    contracts = commands.add_parser("contracts", help="whether the event contracts are still what was released")
    contracts.add_argument("--release", default="", metavar="VERSION", help="keep today's as those of this version")
    users = commands.add_parser("broker-users", help="write a RabbitMQ user for each service, with its rights")
    users.add_argument("folder", type=Path, metavar="DIR", help="for definitions.json and a .env for each service")
    users.add_argument("--broker", required=True, metavar="URL", help="amqp://HOST:PORT/%%2F")
    backup = commands.add_parser("backup", help="all databases, keys and files in one file, while it runs")
    backup.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
    backup.add_argument("--to", type=Path, metavar="FILE", help="default: beside the data folder, with the time")
    restore = commands.add_parser("restore", help="make a new data folder from a backup")
    restore.add_argument("file", type=Path, metavar="FILE", help="what backup wrote")
    restore.add_argument("--data", type=Path, metavar="DIR", required=True, help="new or empty")
    doctor = commands.add_parser("doctor", help="what is wrong with an installation, and what to do")
    doctor.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
    doctor.add_argument("--port", type=int, default=8000, help="that up is to use (default 8000)")
    doctor.add_argument("--broker", default="", metavar="URL", help="amqp://… that up is given")
    return parser


def _folder(given: Path | None, kind: str = "suite") -> DataFolder:
    return DataFolder(given.resolve()) if given is not None else default_folder(kind)


def _up(options: argparse.Namespace) -> int:
    from billhook import running  # noqa: PLC0415 - stop and status need none of it
    from billhook.supervisor import Plan  # noqa: PLC0415

    plan = Plan(
        data=_folder(options.data),
        host=options.host,
        port=options.port,
        broker=options.broker,
        database=options.database,
    )
    return running.up(plan)


def _demo(options: argparse.Namespace) -> int:
    from billhook import running  # noqa: PLC0415
    from billhook.supervisor import Plan  # noqa: PLC0415

    return running.demo(Plan(data=_folder(options.data, "demo"), port=options.port))


def _stop(options: argparse.Namespace) -> int:
    from billhook.stopping import stop  # noqa: PLC0415

    stopped = [stop(folder) for folder in _folders(options.data)]
    if not any(stopped):
        print("nothing runs")
    return 0


def _status(options: argparse.Namespace) -> int:
    from billhook.stopping import describe  # noqa: PLC0415

    descriptions = [text for folder in _folders(options.data) if (text := describe(folder))]
    print("\n".join(descriptions) or "nothing runs")
    return 0 if descriptions else NOT_RUNNING


def _service(options: argparse.Namespace) -> int:
    from billhook import suite  # noqa: PLC0415
    from billhook.supervisor import Plan  # noqa: PLC0415

    if options.name not in suite.installed():
        raise LocalError(f"there is no service {options.name}; there are {', '.join(suite.installed())}")
    plan = Plan(data=_folder(options.data), database=options.database)
    os.environ.setdefault("BILLHOOK_LOG_FORMAT", "console")
    os.environ.update(suite.database_settings(plan.dsns([options.name])))
    suite.load(options.name).main(options.arguments)
    return 0


def _folders(given: Path | None) -> list[DataFolder]:
    return [_folder(given)] if given is not None else [default_folder("suite"), default_folder("demo")]


def _check(options: argparse.Namespace) -> int:
    from billhook import check  # noqa: PLC0415

    return check.run()


def _alone(options: argparse.Namespace) -> int:
    from billhook import alone  # noqa: PLC0415

    return alone.run(options.services, quick=options.quick)


def _docs(options: argparse.Namespace) -> int:
    from billhook import reference  # noqa: PLC0415

    for path in reference.write(CHECKOUT):
        print(f"wrote {path.relative_to(CHECKOUT)}")
    return 0


def _contracts(options: argparse.Namespace) -> int:
    from billhook import contracts  # noqa: PLC0415

    return contracts.release(options.release) if options.release else contracts.check()


def _backup(options: argparse.Namespace) -> int:
    from billhook.backup import backup  # noqa: PLC0415

    target = backup(_folder(options.data), options.to)
    print(f"wrote {target}, {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _restore(options: argparse.Namespace) -> int:
    from billhook.restoring import restore  # noqa: PLC0415

    folder = _folder(options.data)
    restore(options.file, folder, print)
    print(f"restored into {folder.path}; start it with ./billhook up --data {folder.path}")
    return 0


def _broker_users(options: argparse.Namespace) -> int:
    from billhook.broker import write_broker_users  # noqa: PLC0415

    print("\n".join(str(path) for path in write_broker_users(options.folder.resolve(), options.broker)))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from billhook import doctor  # noqa: PLC0415

    return doctor.run(_folder(options.data), options.port, options.broker)
