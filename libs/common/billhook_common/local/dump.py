"""One database as a stream that any later major version of PostgreSQL reads again."""

import subprocess
from pathlib import Path
from typing import IO

from billhook_common.local.cluster import PostgresFailed, tail

CHUNK_BYTES = 1 << 20


def dump_database(programs: Path, dsn: str, snapshot: str, target: IO[bytes]) -> None:
    """Write the database at ``dsn`` as the exported ``snapshot`` sees it, compressed. Raises PostgresFailed."""
    command = [str(programs / "pg_dump"), "--format=custom", f"--snapshot={snapshot}", f"--dbname={dsn}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            while chunk := process.stdout.read(CHUNK_BYTES):
                target.write(chunk)
        except BaseException:
            process.kill()  # it would wait for ever for somebody to read on
            raise
        said = process.stderr.read()
    _require("pg_dump", process.returncode, said)


def restore_database(programs: Path, dsn: str, source: IO[bytes]) -> None:
    """Fill the empty database at ``dsn``, whose role then owns everything in it. Raises PostgresFailed."""
    command = [str(programs / "pg_restore"), "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={dsn}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stderr is not None
        try:
            while chunk := source.read(CHUNK_BYTES):
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says below why it stopped reading
        said = process.stderr.read()
    _require("pg_restore", process.returncode, said)


def _require(program: str, status: int, said: bytes) -> None:
    if status != 0:
        raise PostgresFailed(f"{program} failed:\n{tail(said.decode(errors='replace'))}")
