"""``up`` and ``demo``: start the suite, say where it is and how to sign in, and stay until told to stop."""

import datetime as dt
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from billhook.data import DataFolder
from billhook.supervisor import Plan, Supervisor, stop_on_signals
from billhook_common.clock import SystemClock
from billhook_common.config import ServiceConfig
from billhook_common.local import LocalError

FIRST_LOGIN = "admin"
PASSWORD_VARIABLE = "BILLHOOK_ADMIN_PASSWORD"  # noqa: S105 - the variable's name
KEY_VARIABLE = "BILLHOOK_BOOTSTRAP_KEY"
INTERRUPTED = 130
_PLAYED = "played"


def up(plan: Plan) -> int:
    """Run the suite until Ctrl-C, SIGTERM or ``stop``; the exit status."""
    if plan.data.demo_mark.exists():
        raise LocalError(f"{plan.data.path} holds the demo; run it with ./billhook demo, or choose another --data")
    is_first_start = not plan.data.signing_key.exists()
    settings = _sign_in(plan.data)
    return _run(plan, settings, lambda: _tell(plan, settings, show_password=is_first_start))


def demo(plan: Plan) -> int:
    """Run the suite with a demo ISP in it, which is played at the first start; the exit status."""
    if plan.data.cluster.exists() and not plan.data.demo_mark.exists():
        raise LocalError(f"{plan.data.path} holds data that is not the demo's; choose another --data")
    settings = _sign_in(plan.data)
    settings[KEY_VARIABLE] = os.environ.get(KEY_VARIABLE) or secrets.token_urlsafe(24)
    day, progress = _read_mark(plan.data.demo_mark)

    def play_and_tell() -> None:
        if progress != _PLAYED:
            from billhook.demo.calendar import Calendar  # noqa: PLC0415 - only the first start needs it
            from billhook.demo.client import Client  # noqa: PLC0415
            from billhook.demo.year import play_year  # noqa: PLC0415

            def note(months: int) -> None:
                plan.data.demo_mark.write_text(f"{day} {months}\n")

            began = time.monotonic()
            client = Client(plan.url, settings[KEY_VARIABLE])
            play_year(client, Calendar(plan.data.demo_day), day, say, done=int(progress), note=note)
            plan.data.demo_mark.write_text(f"{day} {_PLAYED}\n")
            say(f"played in {time.monotonic() - began:.1f} s")
        _tell(plan, settings, show_password=True)

    return _run(replace(plan, is_demo=True), settings, play_and_tell)


def _read_mark(mark: Path) -> tuple[dt.date, str]:
    """The day that the demo's year ends on, and how many months of it are played, or that all are."""
    if not mark.exists():
        mark.write_text(f"{SystemClock(ServiceConfig.from_environ('gateway').zone).today()}\n")
    day, *rest = mark.read_text().split()
    return dt.date.fromisoformat(day), rest[0] if rest else "0"


def say(line: str) -> None:
    """Tell the person at the keyboard."""
    print(line, flush=True)


def _run(plan: Plan, settings: dict[str, str], when_started: Callable[[], None]) -> int:
    """``when_started`` runs beside the watch over the processes; when it fails, everything is stopped."""
    supervisor = Supervisor(plan, settings, say)
    stop_on_signals(supervisor)
    began = time.monotonic()
    say(f"starting on {plan.data.path}")
    try:
        supervisor.start()
    except KeyboardInterrupt:
        return INTERRUPTED
    say(f"started in {time.monotonic() - began:.1f} s")
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            when_started()
        except LocalError as error:
            failures.append(error)
            say(f"failed: {error}")
            supervisor.stopping.set()
        except BaseException as error:
            failures.append(error)
            supervisor.stopping.set()
            raise

    threading.Thread(target=follow, name="follow", daemon=True).start()
    try:
        supervisor.watch()
    finally:
        say("stopping")
        began = time.monotonic()
        supervisor.stop()
        say(f"stopped in {time.monotonic() - began:.1f} s")
    return 1 if failures else 0


def _sign_in(data: DataFolder) -> dict[str, str]:
    """The first administrator's password: as the environment says, or made up and kept until its file is deleted."""
    data.prepare()
    if os.environ.get(PASSWORD_VARIABLE):
        return {}
    if data.first_password.exists() or not data.signing_key.exists():
        return {PASSWORD_VARIABLE: data.secret(data.first_password)}
    return {}


def _tell(plan: Plan, settings: dict[str, str], *, show_password: bool) -> None:
    say(f"ready {plan.url}")
    password = settings.get(PASSWORD_VARIABLE)
    if os.environ.get(PASSWORD_VARIABLE):
        say(f"sign in as {FIRST_LOGIN} with the password in {PASSWORD_VARIABLE}")
    elif password and show_password:
        say(f"sign in as {FIRST_LOGIN} with the password {password}")
        say(f"(also in {plan.data.first_password}; delete it when you have changed the password)")
    say("stop with Ctrl-C or ./billhook stop")
