# pragma version 0.4.3
# pragma optimize gas
# pragma evm-version cancun
# pragma nonreentrancy on
"""
@title MasterShares
@notice The shares of one master: its IPO and their ownership. An EIP-1167 clone; one ERC-721 token is one
        share, ids run from 1. Price in native coin (the empty address) or an ERC-20 of the allow-list.

        Phase: cancelled if flagged; else closed if flagged, past the end or sold out; else scheduled,
        paused or live. It can be cancelled only before it closes, and the proceeds leave only after it:
        escrow = price * (minted - burned) until they do, so every refund is covered without a deadline.

        Royalties arrive here (ERC-2981 names this contract as receiver), are split by role (artist,
        first, second, third minter) and wait for withdrawal. What is held beyond escrow and credited
        pots is a royalty not yet split; it is split before a minter slot is filled, so each payment
        follows the slots as they were.

        Words packed by hand:
            offer    price 128 | start 40 | end 40 | supply 24 | permit required 8
            roles    artist 160 | royalty 16 | first 16 | second 16 | third 16 | primary fee 16   (bps)
            state    dividends 160 | minted 24 | burned 24 | flags 8
            account  balance 32 | minted in all 32
            owner    owner 160 | moves 64
        A mint of up to ten tokens writes one owner word, at its first id; the owner of a token without a
        word is found at most nine ids below. A token that moves gets a word of its own and, where the
        next one has none, so does that one: a word that speaks for others therefore never has moved.
        Approvals are kept under (id, moves), so any move ends them.
"""
from ethereum.ercs import IERC20

import money

interface Registry:
    def operator() -> address: view
    def treasury() -> address: view
    def permitSigner() -> address: view
    def isCurrency(token: address) -> bool: view
    def currencies() -> DynArray[address, 8]: view

interface Dividends:
    def onMove(
        sender: address, senderBalance: uint256, receiver: address, receiverBalance: uint256
    ): nonpayable

interface TokenReceiver:
    def onERC721Received(
        operator: address, sender: address, tokenId: uint256, data: Bytes[1024]
    ) -> bytes4: nonpayable

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

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    tokenId: indexed(uint256)

event Approval:
    owner: indexed(address)
    approved: indexed(address)
    tokenId: indexed(uint256)

event ApprovalForAll:
    owner: indexed(address)
    operator: indexed(address)
    approved: bool

event BatchMetadataUpdate:
    fromTokenId: uint256
    toTokenId: uint256

event ContractURIUpdated:
    pass

event Minted:
    minter: indexed(address)
    firstId: indexed(uint256)
    count: uint256
    price: uint256
    terms: bytes32

event PhaseChanged:
    flags: uint256

event Refunded:
    holder: indexed(address)
    count: uint256
    amount: uint256

event ProceedsWithdrawn:
    artist: uint256
    fee: uint256

event ArtistChanged:
    artist: address

event RoyaltyReceived:
    sender: indexed(address)
    amount: uint256

event RoyaltyCredited:
    currency: indexed(address)
    artist: uint256
    first: uint256
    second: uint256
    third: uint256

event RoyaltyWithdrawn:
    who: indexed(address)
    currency: indexed(address)
    amount: uint256

MAX_MINT: constant(uint256) = 10
MAX_REFUND: constant(uint256) = 30
MAX_SUPPLY: constant(uint256) = 1_000_000
BPS: constant(uint256) = 10_000

SCHEDULED: constant(uint256) = 0
LIVE: constant(uint256) = 1
PAUSED: constant(uint256) = 2
CLOSED: constant(uint256) = 3
CANCELLED: constant(uint256) = 4

FLAG_PAUSED: constant(uint256) = 1
FLAG_CLOSED: constant(uint256) = 2
FLAG_CANCELLED: constant(uint256) = 4
FLAG_PAID: constant(uint256) = 8

