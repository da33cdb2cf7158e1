"""Static files: hashed names, compressed bodies, rewritten references, and the budgets of the pages."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billhook_gateway.ui.assets import BUNDLES, Assets, assets_blueprint
from billhook_gateway.ui.environment import STATIC

pytestmark = pytest.mark.unit

STYLES_BYTES, SCRIPTS_BYTES, OWN_SCRIPT_LINES = 10_000, 25_000, 400
FONT_BYTES = 50_000
OWN_SCRIPTS = sorted((STATIC / "js").glob("*.js"))


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets(STATIC)


@pytest.fixture
def client(assets: Assets) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(assets_blueprint(assets))
    return app.test_client()


def served(assets: Assets, source: str) -> bytes:
    asset = assets.find(assets.url(source).removeprefix("/static/"))
    assert asset is not None
    return asset.content


def size(assets: Assets, source: str) -> int:
    return len(gzip.compress(served(assets, source), 9))


def test_a_file_is_served_for_good_under_a_name_that_its_content_makes(assets: Assets, client: FlaskClient) -> None:
    url = assets.url("css/app.css")
    answer = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert re.fullmatch(r"/static/css/app\.[0-9a-f]{12}\.css", url)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.data) == served(assets, "css/app.css")


def test_a_browser_without_gzip_and_a_font_get_plain_bytes(assets: Assets, client: FlaskClient) -> None:
    plain = client.get(assets.url("css/app.css"), headers={"Accept-Encoding": "gzip;q=0"})
    font = client.get(assets.url("vendor/inter-latin.woff2"), headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in font.headers
    assert font.mimetype == "font/woff2"


@pytest.mark.parametrize("name", ["css/app.css", "css/tokens.css", "../environment.py", "vendor/vendor.json.x"])
def test_only_hashed_names_are_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_references_between_files_carry_the_hash(assets: Assets) -> None:
    styles, script = served(assets, "css/app.css").decode(), served(assets, "js/app.js").decode()
    assert assets.url("vendor/inter-latin.woff2").rpartition("/")[2] in styles
    for module in re.findall(r'from "\./([^"]+)"', script):
        assert assets.find(f"js/{module}") is not None


def test_every_style_sheet_is_part_of_the_bundle() -> None:
    assert {f"css/{path.name}" for path in (STATIC / "css").iterdir()} == set(BUNDLES["css/app.css"])


def test_a_changed_file_gets_another_name_and_so_does_what_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import "./b.js";\n')
    (tmp_path / "b.js").write_text("let b = 1;\n")
    before = Assets(tmp_path, bundles={})
    (tmp_path / "b.js").write_text("let b = 2;\n")
    after = Assets(tmp_path, bundles={})
    assert before.url("b.js") != after.url("b.js")
    assert before.url("a.js") != after.url("a.js")


def test_scripts_that_import_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import "./b.js";\n')
    (tmp_path / "b.js").write_text('import "./a.js";\n')
    with pytest.raises(AssertionError, match="circle"):
        Assets(tmp_path, bundles={})


def test_styles_and_scripts_stay_in_their_budgets(assets: Assets) -> None:
    scripts = ["vendor/htmx.min.js", *(f"js/{path.name}" for path in OWN_SCRIPTS)]
    assert size(assets, "css/app.css") <= STYLES_BYTES
    assert sum(size(assets, script) for script in scripts) <= SCRIPTS_BYTES
    assert (STATIC / "vendor/inter-latin.woff2").stat().st_size <= FONT_BYTES
    assert sum(len(path.read_text().splitlines()) for path in OWN_SCRIPTS) < OWN_SCRIPT_LINES


def test_no_rule_of_the_style_sheets_is_dead() -> None:
    package = STATIC.parent
    sources = [*package.glob("templates/**/*.html"), *package.glob("ui/**/*.py"), *OWN_SCRIPTS]
    written = "\n".join(path.read_text() for path in sources) + " age-1 age-2 age-3 age-4"
    sheets = "\n".join((STATIC / part).read_text() for part in BUNDLES["css/app.css"])
    selectors = " ".join(re.findall(r"[^{}]+(?=\{)", re.sub(r"/\*.*?\*/", "", sheets, flags=re.DOTALL)))
    classes = set(re.findall(r"\.([a-z][a-z0-9-]*)", selectors))
    assert sorted(name for name in classes if not re.search(rf"(?<![\w-]){name}(?![\w-])", written)) == []


def test_the_sprite_holds_no_icon_that_nobody_shows() -> None:
    package = STATIC.parent
    written = "\n".join(path.read_text() for path in [*package.glob("templates/**/*.html"), *package.glob("ui/*.py")])
    icons = json.loads((STATIC / "vendor/vendor.json").read_text())[-1]["icons"]
    assert [icon for icon in icons if f'"{icon}"' not in written] == []


def test_vendored_files_are_the_recorded_ones_with_their_licences() -> None:
    folder = STATIC / "vendor"
    text = (folder / "vendor.json").read_text()
    entries = json.loads(text)
    for entry in entries:
        assert hashlib.sha512((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha512"]
    expected = {entry[key] for entry in entries for key in ("file", "licence_file")} | {"vendor.json"}
    assert {path.name for path in folder.iterdir()} == expected
    assert "//" not in text, "which host the files come from is the client's setting"
