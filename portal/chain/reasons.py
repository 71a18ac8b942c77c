"""What the contracts' refusals mean, in words that a person can act on. The one table of them."""

from __future__ import annotations

WHY = {
    "not enough left": "Others were faster: fewer shares are left than you wanted.",
    "not live": "The sale was over or paused before your purchase arrived.",
    "over the allowance": "That is more than one person may buy of this.",
    "permit lapsed": "It took longer than 15 minutes, so the leave to buy ran out.",
    "listing changed": "The seller has changed the price. Look at the share again before you buy.",
    "listing is stale": "The share has changed hands since it was listed, so this listing is over.",
    "not listed": "The share is no longer for sale: it was sold, or taken back.",
    "not your listing": "This wallet has no listing of the share.",
    "order lapsed": "Its time is over: the deadline has passed.",
    "no such offer": "The offer is gone: it was accepted or taken back.",
    "not your offer": "Only its bidder can take this offer back before it lapses.",
    "your own offer": "This is your own offer; another wallet has to accept it.",
    "your own share": "This wallet owns the share already.",
    "collection not traded": "Shares of this master are not traded on this market.",
    "sale not over": "Shares are traded here once the first sale is over.",
    "currency not allowed": "This currency is not taken here.",
    "parts over price": "The price is too low for its parts.",
    "price too large": "That price is too high.",
    "no price": "Enter a price above zero.",
    "deadline out of range": "That deadline is too far away.",
    "wrong payment": "The payment does not match the price. Look at the share again before you buy.",
    "native coin not wanted": "This is not paid in ETH.",
    "no such token": "There is no such share.",
    "not the owner": "The share is no longer in this wallet.",
    "not approved": "The wallet has not let the market move the share yet. Sign that first.",
    "allowance": "The wallet has not let the market take the coins yet. Sign that first.",
    "balance": "The wallet holds too little for it.",
    "insufficient funds": "The wallet holds too little for it.",
    "payment refused": "The coins could not be taken from the wallet.",
    "parts refused": "The minters' parts could not be paid in, so nothing was sold.",
    "receiver refused": "The wallet did not take the money.",
    "nothing to withdraw": "Nothing waits there for this wallet.",
    "not cancelled": "Shares are handed back only after their sale was called off.",
    "not the holder": "The share is no longer in this wallet.",
}
"""The contract's sentence -> ours; the first one that is found counts, so the longer come before what they contain."""

UNPAID = ("allowance too low", "exceeds allowance", "insufficient allowance", "payment refused")
"""What a payment says that lacks nothing but leave to take the coins."""
UNAPPROVED = "not approved"


def helpful(reason: str) -> str:
    """The contract's words as something that a person can act on; other words stay as they are."""
    found = reason.lower()
    return next((text for words, text in WHY.items() if words in found), reason)
