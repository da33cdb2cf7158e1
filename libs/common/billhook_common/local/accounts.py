"""The account that PostgreSQL runs under: it refuses root, so root lends it one without rights."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billhook_common.local import LocalError

CANDIDATES = ("billhook", "postgres", "nobody")
"""Taken in this order when root starts PostgreSQL for the first time; later the data's owner decides."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of this machine; ``switch`` when we are root and have to become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @classmethod
    def for_data(cls, folder: Path) -> "Account":
        """The account that runs the server on ``folder``; raises LocalError when there is none."""
        uid = os.geteuid()
        if uid != 0:
            if folder.exists() and folder.stat().st_uid != uid:
                raise LocalError(f"{folder} belongs to {_name(folder.stat().st_uid)}; start Billhook as that user")
            return cls(_name(uid), uid, os.getegid(), switch=False)
        if folder.exists() and folder.stat().st_uid != 0:
            entry = _entry(folder.stat().st_uid)
        else:
            entry = next((found for found in map(_entry_named, CANDIDATES) if found), None)
        if entry is None:
            raise LocalError(
                "PostgreSQL does not run as root, and this machine has no account named "
                f"{', '.join(CANDIDATES)} to run it under: add one (useradd --system billhook)"
            )
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)

    @property
    def process_arguments(self) -> dict[str, Any]:
        """Keyword arguments that make subprocess run a program under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give a file or folder that we made to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may use what lies in ``folder``, all parents considered."""
        if not self.switch:
            return os.access(folder, os.X_OK)
        # Asked of the kernel, which also knows access lists and mounts.
        return (
            subprocess.run(
                ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
                check=False,
                cwd="/",
                stderr=subprocess.DEVNULL,
                **self.process_arguments,
            ).returncode
            == 0
        )

    def require_entry(self, folder: Path) -> None:
        """Raise LocalError naming the first folder on the way that shuts this account out."""
        if self.can_enter(folder):
            return
        way = [*reversed(folder.parents), folder]
        closed = next((step for step in way if not self.can_enter(step)), folder)
        raise LocalError(
            f"PostgreSQL runs under the account {self.name}, since it refuses root, and {self.name} may not enter "
            f"{closed} on the way to {folder}.\nChoose a data folder elsewhere, such as --data /var/lib/billhook, "
            "or run Billhook as an ordinary user."
        )


def _entry(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _entry_named(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _name(uid: int) -> str:
    entry = _entry(uid)
    if entry is None:
        raise LocalError(f"user number {uid} has no name on this machine (/etc/passwd), which PostgreSQL needs")
    return entry.pw_name
