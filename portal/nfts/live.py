# ruff: noqa: S608  (statements are put together from constants)
"""News of shares: how many are minted, who owns which, and what is for sale. Absolute values; `seq` only rises, also
in a reorg. Rooms "nft:<id>": whoever may see the share."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import live
from portal.accounts.queries import wallet_owners
from portal.db import db
from portal.nfts import queries
from portal.nfts.order_projections import NFT_OF_ORDER, TOUCHED
from portal.nfts.projections import MINTED_MASTERS, MOVE, NFT_ID
from portal.web.access import anyone
from portal.web.sockets import room

MOVED = f"""
SELECT n.id, n.master_id, n.current_owner_wallet, array_agg(DISTINCT s.sender) || array_agg(DISTINCT s.receiver)
FROM staged_logs s JOIN master_nfts n ON n.id = {NFT_ID}
WHERE {MOVE} GROUP BY n.id
"""
MINTED = f"SELECT i.master_id, i.minted_supply FROM master_ipos i WHERE i.master_id IN ({MINTED_MASTERS})"
TRADED = f"""
SELECT n.id, n.master_id, t.listing, t.makers || n.current_owner_wallet, n.listing_status, n.listing_price_wei,
       n.listing_currency
FROM (
    SELECT id, bool_or(listing) AS listing, array_remove(array_agg(DISTINCT maker), NULL) AS makers
    FROM (
        SELECT id, true AS listing, CAST(NULL AS text) AS maker FROM ({TOUCHED}) listed
        UNION ALL
        SELECT {NFT_OF_ORDER}, false, s.sender FROM staged_logs s WHERE s.kind = 'market' AND s.event = 'Offered'
        UNION ALL
        SELECT o.master_nft_id, false, o.maker_wallet
        FROM staged_logs s
        JOIN nft_orders o ON o.chain_id = :chain AND o.market_address = s.address AND o.kind = 'offer'
         AND o.order_key = CAST(s.figures[1] AS text)
        WHERE s.kind = 'market' AND s.event = 'OfferCancelled'
    ) told GROUP BY id
) t
JOIN master_nfts n ON n.id = t.id
"""
"""Shares whose listing or offers changed, with whom it concerns: the owner and whoever made or took back an offer."""
MOST_ADDRESSES = 10_000
MARKETPLACE = "marketplace"
"""The room of the whole list: every listing that changes."""


def announce(session: Session, chain_id: str, seq: int) -> None:
    """Tell pages what the logs in `staged_logs` changed, as it is now."""
    for master_id, minted in session.execute(sa.text(MINTED), {"chain": chain_id}):
        payload = {"type": "ipo.mint", "masterId": str(master_id), "mintedSupply": minted, "seq": seq}
        live.publish(session, f"master:{master_id}", str(master_id), payload)
    moved = session.execute(sa.text(MOVED), {"chain": chain_id}).all()
    people = wallet_owners(session, sorted({w for *_, wallets in moved for w in wallets})[:MOST_ADDRESSES], chain_id)
    for nft_id, master_id, owner, wallets in moved:
        payload = {"type": "nft.transfer", "nftId": str(nft_id), "newOwner": owner, "seq": seq}
        users = {f"user:{people[wallet]}" for wallet in wallets if wallet in people}
        for where in (f"nft:{nft_id}", f"master:{master_id}", *sorted(users)):
            live.publish(session, where, str(nft_id), payload)
    _announce_orders(session, chain_id, seq)


def _announce_orders(session: Session, chain_id: str, seq: int) -> None:
    """An offer concerns the share's page and its two people; a listing the whole market besides."""
    traded = session.execute(sa.text(TRADED), {"chain": chain_id}).all()
    wallets = sorted({wallet for _, _, _, concerned, *_ in traded for wallet in concerned})
    people = wallet_owners(session, wallets[:MOST_ADDRESSES], chain_id) if wallets else {}
    for nft_id, master_id, listing, concerned, *told in traded:
        everybody = (f"master:{master_id}", MARKETPLACE) if listing else ()
        users = {f"user:{people[wallet]}" for wallet in concerned if wallet in people}
        for where in (f"nft:{nft_id}", *everybody, *sorted(users)):
            live.publish(session, where, str(nft_id), listing_changed(nft_id, master_id, *told) | {"seq": seq})


def listing_changed(
    nft_id: uuid.UUID, master_id: uuid.UUID, status: str, price: int | None, currency: str | None
) -> dict[str, Any]:
    """`listing.changed` without its seq; `price` in smallest units as text, null where nothing is listed."""
    told = None if price is None else str(int(price))
    entity = {"nftId": str(nft_id), "masterId": str(master_id)}
    return {"type": "listing.changed", **entity, "status": status, "price": told, "currency": currency}


def may_join(nft_id: uuid.UUID) -> bool:
    return queries.public(db.session(), nft_id) is not None


def state(nft_id: uuid.UUID) -> list[dict[str, Any]]:
    """Owner and listing as of now; without seq, because only the indexer numbers what the chain said."""
    share = queries.public(db.session(), nft_id)
    if share is None:
        return []
    listing = share.listing_status.value, share.listing_price_wei, share.listing_currency
    return [
        {"type": "nft.transfer", "nftId": str(nft_id), "newOwner": share.current_owner_wallet},
        listing_changed(nft_id, share.master_id, *listing),
    ]


room("nft", anyone, may_join, state)
room(MARKETPLACE, anyone, lambda _: True, single=True)
