# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title Market
@notice Resale of shares at a fixed price: an owner lists, a buyer buys; a bidder leaves money with an
        offer, the owner accepts. price = seller + parts + fee, exactly, whichever way a share is sold.

        Orders are made and carried out only once the primary sale is over, when every minter slot that
        will be filled is filled: the parts that an order was made with are the parts that are paid.
        A listing names the token's move counter, so any transfer ends it. The fee is the one in force
        when the order was made. Whoever buys names currency and price and is never charged others.
        A currency that leaves the allow-list is no longer traded, as its parts could not be credited;
        money that waits in it stays payable.
        The parts of artist and first three minters go to the shares' contract, which credits the roles;
        the treasury and the seller are paid at once, and where a receiver refuses, its money waits here
        under its name. What is held equals the open offers and those credits.

        Words packed by hand:
            listing  seller 160 | moves 48 | fee 16 | deadline 32     and  currency 160 | price 96
            offer    bidder 160 | token 24 | fee 16 | deadline 32     and  currency 160 | price 96,
                     and the collection
        Deadlines are seconds by the chain's clock; 0 is none.
"""
import money

interface Registry:
    def operator() -> address: view
    def treasury() -> address: view
    def isCurrency(token: address) -> bool: view
    def isCollection(shares: address) -> bool: view

interface Shares:
    def moves(tokenId: uint256) -> uint256: view
    def orderTerms(tokenId: uint256, price: uint256) -> (address, uint256, bool, uint256[4]): view
    def transferFrom(sender: address, receiver: address, tokenId: uint256): nonpayable

struct Order:
    maker: address
    collection: address
    tokenId: uint256
    currency: address
    price: uint256
    feeBps: uint256
    deadline: uint256

event Listed:
    collection: indexed(address)
    tokenId: indexed(uint256)
    seller: indexed(address)
    currency: address
    price: uint256
    feeBps: uint256
    moves: uint256
    deadline: uint256

event Cancelled:
    collection: indexed(address)
    tokenId: indexed(uint256)
    seller: indexed(address)

event Offered:
    id: indexed(uint256)
    collection: indexed(address)
    tokenId: indexed(uint256)
    bidder: address
    currency: address
    price: uint256
    feeBps: uint256
    deadline: uint256

event OfferCancelled:
    id: indexed(uint256)

event Accepted:
    id: indexed(uint256)

event Sold:
    collection: indexed(address)
    tokenId: indexed(uint256)
    buyer: indexed(address)
    seller: address
    currency: address
    price: uint256
    parts: uint256[4]
    fee: uint256
    sellerGets: uint256

event Held:
    who: indexed(address)
    currency: indexed(address)
    amount: uint256

event Withdrawn:
    who: indexed(address)
    currency: indexed(address)
    amount: uint256

event FeeChanged:
    feeBps: uint256

BPS: constant(uint256) = 10_000
PUSH_GAS: constant(uint256) = 100_000  # what a receiver of a sale's money may burn
ADDRESS: constant(uint256) = 2**160 - 1
BITS_16: constant(uint256) = 2**16 - 1
BITS_24: constant(uint256) = 2**24 - 1
BITS_32: constant(uint256) = 2**32 - 1
BITS_48: constant(uint256) = 2**48 - 1
BITS_96: constant(uint256) = 2**96 - 1

factory: reentrant(public(immutable(address)))
feeBps: reentrant(public(uint256))
lastOffer: reentrant(public(uint256))
credits: reentrant(public(HashMap[address, HashMap[address, uint256]]))  # who -> currency -> waiting

listings: HashMap[address, HashMap[uint256, uint256[2]]]
offers: HashMap[uint256, uint256[3]]


@deploy
def __init__(factory_: address, fee: uint256):
    assert fee <= BPS, "fee over 100 %"
    factory = factory_
    self.feeBps = fee


@external
def setFee(fee: uint256):
    """The trading fee (bps) of orders made from now on; the operator only."""
    assert msg.sender == staticcall Registry(factory).operator(), "operator only"
    assert fee <= BPS, "fee over 100 %"
    self.feeBps = fee
    log FeeChanged(feeBps=fee)


# ---------------------------------------------------------------- listings

@external
def list(collection: address, tokenId: uint256, currency: address, price: uint256, deadline: uint256):
    """Offer one's own share at a fixed price, or change what one asks. The share stays with its owner."""
    fee: uint256 = self.feeBps
    owner: address = empty(address)
    moves: uint256 = 0
    owner, moves = self._check_order(collection, tokenId, currency, price, fee, deadline)
    assert owner == msg.sender, "not the owner"
    assert moves <= BITS_48, "moved too often"
    self.listings[collection][tokenId] = [
        convert(msg.sender, uint256) | (moves << 160) | (fee << 208) | (deadline << 224),
        self._asked(currency, price),
    ]
    log Listed(
        collection=collection,
        tokenId=tokenId,
        seller=msg.sender,
        currency=currency,
        price=price,
        feeBps=fee,
        moves=moves,
        deadline=deadline,
    )


