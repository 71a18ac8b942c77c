"""E-mail addresses in records are for those who look after people (`admin:users`); others see that there is one."""

from __future__ import annotations

import re

from flask_login import current_user

_EMAIL = re.compile(r"([^\s@\"'<>]{1,2})[^\s@\"'<>]*@[^\s@\"'<>,;]+")


def veiled(text: str | None) -> str:
    """'mira@example.org signed in' -> 'mi…@… signed in' for whoever may not know."""
    if not text or "admin:users" in current_user.permissions:
        return text or ""
    return _EMAIL.sub(r"\1…@…", text)
