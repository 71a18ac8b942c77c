"""A share and its moves for API clients."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from portal.masters.shapes import PublicMaster, UnsignedTransaction, to_public_master, unsigned
from portal.nfts.book import Credit, Royalty
from portal.nfts.enums import NftListingStatus, OrderStatus, TransferType
from portal.nfts.models import MasterNft, NftOrder, NftTransfer
from portal.nfts.orders import Intent
from portal.nfts.prices import Label
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


class Offer(TypedDict):
    """Money left with the market for a share; `deadline` null is none."""

    offerId: Id
    nftId: Id
    masterId: Id
    tokenId: Units
    status: Annotated[str, one_of(OrderStatus)]
    bidder: Address
    price: Units
    currency: str
    deadline: Time | None
    txHash: Hash
    at: Time


class Line(TypedDict):
    """`included`: a part of the price. `networkFee` is an estimate, in ETH; the other lines are exact."""

    label: Annotated[str, one_of(Label)]
    amount: Units
    currency: str
    included: bool


class Step(TypedDict):
    """`approveShare` and `approveCoins` give the market leave; the other name is the act itself."""

    name: str
    transaction: UnsignedTransaction


class TradeIntent(TypedDict):
    """What the wallet signs, in this order, and what it comes to."""

    wallet: Address
    transactions: list[Step]
    lines: list[Line]


class WaitingCredit(TypedDict):
    """Money that the market could not deliver to a wallet."""

    wallet: Address
    currency: str
    amount: Units


class WaitingRoyalty(TypedDict):
    """What resales left for a role; `wallet` is null for the artist, whose role may move on the chain."""

    masterId: Id
    role: str
    wallet: Address | None
    currency: str
    earned: Units
    waiting: Units


class Waiting(TypedDict):
    credits: list[WaitingCredit]
    royalties: list[WaitingRoyalty]


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
        "royaltyPaid": Units | None,
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
        "royaltyPaid": _units(move.royalty_paid_wei),
    }


def offer(order: NftOrder) -> Offer:
    return {
        "offerId": str(order.id),
        "nftId": str(order.master_nft_id),
        "masterId": str(order.master_id),
        "tokenId": str(order.token_id),
        "status": order.status.value,
        "bidder": order.maker_wallet,
        "price": str(order.price),
        "currency": order.currency,
        "deadline": stamp(order.deadline),
        "txHash": order.placed_tx_hash,
        "at": stamp(order.placed_at),
    }


def intent(made: Intent) -> TradeIntent:
    return {
        "wallet": made.wish.wallet,
        "transactions": [{"name": name, "transaction": unsigned(one)} for name, one in made.transactions],
        "lines": [
            {
                "label": line.label.value,
                "amount": str(line.amount),
                "currency": line.currency,
                "included": line.included,
            }
            for line in made.lines
        ],
    }


def waiting(credits: list[Credit], royalties: list[Royalty]) -> Waiting:
    return {
        "credits": [{"wallet": c.wallet, "currency": c.currency, "amount": str(c.amount)} for c in credits],
        "royalties": [
            {
                "masterId": str(r.master_id),
                "role": r.role,
                "wallet": r.wallet,
                "currency": r.currency,
                "earned": str(r.earned),
                "waiting": str(r.waiting),
            }
            for r in royalties
        ],
    }


def _units(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