ADDRESS: constant(uint256) = 2**160 - 1
BITS_16: constant(uint256) = 2**16 - 1
BITS_24: constant(uint256) = 2**24 - 1
BITS_32: constant(uint256) = 2**32 - 1
BITS_40: constant(uint256) = 2**40 - 1
BITS_128: constant(uint256) = 2**128 - 1

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPE: constant(bytes32) = keccak256(
    "MintPermit(address wallet,uint256 allowance,bytes32 terms,uint256 deadline)"
)

factory: reentrant(public(immutable(address)))

name: reentrant(public(String[64]))
symbol: reentrant(public(String[16]))
baseURI: reentrant(public(String[160]))
currency: reentrant(public(address))

offer: uint256
roles: uint256
state: uint256
owners: HashMap[uint256, uint256]
accounts: HashMap[address, uint256]
approvals: HashMap[uint256, address]
operators: HashMap[address, HashMap[address, bool]]
slots: HashMap[uint256, address]  # 1, 2, 3 -> who minted that token
pots: HashMap[address, uint256[4]]  # currency -> credited to each role
held: HashMap[address, uint256]  # currency -> sum of its pots


@deploy
def __init__(factory_: address):
    factory = factory_


@external
@payable
@reentrant
def __default__():
    """A royalty in native coin. Must fit in 2300 gas once the implementation is warm."""
    assert len(msg.data) == 0, "no such function"
    log RoyaltyReceived(sender=msg.sender, amount=msg.value)


# ---------------------------------------------------------------- set-up

@external
def setup(
    terms: MasterTerms, name: String[64], symbol: String[16], baseURI: String[160], dividends: address
):
    """Fix the terms of the offer, once, by the factory. Times are seconds; an end of 0 is no end."""
    assert msg.sender == factory, "factory only"
    assert self.state == 0, "set up already"
    assert terms.artist != empty(address), "no artist"
    assert 1 <= terms.supply and terms.supply <= MAX_SUPPLY, "supply out of range"
    assert terms.price <= BITS_128 // MAX_SUPPLY, "price too large"
    assert terms.start <= BITS_40 and terms.end <= BITS_40, "time out of range"
    assert terms.end == 0 or terms.start < terms.end, "ends before it starts"
    assert terms.primaryFeeBps <= BPS, "fee over 100 %"
    assert terms.royaltyBps <= BPS and terms.firstBps <= BPS, "royalties over 100 %"
    assert terms.secondBps <= BPS and terms.thirdBps <= BPS, "royalties over 100 %"
    assert (
        terms.royaltyBps + terms.firstBps + terms.secondBps + terms.thirdBps <= BPS
    ), "royalties over 100 %"
    assert staticcall Registry(factory).isCurrency(terms.currency), "currency not allowed"
    self.offer = (
        terms.price
        | (terms.start << 128)
        | (terms.end << 168)
        | (terms.supply << 208)
        | (convert(terms.permitRequired, uint256) << 232)
    )
    self.roles = (
        convert(terms.artist, uint256)
        | (terms.royaltyBps << 160)
        | (terms.firstBps << 176)
        | (terms.secondBps << 192)
        | (terms.thirdBps << 208)
        | (terms.primaryFeeBps << 224)
    )
    self.state = convert(dividends, uint256)
    self.currency = terms.currency
    self.name = name
    self.symbol = symbol
    self.baseURI = baseURI


# ---------------------------------------------------------------- mint and refund

@external
@payable
def mint(quantity: uint256):
    """Buy 1 to 10 shares at the fixed price where the offer asks for no permit."""
    assert self.offer >> 232 == 0, "permit required"
    self._mint(quantity, max_value(uint256), empty(bytes32))


