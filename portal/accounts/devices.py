"""A browser in words, from its User-Agent: enough for a person to know their own devices again."""

from __future__ import annotations

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""(what the header has, what people say); the first that fits counts, as most browsers also name their rivals."""


def words(user_agent: str | None) -> str:
    """'Firefox on Linux'; a program without a known name is called by its first word."""
    agent = user_agent or ""
    browser = next((name for mark, name in BROWSERS if f"{mark}/" in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    if not browser:
        program = agent.split("/")[0].split(" ")[0][:40]
        browser = program if program.isascii() and program.isprintable() and program else "A browser"
    return f"{browser} on {system}" if system else browser
