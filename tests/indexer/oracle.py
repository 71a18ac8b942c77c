"""What the tables must hold, told slowly and from the logs alone, and what they do hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.abi import NATIVE
from portal.chain.ids import ZERO
from tests.indexer.fake_chain import FakeChain, World

SYMBOLS = {NATIVE: "ETH"}


@dataclass
class Truth:
    """By table, in plain values."""

    shares: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    moves: list[tuple[int, int, int, str, str, str]] = field(default_factory=list)
    balances: dict[tuple[str, str], tuple[int, int, int, str | None]] = field(default_factory=dict)
    snapshots: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    coins: dict[str, int] = field(default_factory=dict)
    minted: int = 0


def symbol(currency: str) -> str:
    return SYMBOLS.get(currency, currency[:20])


def expected(chain: FakeChain) -> Truth:
    """Walk every log of the chain once."""
    truth, owners = Truth(), dict[int, str]()
    earned, claimed, coins = Counter[tuple[str, str]](), Counter[tuple[str, str]](), Counter[str]()
    last: dict[tuple[str, str], str] = {}
    for block in chain.blocks:
        for index, event in enumerate(block.events):
            args: dict[str, Any] = event.args
            place = (block.number, index)
            match event.contract, event.name:
                case "MasterShares", "Transfer":
                    _move(truth, owners, place, args)
                case "Dividends", "DividendsDistributed":
                    for owner in (owner for owner in owners.values() if owner != ZERO):
                        earned[owner, symbol(args["token"])] += args["perShare"]
                        truth.snapshots[*place, owner] += 1
                case "Dividends", "Credited":
                    earned[args["who"], symbol(args["token"])] += args["amount"]
                case "Dividends", "DividendClaimed":
                    claimed[args["holder"], symbol(args["token"])] += args["amount"]
                    last[args["holder"], symbol(args["token"])] = block.logs[index]["transactionHash"]
                case "ArtistCoin", "Transfer":
                    coins[args["sender"]] -= args["amount"]
                    coins[args["receiver"]] += args["amount"]
    held = Counter(owners.values())
    truth.balances = {key: (earned[key], claimed[key], held[key[0]], last.get(key)) for key in earned if earned[key]}
    truth.coins = {who: amount for who, amount in coins.items() if who != ZERO}
    return truth


def _move(truth: Truth, owners: dict[int, str], place: tuple[int, int], args: dict[str, Any]) -> None:
    token, sender, receiver = args["tokenId"], args["sender"], args["receiver"]
    kind = "mint" if sender == ZERO else "burn" if receiver == ZERO else "transfer"
    minter, block = truth.shares[token][1:] if token in truth.shares else (receiver, place[0])
    owners[token] = receiver
    truth.shares[token] = (receiver, minter, block)
    truth.moves.append((*place, token, sender, receiver, kind))
    truth.minted = len(truth.shares)


def found(session: Session, world: World) -> Truth:
    """The tables about this world's contracts."""

    def rows(query: str) -> list[Any]:
        values = {"shares": world.shares, "dividends": world.dividends, "coin": world.coin}
        return [tuple(row) for row in session.execute(sa.text(query), values)]

    truth = Truth()
    for token, *share in rows(
        "SELECT token_id::int, current_owner_wallet, original_minter_wallet, minted_at_block::int FROM master_nfts"
        " WHERE contract_address = :shares"
    ):
        truth.shares[token] = tuple(share)
    truth.moves = rows(
        "SELECT block_number::int, log_index, token_id::int, from_wallet, to_wallet, transfer_type FROM nft_transfers"
        " WHERE contract_address = :shares ORDER BY 1, 2"
    )
    for wallet, currency, *sums, claimable in rows(
        "SELECT wallet_address, currency, total_earned::bigint, total_claimed::bigint, tokens_held, last_claim_tx_hash,"
        " claimable_amount::bigint FROM wallet_dividend_balances b"
        " JOIN dividend_contracts d ON d.id = b.dividend_contract_id WHERE d.contract_address = :dividends"
    ):
        truth.balances[wallet, currency] = tuple(sums)
        assert claimable == sums[0] - sums[1]
    for block, index, owner in rows(
        "SELECT snapshot_block_number::int, extract(microseconds FROM snapshot_timestamp)::bigint % 1000,"
        " owner_wallet FROM nft_ownership_snapshots WHERE contract_address = :shares"
    ):
        truth.snapshots[block, index, owner] += 1
    truth.coins = dict(
        rows(
            "SELECT wallet_address, balance::text FROM token_holders h JOIN artist_tokens t ON t.id = h.artist_token_id"
            " WHERE t.contract_address = :coin"
        )
    )
    truth.coins = {who: int(amount) for who, amount in truth.coins.items()}
    [(truth.minted,)] = rows(
        "SELECT i.minted_supply FROM master_ipos i JOIN master_contracts c ON c.master_id = i.master_id"
        " WHERE c.contract_address = :shares"
    )
    session.rollback()
    return truth
