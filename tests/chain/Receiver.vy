# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Receiver
@notice A wallet made of code. On money or a token it does as told: 0 accept, 1 refuse, 2 burn all gas,
        3 call back with a payload and remember whether that went through, 4 the same where plenty of gas
        came along. It also passes for a token that answers whether it went along, as ERC-20 asks,
        instead of reverting.
"""

interface Shares:
    def ownerOf(tokenId: uint256) -> address: view
    def royaltyInfo(tokenId: uint256, salePrice: uint256) -> (address, uint256): view

mode: public(uint256)
callbacks: public(uint256)
successes: public(uint256)
target: address
payload: Bytes[512]


@external
@payable
def __default__():
    self._react()


@external
def behave(mode: uint256, target: address, payload: Bytes[512]):
    self.mode = mode
    self.target = target
    self.payload = payload


@external
@payable
def run(target: address, data: Bytes[2048]):
    """Send a call as this wallet; what it reverts with comes through."""
    raw_call(target, data, value=msg.value)


@external
@payable
def pay_royalty(shares: address):
    """As a market elsewhere does: ask whom to pay, then send with the 2300 gas of the stipend."""
    payee: address = empty(address)
    due: uint256 = 0
    payee, due = staticcall Shares(shares).royaltyInfo(1, msg.value)
    send(payee, due)


@external
def onERC721Received(operator: address, sender: address, tokenId: uint256, data: Bytes[1024]) -> bytes4:
    assert staticcall Shares(msg.sender).ownerOf(tokenId) == self, "not mine yet"
    self._react()
    return 0x150b7a02


@external
def transfer(to: address, amount: uint256) -> bool:
    return self.mode == 0


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    return self.mode == 0


@external
@view
def balanceOf(owner: address) -> uint256:
    return 0


@internal
def _react():
    assert self.mode != 1, "refused"
    assert self.mode != 2, UNREACHABLE
    if self.mode == 3 or (self.mode == 4 and msg.gas > 300_000):
        self.callbacks += 1
        if raw_call(self.target, self.payload, revert_on_failure=False):
            self.successes += 1
