"""What the database refuses of masters, offers and contracts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.raw import CHECKSUMMED, LATER, NOW, Raw

NAN = Decimal("NaN")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"total_supply": 0}, "ck_master_ipos_total_supply"),
        ({"total_supply": 1_000_001}, "ck_master_ipos_total_supply"),
        ({"minted_supply": 1001}, "ck_master_ipos_minted_supply"),
        ({"minted_supply": -1}, "ck_master_ipos_minted_supply"),
        ({"revenue_share_nft_holders_bps": 5001}, "ck_master_ipos_revenue_shares"),
        (
            {"revenue_share_nft_holders_bps": 9500, "retained_artist_bps": -500},
            "ck_master_ipos_retained_artist_bps_bps",
        ),
        ({"secondary_royalty_bps": 9401}, "ck_master_ipos_resale_parts"),
        ({"first_minter_bonus_bps": None, "secondary_royalty_bps": 9701}, "ck_master_ipos_resale_parts"),
        ({"scheduled_start_at": LATER, "scheduled_end_at": NOW}, "ck_master_ipos_scheduled_window"),
        ({"scheduled_start_at": NOW, "scheduled_end_at": NOW}, "ck_master_ipos_scheduled_window"),
        ({"person_cap": 0}, "ck_master_ipos_person_cap"),
        ({"mint_price_wei": -1}, "ck_master_ipos_mint_price_wei_not_negative"),
        ({"mint_price_wei": NAN}, "ck_master_ipos_mint_price_wei_not_negative"),
        ({"status": "open"}, "ck_master_ipos_ipo_status"),
    ],
)
def test_a_wrong_offer(raw: Raw, changes: dict[str, Any], constraint: str) -> None:
    raw.refuses("master_ipos", constraint, **changes)


def test_an_offer_at_its_limits(raw: Raw) -> None:
    raw.add("master_ipos", total_supply=1, mint_price_wei=2**256 - 1, secondary_royalty_bps=9400)
    raw.add("master_ipos", total_supply=1_000_000, minted_supply=1_000_000, mint_price_wei=0)


def test_one_offer_a_master(raw: Raw) -> None:
    master = raw.add("masters")
    raw.add("master_ipos", master_id=master)
    raw.refuses("master_ipos", "uq_master_ipos_master_id", master_id=master)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"isrc": "not-an-isrc"}, "ck_masters_isrc"),
        ({"mood_tags": Jsonb(list("abcdef"))}, "ck_masters_mood_tags"),
        ({"rights_confirmed_at": NOW}, "ck_masters_rights"),
        ({"duration": -1}, "ck_masters_measures"),
    ],
)
def test_a_wrong_master(raw: Raw, changes: dict[str, Any], constraint: str) -> None:
    raw.refuses("masters", constraint, **changes)


def test_a_collaborator_has_a_name_and_a_part_of_the_whole(raw: Raw) -> None:
    raw.refuses("master_collaborators", "ck_master_collaborators_named", collaborator_name=None)
    for part in (-1, 10_001):
        constraint = "ck_master_collaborators_split_basis_points_bps"
        raw.refuses("master_collaborators", constraint, split_basis_points=part)


@pytest.mark.parametrize(
    ("model", "of_master", "of_artist", "right"),
    [
        ("per_master", True, False, True),
        ("per_master", True, True, False),
        ("per_master", False, False, False),
        ("per_artist", False, True, True),
        ("per_artist", True, False, False),
        ("platform", False, False, True),
        ("platform", True, False, False),
    ],
)
def test_a_dividend_contract_belongs_to_what_its_model_says(
    raw: Raw, model: str, of_master: bool, of_artist: bool, right: bool
) -> None:
    row = {
        "distribution_model": model,
        "master_id": raw.add("masters") if of_master else None,
        "artist_id": raw.add("artists") if of_artist else None,
    }
    if right:
        raw.add("dividend_contracts", **row)
    else:
        raw.refuses("dividend_contracts", "ck_dividend_contracts_belongs_to", **row)


def test_contract_addresses_are_lower_case(raw: Raw) -> None:
    raw.refuses("master_contracts", "ck_master_contracts_contract_address_lower", contract_address=CHECKSUMMED)
