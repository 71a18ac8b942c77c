"""Rows as the indexer would write them: shares, moves, distributions, balances and claims of one master."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from portal.db import utcnow
from portal.masters.enums import DividendDistributionModel
from portal.masters.models import DividendContract, Master, MasterContract
from portal.nfts.enums import TransferType
from portal.nfts.models import MasterNft, NftTransfer
from portal.revenue.enums import DividendEventType
from portal.revenue.models import DividendClaim, DividendEvent, WalletDividendBalance

CHAIN = "31337"
ZERO = "0x" + "0" * 40
_address = itertools.count(1)


def address() -> str:
    return f"0x{next(_address):040x}"


@dataclass
class Mirror:
    """One master's mirror; each call is one log in a block of its own. `months_ago` sets the block's time."""

    session: Session
    master: Master
    shares: MasterContract = field(init=False)
    dividends: DividendContract = field(init=False)
    tokens: dict[int, MasterNft] = field(default_factory=dict)
    block: int = 0

    def __post_init__(self) -> None:
        self.shares = MasterContract(master_id=self.master.id, chain_id=CHAIN, contract_address=address())
        self.dividends = DividendContract(
            master_id=self.master.id,
            distribution_model=DividendDistributionModel.PER_MASTER,
            chain_id=CHAIN,
            contract_address=address(),
        )
        self.session.add_all([self.shares, self.dividends])
        self.session.commit()

    def mint(self, to: str, count: int, price: int = 25_000_000) -> None:
        for number in range(len(self.tokens) + 1, len(self.tokens) + 1 + count):
            self.tokens[number] = MasterNft(
                id=uuid.uuid4(),
                master_id=self.master.id,
                master_contract_id=self.shares.id,
                token_id=number,
                chain_id=CHAIN,
                contract_address=self.shares.contract_address,
                current_owner_wallet=to,
                original_minter_wallet=to,
                mint_price_wei=price,
            )
            self.session.add(self.tokens[number])
            self.session.flush()
            self._moved(number, ZERO, to, TransferType.MINT)
        self.session.commit()

    def move(self, number: int, to: str, price: int | None = None, currency: str = "USDC") -> None:
        """A sale where there is a price, else a plain transfer."""
        sender = self.tokens[number].current_owner_wallet
        self.tokens[number].current_owner_wallet = to
        kind = TransferType.TRANSFER if price is None else TransferType.SALE
        self._moved(number, sender, to, kind, price, None if price is None else currency)
        self.session.commit()

    def distribute(self, per_share: int, currency: str = "USDC", months_ago: int = 0, unminted: int = 0) -> None:
        self.block += 1
        self.session.add(
            DividendEvent(
                master_id=self.master.id,
                dividend_contract_id=self.dividends.id,
                event_type=DividendEventType.DISTRIBUTION,
                contract_address=self.dividends.contract_address,
                total_amount=per_share * 1000,
                currency=currency,
                per_token_amount=per_share,
                unminted_amount=unminted,
                **self._place(months_ago),
            )
        )
        self.session.commit()

    def balance(self, wallet: str, earned: int, claimed: int = 0, currency: str = "USDC") -> None:
        self.session.add(
            WalletDividendBalance(
                wallet_address=wallet,
                master_id=self.master.id,
                dividend_contract_id=self.dividends.id,
                chain_id=CHAIN,
                currency=currency,
                total_earned=earned,
                total_claimed=claimed,
                claimable_amount=earned - claimed,
            )
        )
        self.session.commit()

    def claim(self, wallet: str, amount: int, currency: str = "USDC") -> None:
        self.block += 1
        self.session.add(
            DividendClaim(
                wallet_address=wallet,
                master_id=self.master.id,
                dividend_contract_id=self.dividends.id,
                amount_claimed=amount,
                currency=currency,
                **self._place(),
            )
        )
        self.session.commit()

    def _moved(
        self,
        number: int,
        sender: str,
        to: str,
        kind: TransferType,
        price: int | None = None,
        currency: str | None = None,
    ) -> None:
        self.block += 1
        self.session.add(
            NftTransfer(
                master_nft_id=self.tokens[number].id,
                master_id=self.master.id,
                token_id=number,
                contract_address=self.shares.contract_address,
                from_wallet=sender,
                to_wallet=to,
                transfer_type=kind,
                sale_price_wei=price,
                sale_currency=currency,
                **self._place(),
            )
        )

    def _place(self, months_ago: int = 0) -> dict[str, object]:
        return {
            "chain_id": CHAIN,
            "tx_hash": "0x" + uuid.uuid4().hex * 2,
            "log_index": 0,
            "block_number": self.block,
            "block_timestamp": utcnow() - dt.timedelta(days=30 * months_ago),
        }
