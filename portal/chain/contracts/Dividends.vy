# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title Dividends
@notice Revenue of one master, shared per share in O(1) and pulled by its holders. An EIP-1167 clone.

        A deposit of `pool` for the holders adds to what was carried: x = pool + carry. Each share of the
        whole supply gets per = x // supply, and carry = x % supply waits for the next deposit of the same
        currency. Shares that nobody holds (unminted or handed back) belong to the artist, who is
        credited per * (supply - outstanding) at once.

        The accumulator `acc` is what one share has earned since the start. A holder's account keeps the
        `acc` up to which it is settled and what it is owed. Before any balance changes, MasterShares
        calls `onMove`, so unclaimed money stays with the wallet that earned it.

        Words packed by hand:
            link     shares 160 | supply 24 | currencies in use 8
            pool     carry 20 | acc 118 | deposited 118     (one per currency)
            account  seen 128 | owed 128                    (one per holder and currency)
        The total deposited is kept below 2**118, and acc and every debt are at most that total: nothing
        in `onMove` can overflow, so a deposit can never freeze a transfer.
"""
import money

interface Registry:
    def mayDeposit(who: address, currency: address) -> bool: view

interface Shares:
    def balanceOf(holder: address) -> uint256: view
    def depositTerms() -> (address, uint256, bool): view

struct Part:
    who: address
    amount: uint256

event RevenueDeposited:
    ref: indexed(bytes32)
    token: indexed(address)
    amount: uint256
    timestamp: uint256

event DividendsDistributed:
    ref: indexed(bytes32)
    token: indexed(address)
    totalAmount: uint256
    holdersPool: uint256
    perShare: uint256
    unminted: uint256
    carry: uint256

event Credited:
    ref: indexed(bytes32)
    who: indexed(address)
    token: indexed(address)
    amount: uint256

event DividendClaimed:
    holder: indexed(address)
    token: indexed(address)
    amount: uint256

event ClaimSkipped:
    holder: indexed(address)
    token: indexed(address)
    amount: uint256

MAX_CURRENCIES: constant(uint256) = 4
MAX_PARTS: constant(uint256) = 20
MAX_HOLDERS: constant(uint256) = 50
PUSH_GAS: constant(uint256) = 100_000  # what a receiver may burn when someone else claims for it
ADDRESS: constant(uint256) = 2**160 - 1
CARRY: constant(uint256) = 2**20 - 1
AMOUNT: constant(uint256) = 2**118 - 1
HALF: constant(uint256) = 2**128 - 1

factory: reentrant(public(immutable(address)))

link: uint256
tokens: address[MAX_CURRENCIES]
places: HashMap[address, uint256]  # currency -> its place + 1
pools: uint256[MAX_CURRENCIES]
accounts: HashMap[address, uint256[MAX_CURRENCIES]]
deposits: reentrant(public(HashMap[bytes32, uint256]))  # ref -> total deposited under it


@deploy
def __init__(factory_: address):
    factory = factory_


@external
def setup(shares: address, supply: uint256):
    """Link to the master's shares, once, by the factory."""
    assert msg.sender == factory, "factory only"
    assert self.link == 0, "set up already"
    self.link = convert(shares, uint256) | (supply << 160)


@external
@payable
def deposit(ref: bytes32, currency: address, holdersPool: uint256, parts: DynArray[Part, MAX_PARTS]):
    """
    Share out holdersPool + sum(parts) smallest units of `currency`: the pool among all shares, each part
    to its wallet. `ref` names the revenue event and is taken once.
    """
    assert staticcall Registry(factory).mayDeposit(msg.sender, currency), "not allowed to deposit"
    total: uint256 = holdersPool
    for part: Part in parts:
        total += part.amount
    assert total > 0, "nothing to share"
    assert self.deposits[ref] == 0, "deposited already"
    self.deposits[ref] = total
    money.pull(currency, msg.sender, total)

    link: uint256 = self.link
    artist: address = empty(address)
    outstanding: uint256 = 0
    cancelled: bool = False
    artist, outstanding, cancelled = staticcall Shares(self._shares(link)).depositTerms()
    assert not cancelled, "master cancelled"
    place: uint256 = self._place(currency, link)
    log RevenueDeposited(ref=ref, token=currency, amount=total, timestamp=block.timestamp)
    self._distribute(ref, currency, place, total, holdersPool, link, artist, outstanding)
    for part: Part in parts:
        self._credit(ref, part.who, currency, place, part.amount)


