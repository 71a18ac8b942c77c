"""What a master's page shows, gathered for `marketplace/master.html`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.artists import queries as artist_queries
from portal.chain.signer import demo_signers
from portal.config import Settings
from portal.files import queries as files
from portal.marketplace import income, queries
from portal.marketplace.wording import (
    artist_href,
    decimals,
    left,
    master_href,
    media,
    nft_href,
    price,
    shares,
    short,
    terms_href,
)
from portal.masters import minting, policies
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import contract_lines, shown_status, track
from portal.money import format_units
from portal.nfts import book, refunds
from portal.nfts import queries as nft_queries
from portal.revenue import income as revenue

SHARES = 12
MOVES = 6
MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Viewer:
    """Who looks: `user_id` is None for a visitor."""

    user_id: uuid.UUID | None
    settings: Settings


@dataclass(frozen=True)
class Asked:
    """What the address or a refused form asks for: shares from the number after `after`, a quantity, the reason."""

    after: int = 0
    quantity: str = ""
    refusal: str | None = None


def page(
    session: Session,
    master: Master,
    viewer: Viewer,
    asked: Asked = Asked(),
    purchase: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Every value of the template for this viewer; `purchase` is one of theirs that is on its way."""
    ipo = master.ipo
    return {
        "master": _master(master),
        "artist": _artist(session, master, viewer),
        "track": track(master),
        "peaks": _peaks(session, master),
        "ipo": _ipo(ipo) if ipo else None,
        "offer": _offer(session, master, ipo, viewer, asked) if ipo and ipo.status is IpoStatus.LIVE else None,
        "signed_in": viewer.user_id is not None,
        "has_wallet": bool(own_wallets(session, viewer)),
        "handbacks": _handbacks(session, master, viewer),
        "refusal": asked.refusal,
        "splits": _splits(session, master, ipo),
        "feed": _feed(session, master, viewer),
        "movers": _movers(session, master, ipo, viewer),
        "royalties": _royalties(session, master, viewer),
        "owned": _owned(session, master, viewer),
        "lowest": _lowest(session, master),
        "contract": contract_lines(session, master),
        "owner_href": f"/studio/masters/{master.id}" if master.artist.user_id == viewer.user_id else None,
        "purchase": purchase,
        **_shares(session, master, viewer, asked.after),
        **income.of_master(session, master),
    }


def _peaks(session: Session, master: Master) -> list[float]:
    """The recording's loudness over its length, 0 to 1."""
    kept = files.recording(session, master.id) if master.audio_ipfs_hash else None
    return [height / 100 for height in kept.peaks] if kept else []


def _master(master: Master) -> dict[str, Any]:
    facts = ("description", "genre", "duration", "release_date")
    return media(master) | {name: getattr(master, name) for name in facts}


def _artist(session: Session, master: Master, viewer: Viewer) -> dict[str, Any]:
    artist = master.artist
    mine = artist.user_id == viewer.user_id
    return {
        "artist_name": artist.artist_name,
        "href": artist_href(artist),
        "is_verified": artist.is_verified,
        "follow_action": None if mine else f"{artist_href(artist)}/follow",
        "following": artist_queries.follows(session, artist.id, viewer.user_id),
    }


def _ipo(ipo: MasterIpo) -> dict[str, Any]:
    return price(ipo) | {
        "status": shown_status(ipo),
        "minted": ipo.minted_supply,
        "supply": ipo.total_supply,
        "holders_bps": ipo.revenue_share_nft_holders_bps,
        "starts_at": ipo.scheduled_start_at,
        "ends_at": ipo.scheduled_end_at,
        "ends_in": left(ipo.scheduled_end_at),
        "seq": 0,
    }


def _offer(session: Session, master: Master, ipo: MasterIpo, viewer: Viewer, asked: Asked) -> dict[str, Any]:
    """The box's form, or the reason why there is none and the way on."""
    wallets = own_wallets(session, viewer)
    reason, label, href = hindrance(viewer, bool(wallets), master_href(master))
    most = max(1, min(MOST_AT_ONCE, ipo.total_supply - ipo.minted_supply))
    able = [address for address in wallets if address in demo_signers(viewer.settings)]
    fee = minting.network_fee(session) if able else None
    return {
        "buy_action": f"/masters/{master.id}/mint",
        "quantity": _quantity(asked.quantity, most),
        "max_quantity": most,
        "can_buy": reason is None,
        "reason": reason,
        "reason_label": label,
        "reason_href": href,
        "wallets": [(address, short(address)) for address in able],
        "others": [(address, short(address)) for address in wallets if address not in able],
        "fee_bps": policies.sale_fee_bps(ipo, viewer.settings),
        "network_fee": None if fee is None else f"{format_units(fee - fee % 10**12, 18)} ETH",
        "terms_version": ipo.terms_version,
        "terms_href": terms_href(master.id, ipo.terms_version),
        "error": asked.refusal,
    }


def own_wallets(session: Session, viewer: Viewer) -> list[str]:
    """The viewer's proved wallets on the portal's chain."""
    linked = account_queries.wallets_of(session, viewer.user_id) if viewer.user_id else []
    return [w.wallet_address for w in linked if w.verified and w.chain_id == str(viewer.settings.chain_id)]


def _quantity(typed: str, most: int) -> int:
    return min(int(typed), most) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 4 and int(typed) else 1


def hindrance(viewer: Viewer, has_wallet: bool, here: str) -> tuple[str | None, str | None, str | None]:
    """(why this viewer cannot buy now, the button's text, where it leads)."""
    if viewer.user_id is None:
        return "Shares are bought from a wallet of yours. Sign in first.", "Sign in to buy", f"/login?next={here}"
    if not has_wallet:
        return "Shares are kept in a wallet. Link one first.", "Link a wallet", f"/me/wallets?next={here}"
    return None, None, None


