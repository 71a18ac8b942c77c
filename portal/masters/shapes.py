"""A master as everybody may see one. Wherever v2 says `master` and `ipo`, v1 says `track` and `nftData`."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, NotRequired, Protocol

from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from portal.artists.shapes import MasterArtist
from portal.artists.shapes import of_master as artist_shape
from portal.db import utcnow
from portal.files import store
from portal.masters import queries
from portal.masters.enums import IpoStatus
from portal.masters.intents import MintIntent, Unsigned
from portal.masters.models import Master, MasterIpo, PolicyVersion
from portal.versions import stamp
from portal.web.schema import Address, Calldata, Hash, Id, Time, Units, one_of


class MasterCard(TypedDict):
    """A master beside a share of it."""

    id: Id
    title: str
    genre: str | None
    coverImageUrl: str
    artist: MasterArtist


class PublicMaster(MasterCard):
    description: str | None


class PublicIpo(TypedDict):
    totalSupply: int
    mintedSupply: int
    status: Annotated[str, one_of(IpoStatus)]


class MasterV1(TypedDict):
    track: PublicMaster
    nftData: PublicIpo | None


class MasterV2(TypedDict):
    master: PublicMaster
    ipo: PublicIpo | None


class Contracts(TypedDict):
    shares: Address | None
    dividends: Address | None


class Terms(TypedDict):
    """What a buyer accepts: `hash` is 0x and the SHA-256 of the text at `href`."""

    version: str
    hash: Hash
    href: str


class Offer(TypedDict):
    masterId: Id
    status: Annotated[str, one_of(IpoStatus)]
    totalSupply: int
    mintedSupply: int
    mintPrice: Units | None
    currency: str | None
    revenueShareNftHoldersBps: int
    secondaryRoyaltyBps: int
    personCap: int | None
    scheduledStartAt: Time | None
    scheduledEndAt: Time | None
    actualStartAt: Time | None
    actualEndAt: Time | None
    contracts: Contracts
    terms: Terms | None


class Asked(TypedDict):
    """What was asked for, and the job that tells the chain; null where it has nothing to hear."""

    status: Annotated[str, one_of(IpoStatus)]
    job: str | None


class UnsignedTransaction(TypedDict):
    to: Address
    data: Calldata
    value: Units
    chainId: int


class PriceLine(TypedDict):
    label: Literal["shares", "fee", "total"]
    quantity: NotRequired[int]
    price: NotRequired[Units]
    amount: Units
    currency: str
    included: NotRequired[bool]


class IntentToMint(TypedDict):
    approval: UnsignedTransaction | None
    transaction: UnsignedTransaction
    lines: list[PriceLine]
    terms: Terms | None


class CardRow(Protocol):
    """A row of a query with what a card shows of a master and its artist."""

    @property
    def master_id(self) -> uuid.UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def genre(self) -> str | None: ...
    @property
    def cover_image_url(self) -> str | None: ...
    @property
    def artist_id(self) -> uuid.UUID: ...
    @property
    def artist_name(self) -> str: ...
    @property
    def artist_slug(self) -> str: ...
    @property
    def is_verified(self) -> bool: ...


def master_card(row: CardRow) -> MasterCard:
    """A master beside a share of it, from a row that a list selected."""
    return {
        "id": str(row.master_id),
        "title": row.title,
        "genre": row.genre,
        "coverImageUrl": row.cover_image_url or f"/covers/{row.master_id}.svg",
        "artist": {
            "id": str(row.artist_id),
            "name": row.artist_name,
            "artistName": row.artist_name,
            "slug": row.artist_slug,
            "isVerified": row.is_verified,
        },
    }


def to_public_master(master: Master) -> PublicMaster:
    """The public fields of a master (specification 2.1 and 2.2)."""
    return {
        "id": str(master.id),
        "title": master.title,
        "description": master.description,
        "genre": master.genre,
        "coverImageUrl": cover_url(master),
        "artist": artist_shape(master.artist),
    }


def to_public_ipo(ipo: MasterIpo | None) -> PublicIpo | None:
    """The public fields of an IPO; the platform's part is in no answer."""
    if ipo is None:
        return None
    return {"totalSupply": ipo.total_supply, "mintedSupply": ipo.minted_supply, "status": ipo.status.value}


def master_v1(master: Master, ipo: MasterIpo | None) -> MasterV1:
    return {"track": to_public_master(master), "nftData": to_public_ipo(ipo)}


