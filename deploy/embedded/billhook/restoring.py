"""``./billhook restore``: a new data folder from a backup, which is read to its end before anything is made."""

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path, PurePosixPath

import msgspec
import psycopg
from alembic.script import ScriptDirectory
from packaging.version import Version

from billhook import suite
from billhook.backup import FORMAT, MANIFEST, Manifest, Part, count_rows
from billhook.data import DataFolder
from billhook_common.local import LocalError, binaries
from billhook_common.local.dump import CHUNK_BYTES, restore_database
from billhook_common.local.postgres import LocalPostgres

_LARGEST_MANIFEST_BYTES = 10_000_000


class NotABackup(LocalError):
    """The file is cut off, was changed, or never was a backup."""


class OfNewerRelease(LocalError):
    """A backup is read by the release that made it and by later ones."""


def restore(file: Path, folder: DataFolder, say: Callable[[str], None]) -> Manifest:
    """Make the installation in ``folder`` again; on a failure nothing is left there. Raises LocalError."""
    if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
        raise LocalError(f"{folder.path} is not empty; a backup is restored into a new data folder")
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = check(archive)
            say(f"backup of {manifest.made_at:%Y-%m-%d %H:%M} UTC, Billhook {manifest.billhook}: whole and unchanged")
            try:
                _make(archive, manifest, folder)
            except BaseException:
                _remove_all(folder.path)
                raise
    except (zipfile.BadZipFile, EOFError) as error:
        raise NotABackup(f"{file} is no whole backup: it was cut off or damaged on its way ({error})") from error
    except OSError as error:
        raise LocalError(f"the backup could not be restored: {error}") from error
    return manifest


def check(archive: zipfile.ZipFile) -> Manifest:
    """Read everything once and compare it with the manifest. Raises NotABackup, OfNewerRelease."""
    manifest = _manifest(archive)
    _require_known_release(manifest)
    names = sorted([MANIFEST, *(part.name for part in manifest.parts)])
    if sorted(archive.namelist()) != names:
        raise NotABackup("the backup has other parts than its manifest says: it was changed")
    for part in manifest.parts:
        _check_part(archive, part)
    return manifest


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        found = archive.getinfo(MANIFEST)
        if found.file_size > _LARGEST_MANIFEST_BYTES:
            raise NotABackup("the manifest is too large to be one")
        raw = archive.read(MANIFEST)
        if msgspec.json.decode(raw, type=dict).get("format", 0) > FORMAT:
            raise OfNewerRelease("the backup was made by a newer release of Billhook; restore it with that one")
        return msgspec.json.decode(raw, type=Manifest)
    except (KeyError, TypeError, msgspec.DecodeError) as error:
        raise NotABackup("the file is a zip, but no backup of Billhook: it has no manifest") from error


def _require_known_release(manifest: Manifest) -> None:
    ours = metadata.version("billhook")
    if Version(manifest.billhook) > Version(ours):
        raise OfNewerRelease(
            f"the backup was made by Billhook {manifest.billhook} and this is {ours}: "
            "restore it with that release or a later one"
        )
    made, have = int(manifest.postgresql.partition(".")[0]), binaries.major()
    if made > have:
        raise OfNewerRelease(f"the backup was made with PostgreSQL {made} and this release has {have}")
    for name, held in manifest.databases.items():
        if name not in suite.installed():
            raise LocalError(f"the backup has a database of {name}, which is not installed here")
        script = ScriptDirectory(str(suite.load(name).migrations), version_locations=[
            str(suite.load(name).migrations / "versions")
        ])  # fmt: skip
        if held.revision not in {one.revision for one in script.walk_revisions()}:
            raise OfNewerRelease(f"the backup's database of {name} is at migration {held.revision}, unknown here")


def _check_part(archive: zipfile.ZipFile, part: Part) -> None:
    path = PurePosixPath(part.name)
    if path.is_absolute() or ".." in path.parts or path.parts[0] not in {"databases", "files"}:
        raise NotABackup(f"{part.name!r} is no name of a part")
    digest, size = hashlib.sha256(), 0
    with archive.open(part.name) as member:
        while chunk := member.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    if (size, digest.hexdigest()) != (part.bytes, part.sha256):
        raise NotABackup(f"{part.name} is not what was backed up: the file was changed or damaged")


def _make(archive: zipfile.ZipFile, manifest: Manifest, folder: DataFolder) -> None:
    folder.prepare()
    for part in manifest.parts:
        top, _, inside = part.name.partition("/")
        if top == "files":
            _write_file(archive, part, folder.path / inside)
    with LocalPostgres(folder.cluster) as server:
        for name, held in manifest.databases.items():
            database = suite.database_name(name)
            dsn = server.create_database(database, database)
            with archive.open(f"databases/{name}.dump") as source:
                restore_database(server.programs(), dsn, source)
            with psycopg.connect(dsn, autocommit=True) as connection:
                found = count_rows(connection)
                connection.execute("ANALYZE")
            if found != held:
                raise LocalError(f"the restored database of {name} has other rows than the backup's manifest says")


def _write_file(archive: zipfile.ZipFile, part: Part, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(part.name) as source, path.open("xb") as target:
        path.chmod(0o600)
        shutil.copyfileobj(source, target, CHUNK_BYTES)


def _remove_all(folder: Path) -> None:
    """What was begun in a folder that was empty or not there."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
