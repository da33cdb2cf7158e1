"""Stop an installation that runs elsewhere, or say what runs."""

import signal

from billhook.children import stop_leftovers
from billhook.data import DataFolder
from billhook_common.local import LocalError
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.processes import wait_until

STOP_SECONDS = 20.0


def stop(folder: DataFolder) -> bool:
    """Stop the suite on ``folder`` and wait for it, also what a killed supervisor left; whether anything ran."""
    running = folder.supervisor()
    if running is not None:
        running.send(signal.SIGTERM)
        if not wait_until(lambda: not running.is_running(), STOP_SECONDS):
            raise LocalError(f"process {running.pid} has not stopped after {STOP_SECONDS:.0f} s: kill -9 {running.pid}")
        print(f"stopped {folder.path}")
        return True
    left = folder.children()
    if left:
        left.pop("postgresql", None)
        stop_leftovers(left.values())
        LocalPostgres(folder.cluster).end_leftovers()
        print(f"stopped what was left on {folder.path}")
    return bool(left)


def describe(folder: DataFolder) -> str:
    """Address and processes of the suite on ``folder``; empty when it does not run."""
    running = folder.supervisor()
    children = folder.children()
    if running is None and not children:
        return ""
    head = f"{folder.address()} on {folder.path}" if running else f"left behind on {folder.path}, without a supervisor"
    processes = {"supervisor": running, **children} if running else children
    lines = [f"  {name:<18} {process.pid}" for name, process in processes.items() if process is not None]
    return "\n".join([head, *lines])