@external
@payable
def mintWithPermit(
    quantity: uint256, allowance: uint256, terms: bytes32, deadline: uint256, signature: Bytes[65]
):
    """
    Buy 1 to 10 shares with the portal's permit. `allowance` is how many the wallet may have minted in
    all, so a permit needs no nonce; `terms` is the content hash of the policy that was accepted;
    `deadline` in seconds; `signature` is r, s, v.
    """
    assert block.timestamp <= deadline, "permit lapsed"
    self._check_permit(
        keccak256(abi_encode(PERMIT_TYPE, msg.sender, allowance, terms, deadline)), signature
    )
    self._mint(quantity, allowance, terms)


@external
def refund(ids: DynArray[uint256, MAX_REFUND]):
    """Hand back shares of a cancelled master for their mint price; only their holder can."""
    state: uint256 = self.state
    offer: uint256 = self.offer
    assert self._phase(offer, state) == CANCELLED, "not cancelled"
    count: uint256 = len(ids)
    assert count > 0, "no shares named"
    account: uint256 = self.accounts[msg.sender]
    extcall Dividends(self._dividends(state)).onMove(msg.sender, account & BITS_32, empty(address), 0)
    for id: uint256 in ids:
        word: uint256 = self._word(id, state)
        assert word & ADDRESS == convert(msg.sender, uint256), "not the holder"
        self._rewrite(id, word, empty(address), state)
        log Transfer(sender=msg.sender, receiver=empty(address), tokenId=id)
    self.accounts[msg.sender] = account - count
    self.state = state + (count << 184)
    amount: uint256 = count * (offer & BITS_128)
    log Refunded(holder=msg.sender, count=count, amount=amount)
    self._push(self.currency, msg.sender, amount)


# ---------------------------------------------------------------- phases and money of the artist

@external
def setPaused(paused: bool):
    """Stop or resume minting of an open offer; the artist or the operator."""
    self._only_manager()
    state: uint256 = self._open_state()
    assert ((state >> 208) & FLAG_PAUSED == FLAG_PAUSED) != paused, "no change"
    self._set_flags(state ^ (FLAG_PAUSED << 208))


@external
def close():
    """End an open offer for good; the artist or the operator."""
    self._only_manager()
    self._set_flags(self._open_state() | (FLAG_CLOSED << 208))


@external
def cancel():
    """Call an open offer off and open its refunds; the artist or the operator."""
    self._only_manager()
    self._set_flags(self._open_state() | (FLAG_CANCELLED << 208))


@external
def withdrawProceeds():
    """Pay the closed offer's escrow: primary fee to the treasury, the rest to the artist."""
    self._only_manager()
    state: uint256 = self.state
    offer: uint256 = self.offer
    assert self._phase(offer, state) == CLOSED, "not closed"
    proceeds: uint256 = self._escrow(offer, state)
    assert proceeds > 0, "nothing to withdraw"
    self.state = state | (FLAG_PAID << 208)
    roles: uint256 = self.roles
    fee: uint256 = proceeds * ((roles >> 224) & BITS_16) // BPS
    log ProceedsWithdrawn(artist=proceeds - fee, fee=fee)
    currency: address = self.currency
    self._push(currency, convert(roles & ADDRESS, address), proceeds - fee)
    self._push(currency, staticcall Registry(factory).treasury(), fee)


@external
def setArtist(artist: address):
    """Hand the artist's role, with all royalties waiting for it, to another wallet; the artist only."""
    roles: uint256 = self.roles
    assert msg.sender == convert(roles & ADDRESS, address), "artist only"
    assert artist != empty(address), "no artist"
    self.roles = (roles & ~ADDRESS) | convert(artist, uint256)
    log ArtistChanged(artist=artist)


@external
def setBaseURI(baseURI: String[160]):
    """Where the metadata lives from now on (ERC-4906, ERC-7572); the operator only."""
    assert msg.sender == staticcall Registry(factory).operator(), "operator only"
    self.baseURI = baseURI
    log BatchMetadataUpdate(fromTokenId=1, toTokenId=self._minted(self.state))
    log ContractURIUpdated()