@external
@reentrant
def onMove(sender: address, senderBalance: uint256, receiver: address, receiverBalance: uint256):
    """Settle both wallets with the balances they still have; the empty address is nobody."""
    link: uint256 = self.link
    assert msg.sender == self._shares(link), "shares only"
    used: uint256 = link >> 184
    for place: uint256 in range(MAX_CURRENCIES):
        if place == used:
            break
        acc: uint256 = (self.pools[place] >> 20) & AMOUNT
        if sender != empty(address):
            self._settle(sender, senderBalance, place, acc)
        if receiver != empty(address):
            self._settle(receiver, receiverBalance, place, acc)


@external
def claim(currency: address):
    """Pay the caller what it is owed in one currency."""
    assert self._claim(msg.sender, currency, False) > 0, "nothing owed"


@external
def claimAll():
    """Pay the caller what it is owed in every currency."""
    assert self._claim_all(msg.sender, False) > 0, "nothing owed"


@external
def claimFor(holder: address, currency: address):
    """Pay `holder` one currency, whoever calls. A receiver that refuses is skipped and stays owed."""
    assert self._claim(holder, currency, True) > 0, "nothing owed"


@external
def claimForMany(holders: DynArray[address, MAX_HOLDERS], currency: address):
    """Pay many holders one currency; who is owed nothing or refuses is skipped."""
    for holder: address in holders:
        self._claim(holder, currency, True)


@external
def claimAllFor(holder: address):
    """Pay `holder` every currency, whoever calls; what is refused stays owed."""
    self._claim_all(holder, True)


@external
@view
@reentrant
def shares() -> address:
    return self._shares(self.link)


@external
@view
@reentrant
def supply() -> uint256:
    return self._supply(self.link)


@external
@view
@reentrant
def currencies() -> DynArray[address, MAX_CURRENCIES]:
    """The currencies this master has paid in, in order of their first deposit."""
    found: DynArray[address, MAX_CURRENCIES] = []
    used: uint256 = self.link >> 184
    for place: uint256 in range(MAX_CURRENCIES):
        if place == used:
            break
        found.append(self.tokens[place])
    return found


@external
@view
@reentrant
def pool(currency: address) -> (uint256, uint256, uint256):
    """(deposited in all, earned by one share since the start, carry) of one currency."""
    place: uint256 = self.places[currency]
    if place == 0:
        return 0, 0, 0
    word: uint256 = self.pools[place - 1]
    return word >> 138, (word >> 20) & AMOUNT, word & CARRY


@external
@view
@reentrant
def owed(holder: address, currency: address) -> uint256:
    """What is settled for the holder; `claimable` adds what its shares earned since."""
    place: uint256 = self.places[currency]
    return 0 if place == 0 else self.accounts[holder][place - 1] >> 128


@external
@view
@reentrant
def claimable(holder: address, currency: address) -> uint256:
    """What a claim would pay now."""
    place: uint256 = self.places[currency]
    if place == 0 or holder == empty(address):
        return 0
    balance: uint256 = staticcall Shares(self._shares(self.link)).balanceOf(holder)
    word: uint256 = self.accounts[holder][place - 1]
    acc: uint256 = (self.pools[place - 1] >> 20) & AMOUNT
    return (word >> 128) + (acc - (word & HALF)) * balance


@internal
@pure
def _shares(link: uint256) -> address:
    return convert(link & ADDRESS, address)


