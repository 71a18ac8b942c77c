# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
"""
@title Factory
@notice Makes the clones of masters and artist coins at addresses that follow from their ids alone, and
        keeps the registry that every clone reads: a leaked key is rotated here, once for all masters.
        The implementations are set once, so a key's address never changes and no key is made twice.
"""

interface Clone:
    def factory() -> address: view

interface Shares:
    def setup(
        terms: MasterTerms,
        name: String[64],
        symbol: String[16],
        baseURI: String[160],
        dividends: address,
    ): nonpayable

interface Dividends:
    def setup(shares: address, supply: uint256): nonpayable
    def claimAllFor(holder: address): nonpayable

interface Coin:
    def setup(name: String[64], symbol: String[16], parts: DynArray[Part, MAX_PARTS]): nonpayable

struct MasterTerms:
    artist: address
    currency: address
    price: uint256
    supply: uint256
    start: uint256
    end: uint256
    royaltyBps: uint256
    firstBps: uint256
    secondBps: uint256
    thirdBps: uint256
    primaryFeeBps: uint256
    permitRequired: bool

struct Part:
    who: address
    amount: uint256

event MasterCreated:
    key: indexed(bytes32)
    shares: address
    dividends: address

MAX_CURRENCIES: constant(uint256) = 8
MAX_CLAIMS: constant(uint256) = 30
MAX_PARTS: constant(uint256) = 20

operator: public(address)
treasury: public(address)
permitSigner: public(address)
isDepositor: public(HashMap[address, bool])
isCurrency: public(HashMap[address, bool])
isCollection: public(HashMap[address, bool])

sharesImplementation: public(address)
dividendsImplementation: public(address)
coinImplementation: public(address)

listed: DynArray[address, MAX_CURRENCIES]


@deploy
def __init__(operator: address, treasury: address, permitSigner: address):
    assert operator != empty(address) and treasury != empty(address), "no address"
    self.operator = operator
    self.treasury = treasury
    self.permitSigner = permitSigner
    self.isCurrency[empty(address)] = True


@external
def setImplementations(shares: address, dividends: address, coin: address):
    """Name the code that clones run, once; each must have been deployed for this factory."""
    self._only_operator()
    assert self.sharesImplementation == empty(address), "set already"
    assert staticcall Clone(shares).factory() == self, "another factory's shares"
    assert staticcall Clone(dividends).factory() == self, "another factory's dividends"
    assert staticcall Clone(coin).factory() == self, "another factory's coin"
    self.sharesImplementation = shares
    self.dividendsImplementation = dividends
    self.coinImplementation = coin


@external
def setOperator(who: address):
    self._only_operator()
    assert who != empty(address), "no address"
    self.operator = who


@external
def setTreasury(who: address):
    self._only_operator()
    assert who != empty(address), "no address"
    self.treasury = who


@external
def setPermitSigner(who: address):
    """The key that signs mint permits from now on; the empty address stops all permits."""
    self._only_operator()
    self.permitSigner = who


@external
def setDepositor(who: address, allowed: bool):
    self._only_operator()
    self.isDepositor[who] = allowed


@external
def setCollection(shares: address, allowed: bool):
    """Whether the market trades this collection; masters made here are allowed from the start."""
    self._only_operator()
    self.isCollection[shares] = allowed


@external
def setCurrency(token: address, allowed: bool):
    """Put an ERC-20 on the allow-list or take it off; native coin is always on it."""
    self._only_operator()
    assert token.is_contract, "not a token"
    assert self.isCurrency[token] != allowed, "no change"
    self.isCurrency[token] = allowed
    if allowed:
        assert len(self.listed) < MAX_CURRENCIES, "too many currencies"
        self.listed.append(token)
        return
    kept: DynArray[address, MAX_CURRENCIES] = []
    for other: address in self.listed:
        if other != token:
            kept.append(other)
    self.listed = kept


@external
def createMaster(
    key: bytes32, terms: MasterTerms, name: String[64], symbol: String[16], baseURI: String[160]
) -> (address, address):
    """Make a master's shares and dividends. `key` is keccak256 of the master's id (16 bytes)."""
    self._only_operator()
    assert not self._predict(self.sharesImplementation, key).is_contract, "made already"
    shares: address = create_minimal_proxy_to(self.sharesImplementation, salt=key)
    dividends: address = create_minimal_proxy_to(self.dividendsImplementation, salt=key)
    self.isCollection[shares] = True
    extcall Dividends(dividends).setup(shares, terms.supply)
    extcall Shares(shares).setup(terms, name, symbol, baseURI, dividends)
    log MasterCreated(key=key, shares=shares, dividends=dividends)
    return shares, dividends


@external
def createCoin(
    key: bytes32, name: String[64], symbol: String[16], parts: DynArray[Part, MAX_PARTS]
) -> address:
    """Make an artist's coin; its supply is the sum of `parts`. `key` is keccak256 of the artist's id."""
    self._only_operator()
    assert not self._predict(self.coinImplementation, key).is_contract, "made already"
    coin: address = create_minimal_proxy_to(self.coinImplementation, salt=key)
    extcall Coin(coin).setup(name, symbol, parts)
    return coin


@external
def claimMany(dividends: DynArray[address, MAX_CLAIMS], holder: address):
    """Pay `holder` all that these masters owe, in every currency. Anyone may call; money goes to the holder."""
    for one: address in dividends:
        extcall Dividends(one).claimAllFor(holder)


@external
@view
def predictMaster(key: bytes32) -> (address, address):
    """Where the shares and dividends of `key` are or will be."""
    return self._predict(self.sharesImplementation, key), self._predict(self.dividendsImplementation, key)


@external
@view
def predictCoin(key: bytes32) -> address:
    return self._predict(self.coinImplementation, key)


@external
@view
def mayDeposit(who: address, currency: address) -> bool:
    """Both questions of a deposit in one call."""
    return self.isDepositor[who] and self.isCurrency[currency]


@external
@view
def currencies() -> DynArray[address, MAX_CURRENCIES]:
    """The ERC-20s of the allow-list; native coin is not among them."""
    return self.listed


@internal
@view
def _only_operator():
    assert msg.sender == self.operator, "operator only"


@internal
@view
def _predict(target: address, salt: bytes32) -> address:
    code: bytes32 = keccak256(
        concat(
            0x602d3d8160093d39f3363d3d373d3d3d363d73,
            convert(target, bytes20),
            0x5af43d82803e903d91602b57fd5bf3,
        )
    )
    hashed: bytes32 = keccak256(concat(0xff, convert(self, bytes20), salt, code))
    return convert(convert(hashed, uint256) & convert(max_value(uint160), uint256), address)