# ---------------------------------------------------------------- royalties

@external
def syncRoyalty(currency: address):
    """Split what arrived in `currency` among the roles, as the slots are now."""
    assert staticcall Registry(factory).isCurrency(currency), "currency not allowed"
    self._sync(currency, 0)


@external
def withdrawRoyalty(currency: address):
    """Pay the caller what waits for the roles it holds."""
    if staticcall Registry(factory).isCurrency(currency):
        self._sync(currency, 0)
    amount: uint256 = 0
    for role: uint256 in range(4):
        if self._role_wallet(role) == msg.sender:
            amount += self.pots[currency][role]
            self.pots[currency][role] = 0
    assert amount > 0, "nothing to withdraw"
    self.held[currency] -= amount
    log RoyaltyWithdrawn(who=msg.sender, currency=currency, amount=amount)
    self._push(currency, msg.sender, amount)


@external
@view
@reentrant
def royaltyInfo(tokenId: uint256, salePrice: uint256) -> (address, uint256):
    """ERC-2981: the sum of all parts due on a resale, to this contract."""
    parts: uint256[4] = self._parts(salePrice)
    return self, parts[0] + parts[1] + parts[2] + parts[3]


@external
@view
@reentrant
def resaleParts(price: uint256) -> uint256[4]:
    """floor(price * bps / 10 000) for artist, first, second and third minter; 0 for an empty slot."""
    return self._parts(price)


@external
@view
@reentrant
def pot(currency: address, role: uint256) -> uint256:
    """Credited and not yet withdrawn, for role 0 (artist) to 3 (third minter)."""
    return self.pots[currency][role]


# ---------------------------------------------------------------- ERC-721

@external
@reentrant
def approve(approved: address, tokenId: uint256):
    word: uint256 = self._word(tokenId, self.state)
    owner: address = convert(word & ADDRESS, address)
    assert msg.sender == owner or self.operators[owner][msg.sender], "not the owner"
    self.approvals[self._approval_key(tokenId, word)] = approved
    log Approval(owner=owner, approved=approved, tokenId=tokenId)


@external
@reentrant
def setApprovalForAll(operator: address, approved: bool):
    self.operators[msg.sender][operator] = approved
    log ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)


@external
@reentrant
def transferFrom(sender: address, receiver: address, tokenId: uint256):
    self._transfer(sender, receiver, tokenId)


@external
@reentrant
def safeTransferFrom(sender: address, receiver: address, tokenId: uint256, data: Bytes[1024] = b""):
    self._transfer(sender, receiver, tokenId)
    if receiver.is_contract:
        answer: bytes4 = extcall TokenReceiver(receiver).onERC721Received(msg.sender, sender, tokenId, data)
        assert answer == 0x150b7a02, "receiver refused"


@external
@view
@reentrant
def balanceOf(owner: address) -> uint256:
    assert owner != empty(address), "no owner"
    return self.accounts[owner] & BITS_32


@external
@view
@reentrant
def ownerOf(tokenId: uint256) -> address:
    return convert(self._word(tokenId, self.state) & ADDRESS, address)


@external
@view
@reentrant
def getApproved(tokenId: uint256) -> address:
    return self.approvals[self._approval_key(tokenId, self._word(tokenId, self.state))]


@external
@view
@reentrant
def isApprovedForAll(owner: address, operator: address) -> bool:
    return self.operators[owner][operator]


@external
@view
@reentrant
def moves(tokenId: uint256) -> uint256:
    """How often the token changed hands since its mint: an order that names it dies with any transfer."""
    return self._word(tokenId, self.state) >> 160


@external
@view
@reentrant
def tokenURI(tokenId: uint256) -> String[238]:
    assert self._word(tokenId, self.state) > 0
    return concat(self.baseURI, uint2str(tokenId))


@external
@view
@reentrant
def contractURI() -> String[168]:
    return concat(self.baseURI, "contract")


