"""What the database refuses of shares and snapshots."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.raw import CHECKSUMMED, NOW, Raw


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"listing_status": "listed"}, "ck_master_nfts_listing"),
        ({"listing_status": "gone"}, "ck_master_nfts_nft_listing_status"),
        ({"token_id": Decimal("NaN")}, "ck_master_nfts_token_id_not_negative"),
        ({"current_owner_wallet": CHECKSUMMED}, "ck_master_nfts_current_owner_wallet_lower"),
    ],
)
def test_a_wrong_share(raw: Raw, changes: dict[str, Any], constraint: str) -> None:
    raw.refuses("master_nfts", constraint, **changes)


def test_a_snapshot_is_taken_once_also_without_a_reason(raw: Raw) -> None:
    master = raw.add("masters")
    for reason in ("dividend", None):
        row = {"master_id": master, "snapshot_timestamp": NOW, "snapshot_reason": reason}
        raw.add("nft_ownership_snapshots", **row)
        raw.refuses("nft_ownership_snapshots", "uq_nft_ownership_snapshots_token", **row)
