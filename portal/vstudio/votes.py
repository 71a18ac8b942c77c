"""What a vote's transaction did, as the service hands it to the answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class CastVote:
    """What a vote's transaction did. `changed`: the person had voted and chose anew; no counter rose then."""

    vote_id: uuid.UUID
    decision_id: uuid.UUID
    session_id: uuid.UUID
    weight: Decimal
    verified_nft_holder: bool
    verified_coin_holder: bool
    total_votes: int
    receipt: str
    changed: bool
