"""A share and its moves for API clients."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.masters.shapes import PublicMaster, to_public_master
from portal.nfts.enums import NftListingStatus, TransferType
from portal.nfts.models import MasterNft, NftTransfer
from portal.nfts.rules import minter_slot, tier
from portal.versions import stamp
from portal.web.schema import Address, Hash, Id, Time, Units, one_of


class Share(TypedDict):
    """One share; `minterSlot` is 1, 2 or 3 for the shares whose minters have a part of resales."""

    nftId: Id
    masterId: Id
    tokenId: Units
    chainId: str
    contractAddress: Address
    owner: Address
    originalMinter: Address | None
    minterSlot: int | None
    tier: str
    mintTxHash: Hash | None
    mintedAt: Time | None
    mintPrice: Units | None
    listingStatus: Annotated[str, one_of(NftListingStatus)]
    listingPrice: Units | None
    listingCurrency: str | None
    listedAt: Time | None


class ShareOfMaster(Share):
    master: PublicMaster


Transfer = TypedDict(
    "Transfer",
    {
        "type": Annotated[str, one_of(TransferType)],
        "from": Address,
        "to": Address,
        "txHash": Hash,
        "blockNumber": Units,
        "logIndex": int,
        "at": Time,
        "salePrice": Units | None,
        "saleCurrency": str | None,
        "marketplace": str | None,
    },
)
"""One move; the zero address stands for the mint and for a share handed back."""


def nft(share: MasterNft) -> Share:
    number = share.token_id
    return {
        "nftId": str(share.id),
        "masterId": str(share.master_id),
        "tokenId": str(number),
        "chainId": share.chain_id,
        "contractAddress": share.contract_address,
        "owner": share.current_owner_wallet,
        "originalMinter": share.original_minter_wallet,
        "minterSlot": minter_slot(number),
        "tier": tier(number),
        "mintTxHash": share.mint_tx_hash,
        "mintedAt": stamp(share.minted_at),
        "mintPrice": _units(share.mint_price_wei),
        "listingStatus": share.listing_status.value,
        "listingPrice": _units(share.listing_price_wei),
        "listingCurrency": share.listing_currency,
        "listedAt": stamp(share.listed_at),
    }


def nft_with_master(share: MasterNft) -> ShareOfMaster:
    return {**nft(share), "master": to_public_master(share.master)}


def transfer(move: NftTransfer) -> Transfer:
    return {
        "type": move.transfer_type.value,
        "from": move.from_wallet,
        "to": move.to_wallet,
        "txHash": move.tx_hash,
        "blockNumber": str(move.block_number),
        "logIndex": move.log_index,
        "at": stamp(move.block_timestamp),
        "salePrice": _units(move.sale_price_wei),
        "saleCurrency": move.sale_currency,
        "marketplace": move.marketplace,
    }


def _units(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
