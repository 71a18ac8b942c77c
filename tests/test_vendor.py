"""Third-party files are exactly the ones that VENDOR.md names."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLES = [ROOT / "static/vendor/VENDOR.md", ROOT / "tests/browser/vendor/VENDOR.md"]
ROW = re.compile(r"^\| [^|]+ \| [\d.]+ \| (?P<file>[^|]+) \| (?P<sha>[0-9a-f]{64}) \| (?P<licence>[^|]+) \|", re.M)


def rows() -> list[tuple[Path, str, str]]:
    return [
        ((table.parent / row["file"]).resolve(), row["sha"], row["licence"])
        for table in TABLES
        for row in ROW.finditer(table.read_text())
    ]


@pytest.mark.parametrize(("path", "sha", "licence"), rows(), ids=lambda value: getattr(value, "name", ""))
def test_file_is_the_named_one_and_its_licence_lies_beside_it(path: Path, sha: str, licence: str) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha
    folder = path.parent if path.name != "icons.svg" else path.parent / "vendor"
    texts = re.findall(r"[\w.-]+\.txt", licence)
    assert texts
    assert all((folder / text).stat().st_size > 200 for text in texts)


def test_no_vendored_file_is_left_out_of_the_tables() -> None:
    named = {path for path, _, _ in rows()}
    found = {path for table in TABLES for path in table.parent.iterdir() if path.suffix not in {".txt", ".md"}}
    assert found == named - {ROOT / "static/icons.svg"}


def test_style_names_the_font_by_its_digest() -> None:
    digest = hashlib.sha256((ROOT / "static/vendor/figtree-latin-wght.woff2").read_bytes()).hexdigest()[:12]
    assert f"/static/{digest}/vendor/figtree-latin-wght.woff2" in (ROOT / "static/css/app.css").read_text()
