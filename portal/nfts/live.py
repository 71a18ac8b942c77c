# ruff: noqa: S608  (statements are put together from constants)
"""News of shares: how many are minted, and who owns which. Absolute values; `seq` only rises, also in a reorg."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import live
from portal.accounts.queries import wallet_owners
from portal.nfts.projections import MINTED_MASTERS, MOVE, NFT_ID

MOVED = f"""
SELECT n.id, n.master_id, n.current_owner_wallet, array_agg(DISTINCT s.sender) || array_agg(DISTINCT s.receiver)
FROM staged_logs s JOIN master_nfts n ON n.id = {NFT_ID}
WHERE {MOVE} GROUP BY n.id
"""
MINTED = f"SELECT i.master_id, i.minted_supply FROM master_ipos i WHERE i.master_id IN ({MINTED_MASTERS})"
MOST_ADDRESSES = 10_000


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
        for room in (f"nft:{nft_id}", f"master:{master_id}", *sorted(users)):
            live.publish(session, room, str(nft_id), payload)
