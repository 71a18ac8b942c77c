"""Steps of the artist's coin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portal.chain.abi import NATIVE
from tests.chain.evm import Result
from tests.chain.oracle_coin import ENDLESS
from tests.chain.stage import SAVED, Stage, Step

PERMIT = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ],
}


def permit_of(
    coin: str, chain_id: int, owner: str, spender: str, amount: int, nonce: int, deadline: int
) -> dict[str, Any]:
    """The typed data of EIP-2612 for a coin called Night."""
    return {
        "types": PERMIT,
        "primaryType": "Permit",
        "domain": {"name": "Night", "version": "1", "chainId": chain_id, "verifyingContract": coin},
        "message": {"owner": owner, "spender": spender, "value": amount, "nonce": nonce, "deadline": deadline},
    }


class CoinSteps(Stage):
    def coin_call(self, who: str, function: str, *args: Any, value: int = 0) -> Callable[[], Result]:
        return lambda: self.evm.call(who, self.artist_coin, "ArtistCoin", function, *args, value=value)

    def saver(self) -> str:
        return self.random.choice(self.savers)

    def coin_amount(self) -> int:
        return self.random.choice([0, 1, 777, SAVED // 3, SAVED, SAVED * 3, SAVED * 3 + 1])

    def step_coin_transfer(self) -> Step:
        who, to, amount = self.saver(), self.random.choice([*self.savers * 4, NATIVE]), self.coin_amount()
        return self.coin_call(who, "transfer", to, amount), lambda o: o.coin.transfer(who, to, amount)

    def step_coin_approve(self) -> Step:
        """Nothing refuses an approval but native coin that comes along."""
        who = self.random.choice([*self.savers * 3, *self.fans])
        spender = self.random.choice([*self.savers, *self.fans])
        amount, sent = self.random.choice([self.coin_amount(), ENDLESS]), int(self.chance(0.2))
        call = self.coin_call(who, "approve", spender, amount, value=sent)
        return call, lambda o: o.coin.approve(who, spender, amount, sent)

    def step_coin_transfer_from(self) -> Step:
        known = [pair for pair, amount in self.oracle.coin.allowed.items() if amount]
        owner, who = self.random.choice(known) if known and self.chance(0.8) else (self.saver(), self.saver())
        within = min(self.oracle.coin.allowed[owner, who], self.oracle.coin.balances[owner])
        amount = self.random.choice([0, 1, 500, SAVED, within, within])
        to = self.random.choice([*self.savers, *self.fans, NATIVE])
        call = self.coin_call(who, "transferFrom", owner, to, amount)
        return call, lambda o: o.coin.transfer_from(who, owner, to, amount)

    def step_coin_permit(self) -> Step:
        """Good, signed by another, with a nonce that was used or is not due, or late."""
        number, spender, amount = self.random.randrange(3), self.random.choice(self.savers), self.coin_amount()
        owner, now = self.savers[number], self.evm.now
        deadline = now + self.random.choice([0, 60, 60, 60, -1])
        nonce = self.oracle.coin.nonces[owner] + self.random.choice([0] * 5 + [-1, 1])
        nonce = max(nonce, 0)
        signer = self.signers[number] if self.chance(0.85) else self.signers[number - 1]
        typed = permit_of(self.artist_coin, self.evm.chain_id, owner, spender, amount, nonce, deadline)
        signed = signer.sign_typed_data(full_message=typed)
        good = signer is self.signers[number] and nonce == self.oracle.coin.nonces[owner] and deadline >= now
        parts = signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)
        call = self.coin_call(self.fans[0], "permit", owner, spender, amount, deadline, *parts)
        return call, lambda o: o.coin.permit(owner, spender, amount, good)