@external
@pure
@reentrant
def supportsInterface(interfaceId: bytes4) -> bool:
    """ERC-165, 721, 721 metadata, 2981 and 4906."""
    return interfaceId in [0x01ffc9a7, 0x80ac58cd, 0x5b5e139f, 0x2a55205a, 0x49064906]


# ---------------------------------------------------------------- views of the offer

@external
@view
@reentrant
def terms() -> MasterTerms:
    """The offer as it was made, with the artist's wallet of today."""
    offer: uint256 = self.offer
    roles: uint256 = self.roles
    return MasterTerms(
        artist=convert(roles & ADDRESS, address),
        currency=self.currency,
        price=offer & BITS_128,
        supply=(offer >> 208) & BITS_24,
        start=(offer >> 128) & BITS_40,
        end=(offer >> 168) & BITS_40,
        royaltyBps=(roles >> 160) & BITS_16,
        firstBps=(roles >> 176) & BITS_16,
        secondBps=(roles >> 192) & BITS_16,
        thirdBps=(roles >> 208) & BITS_16,
        primaryFeeBps=roles >> 224,
        permitRequired=offer >> 232 == 1,
    )


@external
@view
@reentrant
def phase() -> uint256:
    """0 scheduled, 1 live, 2 paused, 3 closed, 4 cancelled, by the chain's clock."""
    return self._phase(self.offer, self.state)


@external
@view
@reentrant
def flags() -> uint256:
    """1 paused, 2 closed, 4 cancelled, 8 proceeds paid out."""
    return self.state >> 208


@external
@view
@reentrant
def artist() -> address:
    return self._role_wallet(0)


@external
@view
@reentrant
def roleWallet(role: uint256) -> address:
    """Who holds role 0 (artist), 1, 2 or 3 (minter of that token); the empty address where nobody does."""
    return self._role_wallet(role)


@external
@view
@reentrant
def dividends() -> address:
    return self._dividends(self.state)


@external
@view
@reentrant
def minted() -> uint256:
    return self._minted(self.state)


@external
@view
@reentrant
def burned() -> uint256:
    return self._burned(self.state)


@external
@view
@reentrant
def totalSupply() -> uint256:
    """Shares that somebody holds: minted and not handed back."""
    state: uint256 = self.state
    return self._minted(state) - self._burned(state)


@external
@view
@reentrant
def mintedBy(wallet: address) -> uint256:
    """How many shares the wallet has minted in all, whatever became of them."""
    return self.accounts[wallet] >> 32


@external
@view
@reentrant
def escrow() -> uint256:
    """Mint money that is neither paid out nor refunded."""
    return self._escrow(self.offer, self.state)


@external
@view
@reentrant
def depositTerms() -> (address, uint256, bool):
    """(artist, shares outstanding, cancelled): what a deposit of dividends needs to know."""
    state: uint256 = self.state
    return (
        self._role_wallet(0),
        self._minted(state) - self._burned(state),
        (state >> 208) & FLAG_CANCELLED != 0,
    )


@external
@view
@reentrant
def orderTerms(tokenId: uint256, price: uint256) -> (address, uint256, bool, uint256[4]):
    """
    (owner, moves, closed, parts of a resale at this price): what a market needs to know of a token.
    Once closed, an offer never opens again and no minter slot is filled, so the parts stay as they are.
    """
    state: uint256 = self.state
    word: uint256 = self._word(tokenId, state)
    return (
        convert(word & ADDRESS, address),
        word >> 160,
        self._phase(self.offer, state) == CLOSED,
        self._parts(price),
    )


# ---------------------------------------------------------------- words

@internal
@pure
def _dividends(state: uint256) -> address:
    return convert(state & ADDRESS, address)


@internal
@pure
def _minted(state: uint256) -> uint256:
    return (state >> 160) & BITS_24


@internal
@pure
def _burned(state: uint256) -> uint256:
    return (state >> 184) & BITS_24


