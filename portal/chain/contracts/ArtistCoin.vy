# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
"""
@title ArtistCoin
@notice An artist's ERC-20 (18 decimals) with EIP-2612 permits: an EIP-1167 clone whose whole supply is
        handed out once, at creation.
"""
from ethereum.ercs import IERC20

implements: IERC20

struct Part:
    who: address
    amount: uint256

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    amount: uint256

MAX_PARTS: constant(uint256) = 20
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPE: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

factory: public(immutable(address))
decimals: public(constant(uint8)) = 18
version: public(constant(String[1])) = "1"

name: public(String[64])
symbol: public(String[16])
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])


@deploy
def __init__(factory_: address):
    factory = factory_


@external
def setup(name: String[64], symbol: String[16], parts: DynArray[Part, MAX_PARTS]):
    """Name the coin and hand out its whole supply, once, by the factory."""
    assert msg.sender == factory, "factory only"
    assert self.totalSupply == 0, "set up already"
    self.name = name
    self.symbol = symbol
    total: uint256 = 0
    for part: Part in parts:
        assert part.who != empty(address), "no receiver"
        total += part.amount
        self.balanceOf[part.who] += part.amount
        log Transfer(sender=empty(address), receiver=part.who, amount=part.amount)
    assert total > 0, "no supply"
    self.totalSupply = total


@external
def approve(spender: address, amount: uint256) -> bool:
    self._approve(msg.sender, spender, amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "allowance too low"
        self.allowance[owner][msg.sender] = allowed - amount
    self._move(owner, to, amount)
    return True


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return self._domain()


@external
def permit(
    owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32
):
    """EIP-2612: an allowance by signature."""
    assert block.timestamp <= deadline, "permit lapsed"
    assert convert(s, uint256) <= HALF_ORDER, "bad signature"
    nonce: uint256 = self.nonces[owner]
    order: bytes32 = keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline))
    signer: address = ecrecover(keccak256(concat(b"\x19\x01", self._domain(), order)), v, r, s)
    assert signer != empty(address) and signer == owner, "bad signature"
    self.nonces[owner] = nonce + 1
    self._approve(owner, spender, amount)


@internal
@view
def _domain() -> bytes32:
    return keccak256(
        abi_encode(DOMAIN_TYPE, keccak256(self.name), keccak256(version), chain.id, self)
    )


@internal
def _approve(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log Approval(owner=owner, spender=spender, amount=amount)


@internal
def _move(owner: address, to: address, amount: uint256):
    assert to != empty(address), "no receiver"
    assert self.balanceOf[owner] >= amount, "balance too low"
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log Transfer(sender=owner, receiver=to, amount=amount)