@internal
@pure
def _supply(link: uint256) -> uint256:
    return (link >> 160) & (2**24 - 1)


@internal
def _place(currency: address, link: uint256) -> uint256:
    """The currency's place; its first deposit takes the next free one of four."""
    place: uint256 = self.places[currency]
    if place > 0:
        return place - 1
    used: uint256 = link >> 184
    assert used < MAX_CURRENCIES, "too many currencies"
    self.tokens[used] = currency
    self.places[currency] = used + 1
    self.link = link + (1 << 184)
    return used


@internal
def _distribute(
    ref: bytes32,
    currency: address,
    place: uint256,
    total: uint256,
    holdersPool: uint256,
    link: uint256,
    artist: address,
    outstanding: uint256,
):
    word: uint256 = self.pools[place]
    deposited: uint256 = (word >> 138) + total
    assert total <= AMOUNT and deposited <= AMOUNT, "amount too large"
    supply: uint256 = self._supply(link)
    shared: uint256 = holdersPool + (word & CARRY)
    per: uint256 = shared // supply
    carry: uint256 = shared % supply
    unminted: uint256 = per * (supply - outstanding)
    self.pools[place] = carry | ((((word >> 20) & AMOUNT) + per) << 20) | (deposited << 138)
    log DividendsDistributed(
        ref=ref,
        token=currency,
        totalAmount=total,
        holdersPool=holdersPool,
        perShare=per,
        unminted=unminted,
        carry=carry,
    )
    self._credit(ref, artist, currency, place, unminted)


@internal
def _credit(ref: bytes32, who: address, currency: address, place: uint256, amount: uint256):
    """Owe `amount` to a wallet directly, whatever shares it holds."""
    if amount == 0:
        return
    assert who != empty(address), "no receiver"
    self.accounts[who][place] += amount << 128
    log Credited(ref=ref, who=who, token=currency, amount=amount)


@internal
def _settle(holder: address, balance: uint256, place: uint256, acc: uint256):
    word: uint256 = self.accounts[holder][place]
    seen: uint256 = word & HALF
    if acc != seen:
        self.accounts[holder][place] = ((word >> 128) + (acc - seen) * balance) << 128 | acc


@internal
def _claim(holder: address, currency: address, skips: bool) -> uint256:
    place: uint256 = self.places[currency]
    if place == 0 or holder == empty(address):
        return 0
    balance: uint256 = staticcall Shares(self._shares(self.link)).balanceOf(holder)
    return self._pay(holder, balance, currency, place - 1, skips)


@internal
def _claim_all(holder: address, skips: bool) -> uint256:
    if holder == empty(address):
        return 0
    link: uint256 = self.link
    used: uint256 = link >> 184
    paid: uint256 = 0
    # Read once: a receiver that moves shares between two payments settles every currency by that, and
    # what is settled no longer asks for the balance.
    balance: uint256 = staticcall Shares(self._shares(link)).balanceOf(holder)
    for place: uint256 in range(MAX_CURRENCIES):
        if place == used:
            break
        paid += self._pay(holder, balance, self.tokens[place], place, skips)
    return paid


@internal
def _pay(holder: address, balance: uint256, currency: address, place: uint256, skips: bool) -> uint256:
    """
    Settle and pay one currency; returns the amount due. The debt is struck out before money leaves and
    put back where `skips` and the receiver refuses; without `skips` a refusal reverts.
    """
    acc: uint256 = (self.pools[place] >> 20) & AMOUNT
    word: uint256 = self.accounts[holder][place]
    due: uint256 = (word >> 128) + (acc - (word & HALF)) * balance
    if due == 0:
        return 0
    self.accounts[holder][place] = acc
    if money.push(currency, holder, due, PUSH_GAS if skips else msg.gas):
        log DividendClaimed(holder=holder, token=currency, amount=due)
    else:
        assert skips, "receiver refused"
        self.accounts[holder][place] += due << 128
        log ClaimSkipped(holder=holder, token=currency, amount=due)
    return due