@internal
@pure
def _approval_key(id: uint256, word: uint256) -> uint256:
    return (word >> 160 << 32) | id


@internal
@view
def _role_wallet(role: uint256) -> address:
    return convert(self.roles & ADDRESS, address) if role == 0 else self.slots[role]


@internal
@view
def _word(id: uint256, state: uint256) -> uint256:
    """The owner word that speaks for a token; reverts where nobody owns it."""
    assert 1 <= id and id <= self._minted(state), "no such token"
    word: uint256 = self.owners[id]
    below: uint256 = id
    for i: uint256 in range(MAX_MINT - 1):
        if word != 0:
            break
        below -= 1
        word = self.owners[below]
    assert word & ADDRESS != 0, "no such token"
    return word


@internal
def _rewrite(id: uint256, word: uint256, owner: address, state: uint256):
    """Give a token to `owner`, count the move, and split it from the mint batch it came in."""
    moves: uint256 = word >> 160
    if moves == 0 and id < self._minted(state) and self.owners[id + 1] == 0:
        self.owners[id + 1] = word
    self.owners[id] = convert(owner, uint256) | ((moves + 1) << 160)


# ---------------------------------------------------------------- rules

@internal
@view
def _phase(offer: uint256, state: uint256) -> uint256:
    flags: uint256 = state >> 208
    if flags & FLAG_CANCELLED != 0:
        return CANCELLED
    end: uint256 = (offer >> 168) & BITS_40
    if (
        flags & FLAG_CLOSED != 0
        or (end != 0 and block.timestamp >= end)
        or self._minted(state) == (offer >> 208) & BITS_24
    ):
        return CLOSED
    if block.timestamp < (offer >> 128) & BITS_40:
        return SCHEDULED
    return PAUSED if flags & FLAG_PAUSED != 0 else LIVE


@internal
@view
def _open_state() -> uint256:
    state: uint256 = self.state
    assert self._phase(self.offer, state) < CLOSED, "offer is over"
    return state


@internal
def _set_flags(state: uint256):
    self.state = state
    log PhaseChanged(flags=state >> 208)


@internal
@view
def _only_manager():
    if msg.sender != self._role_wallet(0):
        assert msg.sender == staticcall Registry(factory).operator(), "artist or operator only"


@internal
@view
def _check_permit(order: bytes32, signature: Bytes[65]):
    assert len(signature) == 65, "bad permit"
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, keccak256("AudiFi"), keccak256("1"), chain.id, self)
    )
    signer: address = ecrecover(
        keccak256(concat(b"\x19\x01", domain, order)),
        convert(slice(signature, 64, 1), uint8),
        extract32(signature, 0, output_type=bytes32),
        extract32(signature, 32, output_type=bytes32),
    )
    assert signer != empty(address), "bad permit"
    assert signer == staticcall Registry(factory).permitSigner(), "bad permit"


@internal
@payable
def _mint(quantity: uint256, allowance: uint256, terms: bytes32):
    offer: uint256 = self.offer
    state: uint256 = self.state
    assert self._phase(offer, state) == LIVE, "not live"
    assert 1 <= quantity and quantity <= MAX_MINT, "1 to 10 at a time"
    minted: uint256 = self._minted(state)
    assert minted + quantity <= (offer >> 208) & BITS_24, "not enough left"
    if minted < 3:
        self._fill_slots(minted, quantity)
    price: uint256 = offer & BITS_128
    money.pull(self.currency, msg.sender, price * quantity)

    # Read after the payment: a token with hooks may have let the buyer move shares.
    account: uint256 = self.accounts[msg.sender]
    assert (account >> 32) + quantity <= allowance, "over the allowance"
    extcall Dividends(self._dividends(state)).onMove(empty(address), 0, msg.sender, account & BITS_32)
    self.owners[minted + 1] = convert(msg.sender, uint256)
    self.accounts[msg.sender] = account + quantity * (2**32 + 1)
    self.state = state + (quantity << 160)
    for i: uint256 in range(quantity, bound=MAX_MINT):
        log Transfer(sender=empty(address), receiver=msg.sender, tokenId=minted + 1 + i)
    log Minted(minter=msg.sender, firstId=minted + 1, count=quantity, price=price, terms=terms)


