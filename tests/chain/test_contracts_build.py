"""The committed artifacts are what the sources compile to, and the events are the frozen ones."""

from __future__ import annotations

import pytest

from portal.chain.abi import ABI_VERSION, EVENTS, event_of
from portal.chain.artifacts import CONTRACTS, contract_abi
from portal.chain.compile import artifact_of, artifact_path, artifact_text, compile_source
from tests.chain.storage import SLOTS

FROZEN = """
Accepted(id*)
Approval(owner*,approved*,tokenId*)
Approval(owner*,spender*,amount)
ApprovalForAll(owner*,operator*,approved)
ArtistChanged(artist)
BatchMetadataUpdate(fromTokenId,toTokenId)
Cancelled(collection*,tokenId*,seller*)
ClaimSkipped(holder*,token*,amount)
ContractURIUpdated()
Credited(ref*,who*,token*,amount)
DividendClaimed(holder*,token*,amount)
DividendsDistributed(ref*,token*,totalAmount,holdersPool,perShare,unminted,carry)
FeeChanged(feeBps)
Held(who*,currency*,amount)
Listed(collection*,tokenId*,seller*,currency,price,feeBps,moves,deadline)
MasterCreated(key*,shares,dividends)
Minted(minter*,firstId*,count,price,terms)
OfferCancelled(id*)
Offered(id*,collection*,tokenId*,bidder,currency,price,feeBps,deadline)
PhaseChanged(flags)
ProceedsWithdrawn(artist,fee)
Refunded(holder*,count,amount)
RevenueDeposited(ref*,token*,amount,timestamp)
RoyaltyCredited(currency*,artist,first,second,third)
RoyaltyReceived(sender*,amount)
RoyaltyWithdrawn(who*,currency*,amount)
Sold(collection*,tokenId*,buyer*,seller,currency,price,parts,fee,sellerGets)
Transfer(sender*,receiver*,amount)
Transfer(sender*,receiver*,tokenId*)
Withdrawn(who*,currency*,amount)
"""


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifacts_and_storage_are_what_the_sources_compile_to(name: str) -> None:
    compiled = compile_source(name)
    assert artifact_path(name).read_text() == artifact_text(artifact_of(compiled))
    slots = {variable: where["slot"] for variable, where in compiled["layout"]["storage_layout"].items()}
    assert slots | SLOTS[name] == slots


def test_the_events_of_this_version_are_frozen() -> None:
    found = set()
    for name in CONTRACTS:
        for item in contract_abi(name):
            if item["type"] == "event":
                fields = event_of(item).fields
                found.add(f"{item['name']}({','.join(f.name + '*' * f.indexed for f in fields)})")
    assert (ABI_VERSION, sorted(found)) == ("1.0", FROZEN.split())
    assert {event.name for event in EVENTS.values()} == {line.split("(")[0] for line in FROZEN.split()}
