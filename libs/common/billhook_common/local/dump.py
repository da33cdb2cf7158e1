"""All databases of a data folder as SQL, to bring them over to another major version of PostgreSQL."""

import subprocess
from pathlib import Path
from typing import IO

from billhook_common.local.cluster import PostgresFailed, tail
from billhook_common.local.postgres import LocalPostgres


def dump(folder: Path, target: IO[bytes]) -> None:
    """Write every role and database of the cluster in ``folder`` to ``target``; nobody else may have it open."""
    with LocalPostgres(folder) as postgres:
        _run(postgres, ["pg_dumpall", f"--dbname={postgres.dsn()}"], stdout=target)


def restore(folder: Path, source: IO[bytes]) -> None:
    """Make a new cluster in ``folder`` from what ``dump`` wrote; raises PostgresFailed when there is one already."""
    if folder.exists():
        raise PostgresFailed(f"{folder} holds data already; a dump is restored into a new folder")
    with LocalPostgres(folder) as postgres:
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={postgres.dsn()}"]
        # The dump makes the superuser too, which is there: the one statement that may fail.
        text = source.read().replace(b"CREATE ROLE postgres;\n", b"", 1)
        _run(postgres, command, stdin_text=text)


def _run(
    postgres: LocalPostgres, command: list[str], stdout: IO[bytes] | None = None, stdin_text: bytes | None = None
) -> None:
    done = subprocess.run(
        [str(postgres.programs() / command[0]), *command[1:]],
        check=False,
        input=stdin_text,
        stdout=stdout or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if done.returncode != 0:
        raise PostgresFailed(f"{command[0]} failed:\n{tail(done.stderr.decode(errors='replace'))}")