@external
def cancel(collection: address, tokenId: uint256):
    """Take one's own listing back."""
    assert self.listings[collection][tokenId][0] & ADDRESS == convert(msg.sender, uint256), "not your listing"
    self.listings[collection][tokenId] = [0, 0]
    log Cancelled(collection=collection, tokenId=tokenId, seller=msg.sender)


@external
@payable
def buy(collection: address, tokenId: uint256, currency: address, price: uint256):
    """Buy a listed share; `currency` and `price` are what the buyer saw."""
    word: uint256 = self.listings[collection][tokenId][0]
    assert word != 0, "not listed"
    assert self.listings[collection][tokenId][1] == self._asked(currency, price), "listing changed"
    self._check_deadline(word >> 224)
    seller: address = convert(word & ADDRESS, address)
    assert seller != msg.sender, "your own share"
    owner: address = empty(address)
    moves: uint256 = 0
    parts: uint256[4] = empty(uint256[4])
    owner, moves, parts = self._trade_terms(collection, tokenId, currency, price)
    assert moves == (word >> 160) & BITS_48, "listing is stale"
    self.listings[collection][tokenId] = [0, 0]
    money.pull(currency, msg.sender, price)
    self._settle(
        collection, tokenId, seller, msg.sender, currency, price, (word >> 208) & BITS_16, parts
    )


# ---------------------------------------------------------------- offers

@external
@payable
def offer(
    collection: address, tokenId: uint256, currency: address, price: uint256, deadline: uint256
) -> uint256:
    """Leave `price` here for a share; whoever owns it by then may accept. Returns the offer's id."""
    assert tokenId <= BITS_24, "no such token"
    fee: uint256 = self.feeBps
    owner: address = empty(address)
    moves: uint256 = 0
    owner, moves = self._check_order(collection, tokenId, currency, price, fee, deadline)
    assert owner != msg.sender, "your own share"
    id: uint256 = self.lastOffer + 1
    self.lastOffer = id
    self.offers[id] = [
        convert(msg.sender, uint256) | (tokenId << 160) | (fee << 184) | (deadline << 200),
        self._asked(currency, price),
        convert(collection, uint256),
    ]
    log Offered(
        id=id,
        collection=collection,
        tokenId=tokenId,
        bidder=msg.sender,
        currency=currency,
        price=price,
        feeBps=fee,
        deadline=deadline,
    )
    money.pull(currency, msg.sender, price)
    return id


@external
def cancelOffer(id: uint256):
    """Give an offer's money back: its bidder at any time, anyone once it has lapsed."""
    word: uint256 = self.offers[id][0]
    assert word != 0, "no such offer"
    bidder: address = convert(word & ADDRESS, address)
    deadline: uint256 = word >> 200
    assert msg.sender == bidder or (deadline != 0 and block.timestamp > deadline), "not your offer"
    asked: uint256 = self.offers[id][1]
    self.offers[id] = [0, 0, 0]
    log OfferCancelled(id=id)
    self._pay(convert(asked & ADDRESS, address), bidder, asked >> 160)


@external
def accept(id: uint256):
    """Sell one's own share to whoever made this offer."""
    word: uint256 = self.offers[id][0]
    assert word != 0, "no such offer"
    self._check_deadline(word >> 200)
    buyer: address = convert(word & ADDRESS, address)
    assert buyer != msg.sender, "your own offer"
    asked: uint256 = self.offers[id][1]
    currency: address = convert(asked & ADDRESS, address)
    price: uint256 = asked >> 160
    collection: address = convert(self.offers[id][2], address)
    tokenId: uint256 = (word >> 160) & BITS_24
    owner: address = empty(address)
    moves: uint256 = 0
    parts: uint256[4] = empty(uint256[4])
    owner, moves, parts = self._trade_terms(collection, tokenId, currency, price)
    self.offers[id] = [0, 0, 0]
    log Accepted(id=id)
    self._settle(
        collection, tokenId, msg.sender, buyer, currency, price, (word >> 184) & BITS_16, parts
    )


