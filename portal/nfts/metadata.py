"""What marketplaces and wallets read about a share (ERC-721 metadata) and about its collection."""

from __future__ import annotations

from typing import Any

from portal.masters.models import Master
from portal.masters.shapes import cover_url
from portal.nfts.models import MasterNft
from portal.nfts.rules import minter_slot, tier


def of_share(share: MasterNft, origin: str) -> dict[str, Any]:
    """The token's JSON; `origin` is the portal's own address, without a slash at its end."""
    master, number = share.master, share.token_id
    attributes = [
        {"trait_type": "Artist", "value": master.artist.artist_name},
        {"trait_type": "Mint position", "display_type": "number", "value": number},
        {"trait_type": "Tier", "value": tier(number)},
    ]
    if master.genre:
        attributes.append({"trait_type": "Genre", "value": master.genre})
    if minter_slot(number) is not None:
        attributes.append({"trait_type": "Minter slot", "display_type": "number", "value": minter_slot(number)})
    return _about(master, origin) | {"name": f"{master.title} #{number}", "attributes": attributes}


def of_collection(master: Master, origin: str) -> dict[str, Any]:
    """What `contractURI` leads to."""
    return _about(master, origin) | {"name": master.title}


def _about(master: Master, origin: str) -> dict[str, Any]:
    told = f"A share of the income of “{master.title}” by {master.artist.artist_name}."
    return {
        "description": f"{told}\n\n{master.description}" if master.description else told,
        **_image(master, origin),
        **_sound(master),
        "external_url": f"{origin}/masters/{master.id}",
    }


def _image(master: Master, origin: str) -> dict[str, str]:
    """An uploaded cover by what it is, and where the portal shows it; else the cover that is drawn from the id."""
    here = f"{origin}{cover_url(master)}"
    cid = master.cover_image_ipfs_hash
    return {"image": f"ipfs://{cid}", "image_url": here} if cid else {"image": here}


def _sound(master: Master) -> dict[str, str]:
    """The recording, for whoever plays what a token is about."""
    cid = master.audio_ipfs_hash
    return {"animation_url": f"ipfs://{cid}"} if cid else {}
