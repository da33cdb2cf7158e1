"""PostgreSQL's data folder: made in one step, refused when another version wrote it, freed from a dead server."""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil

from billhook_common.local import LocalError, binaries
from billhook_common.local.accounts import Account
from billhook_common.local.processes import ProcessId

SUPERUSER = "postgres"
MAX_CONNECTIONS = 300
LEFTOVER_STOP_SECONDS = 5.0
_LONGEST_SOCKET_PATH = 107
"""Bytes; the room in the kernel's socket address (``sockaddr_un.sun_path``) less its closing zero."""
_START_TIME_TOLERANCE_SECONDS = 60.0
"""The clock may have been set since the server wrote when it started."""
_TAIL_LINES = 15

# Written into postgresql.conf once, for the operator to change; what Billhook depends on is given at each start.
_FIRST_SETTINGS = {
    "max_connections": str(MAX_CONNECTIONS),
    "jit": "off",  # compiling costs more than it saves on short statements
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A file per weekday, overwritten a week later, so that the log has a limit.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}
_ACCESS = """\
# Written by Billhook at each start.
local all all peer map=billhook
host  all all 127.0.0.1/32 scram-sha-256
"""


class OtherMajorVersion(LocalError):
    """The data was written by another major version of PostgreSQL; says how to bring it over."""


class PostgresFailed(LocalError):
    """PostgreSQL could not start; the text ends with what it said."""


def surroundings(account: Account) -> dict[str, Any]:
    """Keyword arguments for every program of PostgreSQL: nothing of the caller's environment reaches it."""
    environment = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
    return {"env": environment, "cwd": "/", "umask": 0o077, "stdin": subprocess.DEVNULL, **account.process_arguments}


def make(folder: Path, programs: Path, account: Account, *, durable: bool) -> None:
    """Make an empty cluster beside ``folder`` and move it there, so that an interruption leaves nothing half made."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    account.own(fresh)
    command = [
        str(programs / "initdb"),
        f"--pgdata={fresh}",
        f"--username={SUPERUSER}",
        "--auth=peer",
        "--no-instructions",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        *(f"--set={name}={value}" for name, value in _FIRST_SETTINGS.items()),
        *([] if durable else ["--no-sync"]),
    ]
    made = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **surroundings(account)
    )
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise PostgresFailed(f"PostgreSQL could not make its data in {folder}:\n{tail(made.stdout)}")
    if folder.exists():
        folder.rmdir()  # only ever empty: one with content is data, or somebody's mistake
    fresh.rename(folder)


def require_our_version(folder: Path) -> None:
    """Raise OtherMajorVersion when the data was written by another major version."""
    written, ours = int((folder / "PG_VERSION").read_text()), binaries.major()
    if written != ours:
        raise OtherMajorVersion(
            f"The data in {folder} was written by PostgreSQL {written}, and PostgreSQL {ours} of this release cannot "
            "read it. Nothing was changed. Bring it over with a backup:\n"
            f"  1. with the release you used before: ./billhook backup --data {folder.parent} --to backup.zip\n"
            f"  2. mv {folder.parent} {folder.parent}-{written}\n"
            f"  3. with this one: ./billhook restore backup.zip --data {folder.parent}"
        )


def end_leftovers(folder: Path) -> None:
    """End what a killed Billhook left running on ``folder``, and clear the way for a start.

    The caller holds the folder's lock, so nobody alive answers for that server. Its pid file and the one of its
    socket are removed when their number now belongs to some other process (in a container: soon); PostgreSQL would
    refuse to start.
    """
    pid_file = folder / "postmaster.pid"
    try:
        lines = pid_file.read_text().splitlines()
        pid, started = int(lines[0]), float(lines[2])
    except FileNotFoundError:
        return  # the server was stopped in good order
    except (ValueError, IndexError):
        pid, started = 0, 0.0  # cut off by a crash while it was being written
    found = ProcessId.of(pid) if pid > 0 else None
    if found is not None and _is_server(found, started, folder):
        steps = [(signal.SIGINT, LEFTOVER_STOP_SECONDS), (signal.SIGQUIT, LEFTOVER_STOP_SECONDS), (signal.SIGKILL, 1.0)]
        found.end(steps)
    _end_orphans(folder)
    # A zombie, which is how a killed server stays where nobody buries orphans, keeps its number too.
    if pid == 0 or found is not None or psutil.pid_exists(pid):
        for mine in (pid_file, *socket_folder(folder).glob(".s.PGSQL.*.lock")):
            mine.unlink(missing_ok=True)


def _is_server(found: ProcessId, started: float, folder: Path) -> bool:
    return abs(found.started - started) < _START_TIME_TOLERANCE_SECONDS and _works_in(psutil.Process(found.pid), folder)


def _end_orphans(folder: Path) -> None:
    """End backends whose server was killed: one deep in a query notices late, and holds the memory till then."""
    for process in psutil.process_iter():
        if _works_in(process, folder):
            orphan = ProcessId.of(process.pid)
            if orphan is not None:
                orphan.end([(signal.SIGQUIT, LEFTOVER_STOP_SECONDS), (signal.SIGKILL, LEFTOVER_STOP_SECONDS)])


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Whether this is a process of PostgreSQL on ``folder``: all of them have it as their working directory."""
    try:
        return process.name() == "postgres" and Path(process.cwd()) == folder
    except psutil.Error:
        return False


def write_access_rules(folder: Path, account: Account) -> None:
    """Let in the user who starts the server, through the socket and under any role, and others by password only."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    for name, content in (("pg_hba.conf", _ACCESS), ("pg_ident.conf", f'billhook "{user}" all\n')):
        path = folder / name
        path.write_text(content)
        path.chmod(0o600)
        account.own(path)


def socket_folder(folder: Path) -> Path:
    """Where the server's socket lies: in the data folder, unless the path is longer than a socket's may be."""
    longest = len(os.fsencode(folder / ".s.PGSQL.65535.lock"))
    if longest <= _LONGEST_SOCKET_PATH:
        return folder
    return Path(tempfile.gettempdir()) / f"billhook-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def make_socket_folder(folder: Path, account: Account) -> None:
    """Make the short folder for the socket when it is needed; raises LocalError when somebody else made it."""
    place = socket_folder(folder)
    if place == folder:
        return
    try:
        place.mkdir(mode=0o700)
        account.own(place)
    except FileExistsError:
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
            raise LocalError(
                f"{place}, the folder for PostgreSQL's socket, belongs to somebody else; remove it"
            ) from None


def tail(text: str) -> str:
    """The last lines of what a program said, indented."""
    return "\n".join(f"    {line}" for line in text.splitlines()[-_TAIL_LINES:])
