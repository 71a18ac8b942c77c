"""What the strict content policy, htmx 4 and the budgets ask of templates, style and script."""

import gzip
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2
import jinja2.nodes
import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMMENT = re.compile(r"\{#.*?#\}", re.S)

FORBIDDEN = {
    "inline style, which the content policy drops": r"\sstyle\s*=",
    "inline handler": r"<[^>{]*\son[a-z]+\s*=",
    "inline script": r"<script(?![^>]*\bsrc=)",
    "hx-on, which needs eval": r"\bhx-on\b",
    "computed hx-vals or hx-headers, which need eval": r"\bhx-(vals|headers)\s*=\s*[\"']\s*js(on)?:",
    "a filter in hx-trigger, which needs eval": r"\bhx-trigger\s*=\s*\"[^\"]*\[",
    "a javascript: address": r"javascript:",
    "an attribute that htmx 4 does not know": r"\bhx-(ext|disinherit|params|vars|disabled-elt|request|inherit)\b",
    "hx-boost that nothing inherits": r"\bhx-boost\s*=\s*\"true\"",
    "text printed without escaping": r"\|\s*safe\b",
    "a physical side in a class or attribute": r"\b(align|bgcolor|border)\s*=\s*\"",
}


@cache
def parsed(path: Path) -> jinja2.nodes.Template:
    return jinja2.Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(path.read_text())


@cache
def source(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


def named(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_nothing_that_the_policy_or_htmx_refuses(path: Path) -> None:
    found = {why for why, pattern in FORBIDDEN.items() if re.search(pattern, source(path), re.I)}
    assert not found


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_parses_and_says_first_what_it_expects(path: Path) -> None:
    assert parsed(path).body
    assert path.read_text().startswith("{#")


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_picture_keeps_its_place_and_has_words(path: Path) -> None:
    for tag in re.findall(r"<img\b[^>]*>", source(path)):
        assert re.search(r"\bwidth=", tag), tag
        assert re.search(r"\bheight=", tag), tag
        assert re.search(r"\balt=", tag), tag


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_form_that_writes_carries_the_token(path: Path) -> None:
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", source(path), re.S):
        assert re.search(r"csrf\(\)|once\(\)|csrf_token", form), form[:120]


def set_at_the_top(path: Path) -> Iterator[str]:
    """Names that a template gives a value outside of its blocks."""
    for node in parsed(path).body:
        for found in node.find_all(jinja2.nodes.Assign) if isinstance(node, jinja2.nodes.If) else [node]:
            if isinstance(found, jinja2.nodes.Assign) and isinstance(found.target, jinja2.nodes.Name):
                yield found.target.name


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_no_page_s_name_is_its_layout_s_too(path: Path) -> None:
    """The layout's value would win inside the page's blocks."""
    mine, layout = set(set_at_the_top(path)), path
    while parent := re.search(r"{% extends \"([^\"]+)\"", source(layout)):
        layout = ROOT / "templates" / parent[1]
        assert not mine & set(set_at_the_top(layout)), parent[1]


def icons_used() -> Iterator[str]:
    for path in TEMPLATES:
        text = source(path)
        yield from re.findall(r"\bicon\(\"([a-z0-9-]+)\"", text)
        yield from re.findall(r"\bsign=\"([a-z0-9-]+)\"", text)


def test_every_icon_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))
    assert set(icons_used()) <= sprite


def test_our_script_hears_of_forms_before_htmx_does() -> None:
    scripts = re.findall(r"<script src=\"\{\{ static_url\('([^']*)'", (ROOT / "templates/_layout.html").read_text())
    assert scripts.index("js/app.js") < scripts.index("vendor/htmx.min.js")


def test_style_is_logical_and_light() -> None:
    css = (ROOT / "static/css/app.css").read_text()
    assert len(css) <= 60_000
    assert len(gzip.compress(css.encode(), 9)) <= 14_000
    assert css.startswith("@layer reset, tokens, base, layout, components, pages, utilities, print;")
    physical = r"(margin|padding|border)-(left|right|top|bottom)\b|[\s;{](left|right|top|bottom|width|height):"
    assert not re.search(physical, css)


@pytest.mark.parametrize("name", ["app", "player", "calc", "wallets", "onward"])
def test_script_is_light_and_never_evaluates_text(name: str) -> None:
    script = (ROOT / f"static/js/{name}.js").read_text()
    assert len(gzip.compress(script.encode(), 9)) <= 5_000
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", script)
