"""Static files under content-hashed names, compressed once at start and cached by browsers for good.

Style sheets and scripts may name each other and their fonts by relative path (``url(…)``, ``import … from "…"``); those
references are rewritten to the hashed names, so a changed font changes the sheet's name too.
"""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, abort, request

from billhook_common.auth import public

PREFIX = "/static"
IMMUTABLE = "public, max-age=31536000, immutable"
HASH_DIGITS = 12
COMPRESSED = (".css", ".js", ".svg")
BUNDLES: dict[str, tuple[str, ...]] = {
    "css/app.css": (
        "css/tokens.css",
        "css/base.css",
        "css/shell.css",
        "css/controls.css",
        "css/surfaces.css",
        "css/charts.css",
        "css/pages.css",
    ),
}
"""Files made by joining others, in this order; the parts themselves are not served."""

_REFERENCE = re.compile(r"""(url\(|from\s+"|import\s+")(\.{1,2}/[^")]+)""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as served; ``packed`` is its gzip form, or ``None`` where that would not help."""

    name: str
    content: bytes
    packed: bytes | None
    mimetype: str


class Assets:
    """All static files of one folder."""

    def __init__(self, folder: Path, bundles: Mapping[str, Sequence[str]] = BUNDLES) -> None:
        """Read, rewrite, hash and compress everything below ``folder``; about 30 ms."""
        self._folder = folder
        self._bundles = bundles
        self._names: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        self._open: list[str] = []
        parts = {part for bundle in bundles.values() for part in bundle}
        found = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
        for source in [*(name for name in found if name not in parts), *bundles]:
            self._add(source)

    def url(self, source: str) -> str:
        """Address of a file by its path below the folder; ``KeyError`` when there is none."""
        return f"{PREFIX}/{self._names[source]}"

    def find(self, name: str) -> Asset | None:
        """The file served under a hashed name."""
        return self._served.get(name)

    def _read(self, source: str) -> bytes:
        if source in self._bundles:
            return b"\n".join((self._folder / part).read_bytes() for part in self._bundles[source])
        return (self._folder / source).read_bytes()

    def _add(self, source: str) -> str:
        """Serve a file after the files that it names; returns its hashed name."""
        if source in self._names:
            return self._names[source]
        assert source not in self._open, f"static files refer to each other in a circle: {self._open}"
        self._open.append(source)
        content = self._read(source)
        if source.endswith((".css", ".js")) and not source.startswith("vendor/"):
            content = _REFERENCE.sub(lambda found: self._rewrite(source, found), content.decode()).encode()
        self._open.pop()
        stem, dot, ending = source.rpartition(".")
        name = f"{stem}.{hashlib.sha256(content).hexdigest()[:HASH_DIGITS]}{dot}{ending}"
        packed = gzip.compress(content, 9, mtime=0) if source.endswith(COMPRESSED) else None
        mimetype = mimetypes.guess_type(source)[0] or "application/octet-stream"
        self._names[source] = name
        self._served[name] = Asset(name, content, packed, mimetype)
        return name

    def _rewrite(self, source: str, found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        relative = posixpath.relpath(self._add(target), posixpath.dirname(source))
        return found[1] + (relative if relative.startswith(".") else f"./{relative}")


def assets_blueprint(assets: Assets) -> Blueprint:
    """The route that serves them; public, because sign-in needs them."""
    blueprint = Blueprint("assets", __name__, url_prefix=PREFIX)

    @blueprint.get("/<path:name>")
    @public
    def serve(name: str) -> Response:
        asset = assets.find(name)
        if asset is None:
            abort(404)
        packed = asset.packed if request.accept_encodings["gzip"] else None
        response = Response(packed or asset.content, mimetype=asset.mimetype)
        response.headers["Cache-Control"] = IMMUTABLE
        if asset.packed:
            response.headers["Vary"] = "Accept-Encoding"
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    return blueprint