@internal
@payable
def _fill_slots(minted: uint256, quantity: uint256):
    """Give the minter slots among the tokens now minted, after splitting what came before them."""
    self._sync(empty(address), msg.value)
    for token: address in staticcall Registry(factory).currencies():
        self._sync(token, 0)
    for slot: uint256 in range(1, 4):
        if minted < slot and slot <= minted + quantity:
            self.slots[slot] = msg.sender


@internal
def _transfer(sender: address, receiver: address, id: uint256):
    assert receiver != empty(address), "no receiver"
    state: uint256 = self.state
    word: uint256 = self._word(id, state)
    assert word & ADDRESS == convert(sender, uint256), "not the owner"
    if msg.sender != sender and not self.operators[sender][msg.sender]:
        assert self.approvals[self._approval_key(id, word)] == msg.sender, "not approved"
    given: uint256 = self.accounts[sender]
    extcall Dividends(self._dividends(state)).onMove(
        sender, given & BITS_32, receiver, self.accounts[receiver] & BITS_32
    )
    self._rewrite(id, word, receiver, state)
    self.accounts[sender] = given - 1
    self.accounts[receiver] += 1
    log Transfer(sender=sender, receiver=receiver, tokenId=id)


@internal
@view
def _escrow(offer: uint256, state: uint256) -> uint256:
    if (state >> 208) & FLAG_PAID != 0:
        return 0
    return (offer & BITS_128) * (self._minted(state) - self._burned(state))


@internal
@view
def _rates() -> uint256[4]:
    """Basis points of artist, first, second and third minter; 0 where the slot is empty."""
    roles: uint256 = self.roles
    minted: uint256 = self._minted(self.state)
    rates: uint256[4] = [(roles >> 160) & BITS_16, 0, 0, 0]
    for slot: uint256 in range(1, 4):
        if slot <= minted:
            rates[slot] = (roles >> (160 + 16 * slot)) & BITS_16
    return rates


@internal
@view
def _parts(price: uint256) -> uint256[4]:
    parts: uint256[4] = self._rates()
    for role: uint256 in range(4):
        parts[role] = price * parts[role] // BPS
    return parts


@internal
def _sync(currency: address, incoming: uint256):
    """
    Credit what is held beyond escrow and pots to the roles: rounded down for the minters, the remainder
    to the artist. `incoming` is payment of the running call that is not in escrow yet.
    """
    kept: uint256 = self.held[currency] + incoming
    if currency == self.currency:
        kept += self._escrow(self.offer, self.state)
    balance: uint256 = self.balance
    if currency != empty(address):
        balance = staticcall IERC20(currency).balanceOf(self)
    if balance <= kept:
        return
    arrived: uint256 = balance - kept
    rates: uint256[4] = self._rates()
    whole: uint256 = rates[0] + rates[1] + rates[2] + rates[3]
    credits: uint256[4] = [arrived, 0, 0, 0]
    for role: uint256 in range(1, 4):
        if rates[role] > 0:
            credits[role] = arrived * rates[role] // whole
            credits[0] -= credits[role]
    for role: uint256 in range(4):
        if credits[role] > 0:
            self.pots[currency][role] += credits[role]
    self.held[currency] += arrived
    log RoyaltyCredited(
        currency=currency, artist=credits[0], first=credits[1], second=credits[2], third=credits[3]
    )


@internal
def _push(currency: address, payee: address, amount: uint256):
    if amount > 0:
        assert money.push(currency, payee, amount, msg.gas), "receiver refused"
