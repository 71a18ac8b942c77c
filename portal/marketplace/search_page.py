"""What the search page shows, gathered for `marketplace/search.html`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from portal.marketplace import queries
from portal.marketplace.artist_page import room_card
from portal.marketplace.wording import artist_card, master_card

FOUND = 20


def page(session: Session, words: str, tab: str) -> dict[str, Any]:
    """Artists, masters and rooms whose name contains the words; the first tab with a hit unless one is asked for."""
    artists, masters, rooms = queries.search(session, words, FOUND) if words else ([], [], [])
    counts = {"artists": len(artists), "masters": len(masters), "rooms": len(rooms)}
    current = tab if tab in counts else next((name for name, count in counts.items() if count), "artists")
    return {
        "q": words,
        "tab": current,
        "tabs": [(name, f"{name.capitalize()} {count}", _href(words, name)) for name, count in counts.items()],
        "artists": [artist_card(a, followed=set(), can_follow=False) for a in artists] if current == "artists" else [],
        "masters": [master_card(m) for m in masters] if current == "masters" else [],
        "rooms": [room_card(r) for r in rooms] if current == "rooms" else [],
    }


def _href(words: str, tab: str) -> str:
    return "/search?" + urlencode({"q": words, "tab": tab})