def master_v2(master: Master, ipo: MasterIpo | None) -> MasterV2:
    return {"master": to_public_master(master), "ipo": to_public_ipo(ipo)}


def shape_response(master: Master, ipo: MasterIpo | None, version: int) -> MasterV1 | MasterV2:
    """The body of GET /masters/{id} in the given version (an int: 10 is newer than 2)."""
    return master_v1(master, ipo) if version < 2 else master_v2(master, ipo)


ANSWERS: dict[int, Any] = {1: MasterV1, 2: MasterV2}


def offer(master: Master, ipo: MasterIpo, contracts: Contracts, policy: PolicyVersion | None) -> Offer:
    """GET /masters/{id}/ipo: the offer, its price in smallest units, its times and its contracts."""
    return {
        "masterId": str(master.id),
        "status": ipo.status.value,
        "totalSupply": ipo.total_supply,
        "mintedSupply": ipo.minted_supply,
        "mintPrice": None if ipo.mint_price_wei is None else str(ipo.mint_price_wei),
        "currency": ipo.mint_price_currency,
        "revenueShareNftHoldersBps": ipo.revenue_share_nft_holders_bps,
        "secondaryRoyaltyBps": ipo.secondary_royalty_bps,
        "personCap": ipo.person_cap,
        "scheduledStartAt": stamp(ipo.scheduled_start_at),
        "scheduledEndAt": stamp(ipo.scheduled_end_at),
        "actualStartAt": stamp(ipo.actual_start_at),
        "actualEndAt": stamp(ipo.actual_end_at),
        "contracts": contracts,
        "terms": terms(master.id, policy.version, policy.content_hash) if policy else None,
    }


def terms(master_id: uuid.UUID, version: str, content_hash: str) -> Terms:
    return {"version": version, "hash": content_hash, "href": f"/masters/{master_id}/terms/{version}.txt"}


def mint_intent(intent: MintIntent) -> IntentToMint:
    """POST /masters/{id}/ipo/mint-intents: what to sign, in this order, and the lines of its price."""
    bought, currency = intent.purchase, intent.purchase.currency
    return {
        "approval": unsigned(intent.approval) if intent.approval else None,
        "transaction": unsigned(intent.mint),
        "lines": [
            {
                "label": "shares",
                "quantity": bought.quantity,
                "price": str(bought.price),
                "amount": str(bought.total),
                "currency": currency,
            },
            {"label": "fee", "amount": str(intent.fee), "currency": currency, "included": True},
            {"label": "total", "amount": str(bought.total), "currency": currency},
        ],
        "terms": terms(bought.master_id, bought.terms_version, bought.terms_hash)
        if bought.terms_version and bought.terms_hash
        else None,
    }


def unsigned(transaction: Unsigned) -> UnsignedTransaction:
    """A transaction for a wallet to sign; `value` in wei."""
    return {
        "to": transaction.to,
        "data": transaction.data,
        "value": str(transaction.value),
        "chainId": transaction.chain_id,
    }


def shown_status(ipo: MasterIpo) -> str:
    """As stored, but a sold out offer says so, and an ended one before its last transaction is final."""
    if ipo.status in {IpoStatus.LIVE, IpoStatus.CLOSED} and ipo.minted_supply >= ipo.total_supply:
        return "sold_out"
    if ipo.status is IpoStatus.LIVE and ipo.scheduled_end_at and ipo.scheduled_end_at <= utcnow():
        return "closed"
    return ipo.status.value


def contract_lines(session: Session, master: Master) -> dict[str, Any] | None:
    """What pages say of the master's contract: address, page of its deployment, block, and how final that block is."""
    if not master.contracts:
        return None
    made = master.contracts[0]
    return {
        "address": made.contract_address,
        "href": f"/transactions/{made.deployment_tx_hash}" if made.deployment_tx_hash else None,
        "block": made.deployed_at_block,
        "state": queries.finality(session, made.chain_id, made.deployed_at_block),
    }


def cover_url(master: Master) -> str:
    """The uploaded cover, or the one pressed from the master's id."""
    return master.cover_image_url or f"/covers/{master.id}.svg"


def track(master: Master) -> dict[str, Any] | None:
    """The master's recording for the page-wide player; None where there is none."""
    if not master.audio_ipfs_hash:
        return None
    return {
        "src": store.address(master.audio_ipfs_hash),
        "title": master.title,
        "artist": master.artist.artist_name,
        "cover_url": cover_url(master),
        "href": f"/masters/{master.id}",
        "duration": master.duration,
    }
