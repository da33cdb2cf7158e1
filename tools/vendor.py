"""Refresh and verify the front-end files that the gateway ships.

``python tools/vendor.py check`` compares every vendored file with its recorded hash (no network, run in CI).
``python tools/vendor.py refresh`` fetches the pinned packages with ``npm pack``, extracts the named files, builds the
icon sprite and records the hashes. To take another version or icon, edit ``vendor.json`` and refresh.
"""

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "gateway/billhook_gateway/static/vendor"
MANIFEST = FOLDER / "vendor.json"


def read_manifest() -> list[dict[str, Any]]:
    """Entries of vendor.json: name, version, source, file, sha512, licence, licence_file, and icons for a sprite."""
    entries: list[dict[str, Any]] = json.loads(MANIFEST.read_text("utf-8"))
    return entries


def sha512(data: bytes) -> str:
    """Lower-case hexadecimal digest."""
    return hashlib.sha512(data).hexdigest()


def problems() -> list[str]:
    """What differs between the folder and vendor.json, one sentence each; empty when all is well."""
    found, expected = [], {MANIFEST.name}
    for entry in read_manifest():
        path = FOLDER / entry["file"]
        expected |= {entry["file"], entry["licence_file"]}
        if not path.is_file():
            found.append(f"{entry['file']} is missing")
        elif sha512(path.read_bytes()) != entry["sha512"]:
            found.append(f"{entry['file']} differs from its recorded hash")
        if not (FOLDER / entry["licence_file"]).is_file():
            found.append(f"{entry['licence_file']} is missing")
    found += [f"{path.name} is not in vendor.json" for path in FOLDER.iterdir() if path.name not in expected]
    return found


def fetch(name: str, version: str, folder: Path) -> Path:
    """Download and unpack one package; returns the folder of its files."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{name}@{version}"]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    target = folder / archive.removesuffix(".tgz")
    with tarfile.open(folder / archive) as packed:
        packed.extractall(target, filter="data")
    return target / "package"


def sprite(icons: list[str], folder: Path) -> bytes:
    """One SVG document with a symbol per icon, in the order given; colour and stroke are the style sheet's."""
    symbols = []
    for icon in icons:
        drawing = (folder / f"{icon}.svg").read_text("utf-8")
        shapes = re.findall(r"<(?:path|circle|rect|line|polyline|ellipse)\b[^>]*/>", drawing)
        kept = "".join(shape for shape in shapes if 'stroke="none"' not in shape)
        symbols.append(f'<symbol id="{icon}" viewBox="0 0 24 24">{kept}</symbol>')
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>\n"]).encode()


def refresh() -> None:
    """Rebuild every vendored file from its package and record the hashes."""
    entries = read_manifest()
    with tempfile.TemporaryDirectory() as scratch:
        packages: dict[str, Path] = {}
        for entry in entries:
            package = packages.get(entry["name"]) or fetch(entry["name"], entry["version"], Path(scratch))
            packages[entry["name"]] = package
            source = package / entry["source"]
            content = sprite(sorted(entry["icons"]), source) if "icons" in entry else source.read_bytes()
            (FOLDER / entry["file"]).write_bytes(content)
            (FOLDER / entry["licence_file"]).write_bytes((package / "LICENSE").read_bytes())
            entry["sha512"] = sha512(content)
            if "icons" in entry:
                entry["icons"] = sorted(entry["icons"])
    MANIFEST.write_text(json.dumps(entries, indent=2) + "\n", "utf-8")


def main(arguments: list[str]) -> int:
    """Exit code 0 when the folder agrees with vendor.json."""
    if arguments not in (["check"], ["refresh"]):
        print("usage: vendor.py check|refresh", file=sys.stderr)
        return 2
    if arguments == ["refresh"]:
        refresh()
    for problem in (found := problems()):
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
