"""A draft as its form shows it: what would have to be typed to get it."""

from __future__ import annotations

import datetime as dt

from portal.dashboard.studio import currency_of
from portal.masters.models import Master, MasterIpo
from portal.money import format_bps, format_units


def typed(master: Master) -> dict[str, str]:
    """The form's fields by name; empty where nothing is set."""
    told = {
        "title": master.title,
        "description": master.description or "",
        "genre": master.genre or "",
        "masterType": master.master_type.value,
        "isrc": master.isrc or "",
    }
    return told | (_offer(master.ipo) if master.ipo else {"currency": "USDC", "masterType": master.master_type.value})


def _offer(ipo: MasterIpo) -> dict[str, str]:
    decimals, code = currency_of(ipo)
    return {
        "totalSupply": str(ipo.total_supply),
        "mintPrice": format_units(ipo.mint_price_wei or 0, decimals).replace(",", ""),
        "currency": code,
        "holdersPercent": format_bps(ipo.revenue_share_nft_holders_bps),
        "royaltyPercent": format_bps(ipo.secondary_royalty_bps),
        "firstPercent": f"{(ipo.first_minter_bonus_bps or 0) / 100:g}",
        "secondPercent": f"{(ipo.second_minter_bonus_bps or 0) / 100:g}",
        "thirdPercent": f"{(ipo.third_minter_bonus_bps or 0) / 100:g}",
        "personCap": str(ipo.person_cap or ""),
        "scheduledStartAt": _local(ipo.scheduled_start_at),
        "scheduledEndAt": _local(ipo.scheduled_end_at),
        "allowSecondaryResale": "on" if ipo.allow_secondary_resale else "",
    }


def _local(at: dt.datetime | None) -> str:
    """As a field of type datetime-local has it, in UTC."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M}" if at else ""