@external
def withdraw(currency: address):
    """Pay the caller what waits here because it could not be delivered."""
    amount: uint256 = self.credits[msg.sender][currency]
    assert amount > 0, "nothing to withdraw"
    self.credits[msg.sender][currency] = 0
    log Withdrawn(who=msg.sender, currency=currency, amount=amount)
    assert money.push(currency, msg.sender, amount, msg.gas), "receiver refused"


# ---------------------------------------------------------------- views

@external
@view
@reentrant
def listing(collection: address, tokenId: uint256) -> Order:
    """The listing as it stands; all zero where there is none or the token has moved since."""
    words: uint256[2] = self.listings[collection][tokenId]
    if words[0] == 0 or staticcall Shares(collection).moves(tokenId) != (words[0] >> 160) & BITS_48:
        return empty(Order)
    return Order(
        maker=convert(words[0] & ADDRESS, address),
        collection=collection,
        tokenId=tokenId,
        currency=convert(words[1] & ADDRESS, address),
        price=words[1] >> 160,
        feeBps=(words[0] >> 208) & BITS_16,
        deadline=words[0] >> 224,
    )


@external
@view
@reentrant
def openOffer(id: uint256) -> Order:
    """An offer that is neither accepted nor taken back, lapsed or not; all zero otherwise."""
    words: uint256[3] = self.offers[id]
    return Order(
        maker=convert(words[0] & ADDRESS, address),
        collection=convert(words[2], address),
        tokenId=(words[0] >> 160) & BITS_24,
        currency=convert(words[1] & ADDRESS, address),
        price=words[1] >> 160,
        feeBps=(words[0] >> 184) & BITS_16,
        deadline=words[0] >> 200,
    )


# ---------------------------------------------------------------- rules

@internal
@pure
def _asked(currency: address, price: uint256) -> uint256:
    assert price <= BITS_96, "price too large"
    return convert(currency, uint256) | (price << 160)


@internal
@view
def _check_order(
    collection: address, tokenId: uint256, currency: address, price: uint256, fee: uint256, deadline: uint256
) -> (address, uint256):
    """Refuse an order that could not be carried out as things stand; returns (owner, moves) of its token."""
    assert price > 0, "no price"
    assert deadline <= BITS_32, "deadline out of range"
    self._check_deadline(deadline)
    owner: address = empty(address)
    moves: uint256 = 0
    parts: uint256[4] = empty(uint256[4])
    owner, moves, parts = self._trade_terms(collection, tokenId, currency, price)
    whole: uint256 = parts[0] + parts[1] + parts[2] + parts[3]
    assert whole + price * fee // BPS <= price, "parts over price"
    return owner, moves


@internal
@view
def _check_deadline(deadline: uint256):
    assert deadline == 0 or block.timestamp <= deadline, "order lapsed"


@internal
@view
def _trade_terms(
    collection: address, tokenId: uint256, currency: address, price: uint256
) -> (address, uint256, uint256[4]):
    """(owner, moves, parts at this price) of a token that may be sold in this currency now."""
    assert staticcall Registry(factory).isCollection(collection), "collection not traded"
    if currency != empty(address):  # native coin is always on the list
        assert staticcall Registry(factory).isCurrency(currency), "currency not allowed"
    owner: address = empty(address)
    moves: uint256 = 0
    closed: bool = False
    parts: uint256[4] = empty(uint256[4])
    owner, moves, closed, parts = staticcall Shares(collection).orderTerms(tokenId, price)
    assert closed, "sale not over"
    return owner, moves, parts


@internal
def _settle(
    collection: address,
    tokenId: uint256,
    seller: address,
    buyer: address,
    currency: address,
    price: uint256,
    feeBps: uint256,
    parts: uint256[4],
):
    """Move the share, then the money that is here already: parts, fee, the rest to the seller."""
    royalty: uint256 = parts[0] + parts[1] + parts[2] + parts[3]
    fee: uint256 = price * feeBps // BPS
    gets: uint256 = price - royalty - fee
    extcall Shares(collection).transferFrom(seller, buyer, tokenId)
    log Sold(
        collection=collection,
        tokenId=tokenId,
        buyer=buyer,
        seller=seller,
        currency=currency,
        price=price,
        parts=parts,
        fee=fee,
        sellerGets=gets,
    )
    if royalty > 0:
        assert money.push(currency, collection, royalty, msg.gas), "parts refused"
    self._pay(currency, staticcall Registry(factory).treasury(), fee)
    self._pay(currency, seller, gets)


@internal
def _pay(currency: address, payee: address, amount: uint256):
    """Deliver, or keep it under the payee's name."""
    if amount == 0:
        return
    if not money.push(currency, payee, amount, PUSH_GAS):
        self.credits[payee][currency] += amount
        log Held(who=payee, currency=currency, amount=amount)