def _handbacks(session: Session, master: Master, viewer: Viewer) -> list[dict[str, Any]]:
    """What this viewer can hand back of a cancelled offer, a line a wallet."""
    if viewer.user_id is None or master.ipo is None or master.ipo.status is not IpoStatus.CANCELLED:
        return []
    able = demo_signers(viewer.settings)
    return [
        {
            "action": f"/masters/{master.id}/refund",
            "wallet": one.wallet,
            "shares": len(one.numbers),
            "left_out": one.left_out,
            "minor": one.amount,
            "signs_here": one.wallet in able,
        }
        for one in refunds.waiting(session, viewer.user_id, master.id)
    ]


def _splits(session: Session, master: Master, ipo: MasterIpo | None) -> list[dict[str, Any]]:
    rows = queries.splits(session, master, ipo.retained_artist_bps if ipo else 0)
    return [{"name": name, "role": role, "bps": bps} for name, role, bps in rows]


def _feed(session: Session, master: Master, viewer: Viewer) -> list[dict[str, Any]]:
    """Purchases, resales, listings and payments, the newest first."""
    moves = [m for m in queries.latest_moves(session, master.id, MOVES) if m.kind != "burn"]
    listings = queries.latest_listings(session, master.id, MOVES)
    names = queries.names_of(session, {m.to_wallet for m in moves} | {o.wallet for o in listings}, viewer.user_id)
    feed: list[dict[str, Any]] = [{"who": names[m.to_wallet], "text": _told(m), "at": m.at} for m in moves]
    for one in listings:
        text = f"listed No. {one.number:,} at {_amount(one.price, one.currency)}"
        feed.append({"who": names[one.wallet], "text": text, "at": one.at})
    for paid in revenue.payments(session, master.id, MOVES):
        text = f"Paid {format_units(paid.per_share, decimals(paid.currency))} {paid.currency} a share"
        feed.append({"who": None, "text": text, "at": paid.paid_at})
    if master.ipo and master.ipo.actual_start_at:
        feed.append({"who": None, "text": "Offer opened", "at": master.ipo.actual_start_at})
    return sorted(feed, key=lambda item: item["at"], reverse=True)[:MOVES]


def _amount(units: int, currency: str) -> str:
    return f"{format_units(units, decimals(currency))} {currency}"


def _told(move: queries.Move) -> str:
    count = shares(move.count)
    if move.kind == "sale":
        price = f" for {_amount(move.price, move.currency)}" if move.price is not None and move.currency else ""
        return f"bought {count} from {short(move.from_wallet)}{price}"
    return f"bought {count}" if move.kind == "mint" else f"received {count}"


def _movers(session: Session, master: Master, ipo: MasterIpo | None, viewer: Viewer) -> list[dict[str, Any]]:
    """The first three minters and their part of a resale."""
    if ipo is None or not ipo.mover_advantage_enabled:
        return []
    wallets = queries.minter_slots(session, master.id)
    bonuses = (ipo.first_minter_bonus_bps, ipo.second_minter_bonus_bps, ipo.third_minter_bonus_bps)
    names = queries.names_of(session, {w for w in wallets if w}, viewer.user_id)
    return [{"name": names[w], "bps": bps} for w, bps in zip(wallets, bonuses, strict=True) if w and bps]


def _royalties(session: Session, master: Master, viewer: Viewer) -> list[dict[str, Any]]:
    """What resales left for this viewer, as artist or as one of the first three minters: one sum a wallet."""
    if viewer.user_id is None:
        return []
    wallets, chain_id = own_wallets(session, viewer), str(viewer.settings.chain_id)
    sums: dict[tuple[str, str | None], int] = {}
    for r in book.royalties(session, viewer.user_id, wallets, chain_id, master.id):
        sums[r.currency, r.wallet] = sums.get((r.currency, r.wallet), 0) + r.waiting
    return [
        {"minor": sum_, "decimals": decimals(code), "currency": code, "href": _withdraw(master, code, wallet)}
        for (code, wallet), sum_ in sums.items()
        if sum_
    ]


def _withdraw(master: Master, currency: str, wallet: str | None) -> str:
    asked = {"masterId": str(master.id), "currency": currency, "wallet": wallet}
    return "/me/portfolio/withdraw?" + urlencode({name: value for name, value in asked.items() if value})


def _owned(session: Session, master: Master, viewer: Viewer) -> int:
    """How many of its shares this viewer has."""
    wallets = own_wallets(session, viewer)
    chain_id = str(viewer.settings.chain_id)
    return len(nft_queries.shares_held(session, wallets, chain_id, master_id=master.id)) if wallets else 0


def _lowest(session: Session, master: Master) -> dict[str, Any] | None:
    """The cheapest share for sale, in the currency that the offer was in where there is one."""
    wanted = master.ipo.mint_price_currency if master.ipo else None
    found = queries.lowest_listing(session, master.id, wanted)
    return found and {"minor": found[0], "decimals": decimals(found[1]), "currency": found[1]}


def _shares(session: Session, master: Master, viewer: Viewer, after: int) -> dict[str, Any]:
    rows = queries.shares(session, master.id, viewer.user_id, after, SHARES + 1)
    shown, more = rows[:SHARES], len(rows) > SHARES
    return {
        "shares": [
            {
                "number": row.number,
                "owner": short(row.owner),
                "mine": row.mine,
                "price_minor": row.price_minor,
                "decimals": decimals(row.currency),
                "currency": row.currency,
                "href": nft_href(row.id),
            }
            for row in shown
        ],
        "for_sale": queries.listed_count(session, master.id),
        "shares_next_href": f"{master_href(master)}?after={shown[-1].number}#shares" if more else None,
    }
