"""Promise 81: how long a comparison takes tells nothing about a secret: such names are compared by `crypto.same`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from portal.config import ROOT
from portal.crypto import same

SECRET = re.compile(
    r"token(?!_id|s\b)|(?<!de)sig(?!n_|ned_)|secret|hash|hmac|digest|\bmac\b|otp|recovery|verifier|csrf"
    r"|(?:^|(?<!status)_)codes?$",
    re.I,
)
PUBLIC = {
    "portal/checking.py": "hashes of blocks",
    "portal/config.py": "the default secret of development, which everybody knows",
    "portal/embedded/supervisor.py": "how a process ended",
    "portal/idempotency.py": "the hash of a body that the same person sent twice",
    "portal/indexer/loop.py": "hashes of blocks",
    "portal/indexer/reorg.py": "hashes of blocks",
    "portal/masters/policies.py": "hashes of published terms",
    "portal/portfolio/page.py": "codes of currencies",
    "portal/web/pages.py": "hashes of static files, which stand in their addresses",
}
"""Hashes that everybody may know; whatever else is called like a secret is one."""


def names(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Subscript(value=value, slice=key):
            yield from names(value)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value
        case ast.Call(func=func):
            yield from names(func)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            for part in parts:
                yield from names(part)


def column(node: ast.expr) -> bool:
    """`Model.column`: the database compares."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper()


def compared(source: str) -> Iterator[str]:
    """Comparisons by == or != of what is called like a secret."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if not any(map(column, sides)) and any(SECRET.search(name) for side in sides for name in names(side)):
            yield ast.unparse(node)


def test_secrets_are_compared_in_constant_time() -> None:
    """Promise 81: no `==` on names like token, signature, secret, hash, in no module of the portal."""
    found = {}
    for path in (ROOT / "portal").rglob("*.py"):
        text = path.read_text()
        if ("==" in text or "!=" in text) and SECRET.search(text):
            found[str(path.relative_to(ROOT))] = list(compared(text))
    assert {name: lines for name, lines in found.items() if lines and name not in PUBLIC} == {}
    assert {name for name in PUBLIC if not found.get(name)} == set(), "an exception that nothing needs any more"


@pytest.mark.parametrize(
    "line",
    [
        "if token == given: pass",
        "ok = form.signature != expected",
        "a = request.headers['X-Signature'] == b",
        "x = token_hash(a) == b",
        "x = (user.webhook_secret, 1) == y",
        "while hmac.new(k).hexdigest() != sig: pass",
    ],
)
def test_the_rule_sees(line: str) -> None:
    """Promise 81: what the rule is there to find."""
    assert list(compared(line))


@pytest.mark.parametrize("line", ["User.token_hash == x", "same(token, x)", "token.kind is None", "design == x"])
def test_the_rule_lets_pass(line: str) -> None:
    assert not list(compared(line))


def test_same_is_equality() -> None:
    """Promise 81: texts of any characters and lengths."""
    assert same("ü" * 9, "ü" * 9)
    assert not any(same("a", other) for other in ("", "b", "aa", "\U0010ffff"))
