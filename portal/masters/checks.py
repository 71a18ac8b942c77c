# ruff: noqa: S608  (statements are put together from constants)
"""What holds for masters, their offers and contracts. Parts of a whole are in basis points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.chain.abi import encode_call
from portal.chain.checks import calls, returned
from portal.checks import LATE, AnyCheck, ChainCheck, Check, Request

PARTS = ("revenue_share_nft_holders_bps", "retained_artist_bps", "retained_platform_bps")
BONUSES = ("first_minter_bonus_bps", "second_minter_bonus_bps", "third_minter_bonus_bps")
RESALE = " + ".join(f"coalesce({column}, 0)" for column in ("secondary_royalty_bps", *BONUSES))

_phase = returned("MasterShares", "phase")


def _phase_then(row: Sequence[Any], _at: dict[str, str]) -> Request:
    """Asks at the block in the fourth column: what became final up to there has been followed up."""
    return "eth_call", [{"to": row[2], "data": encode_call("MasterShares", "phase")}, hex(int(row[3]))]


def _open_or_over(answer: Any) -> str:
    phase = _phase(answer)
    return {"0": "open", "1": "open", "2": "open", "3": "closed", "4": "cancelled"}.get(phase, phase)


CHECKS: list[AnyCheck] = [
    Check(
        "offers.revenue_shares_sum_to_the_whole",
        "master_ipos",
        "Holders', artist's and platform's parts of the revenue are 10 000 bps together.",
        f"SELECT id, {' + '.join(PARTS)}, 10000 FROM master_ipos WHERE {' + '.join(PARTS)} <> 10000",
    ),
    Check(
        "offers.resale_parts_stay_below_the_whole",
        "master_ipos",
        "Royalty and minters' bonuses are at most 10 000 bps together.",
        f"SELECT id, {RESALE}, 'at most 10000' FROM master_ipos WHERE {RESALE} > 10000",
    ),
    Check(
        "offers.minted_supply_stays_within_total",
        "master_ipos",
        "No more shares are minted than there are.",
        "SELECT id, minted_supply, 'at most ' || total_supply FROM master_ipos WHERE minted_supply > total_supply",
    ),
    Check(
        "splits.stay_within_the_artists_part",
        "master_ipos",
        "The collaborators' splits are at most the artist's part of the revenue.",
        """
        SELECT i.id, sum(c.split_basis_points), 'at most ' || i.retained_artist_bps
        FROM master_ipos i JOIN master_collaborators c USING (master_id)
        GROUP BY i.id HAVING sum(c.split_basis_points) > i.retained_artist_bps
        """,
    ),
    Check(
        "offers.open_ones_have_contracts",
        "master_ipos",
        "An offer that is or was open has its contract for shares and the one for dividends.",
        """
        SELECT i.id, i.status || ' with ' || count(DISTINCT c.id) || ' and ' || count(DISTINCT d.id), 'one of each'
        FROM master_ipos i LEFT JOIN master_contracts c USING (master_id) LEFT JOIN dividend_contracts d
          ON d.master_id = i.master_id AND d.chain_id = c.chain_id AND d.linked_master_contract = c.contract_address
        WHERE i.status IN ('live', 'closed') GROUP BY i.id
        HAVING count(DISTINCT c.id) = 0 OR count(DISTINCT c.id) <> count(DISTINCT d.id)
        """,
    ),
    Check(
        "offers.have_the_times_of_their_status",
        "master_ipos",
        "A live offer has started and not ended, a closed one has both behind it.",
        """
        SELECT id, status || ' from ' || coalesce(actual_start_at::text, 'never') || ' to '
               || coalesce(actual_end_at::text, 'never'), 'times that fit'
        FROM master_ipos
        WHERE (status IN ('live', 'closed') AND actual_start_at IS NULL)
           OR (status = 'closed' AND actual_end_at IS NULL)
           OR (status IN ('draft', 'scheduled', 'live') AND actual_end_at IS NOT NULL)
        """,
    ),
    Check(
        "offers.fit_their_masters",
        "master_ipos",
        "The master of an open or closed offer is live (or archived), that of a scheduled one approved.",
        """
        SELECT i.id, i.status || ' offer of a master that is ' || m.status, 'states that fit'
        FROM master_ipos i JOIN masters m ON m.id = i.master_id
        WHERE (i.status IN ('live', 'closed') AND m.status NOT IN ('live', 'archived'))
           OR (i.status = 'scheduled' AND m.status NOT IN ('approved', 'live'))
        """,
    ),
    Check(
        "masters.have_confirmed_rights",
        "masters",
        "Nothing is offered of a master whose rights nobody confirmed.",
        """
        SELECT id, status || ' without confirmed rights', 'confirmed' FROM masters
        WHERE status IN ('pending', 'approved', 'live') AND rights_confirmed_at IS NULL
        """,
    ),
    Check(
        "contracts.supply_is_the_offers",
        "master_contracts",
        "A contract was made with its offer's supply and royalty.",
        """
        SELECT c.id, concat_ws(', ', c.contract_total_supply, c.contract_royalty_bps),
               concat_ws(', ', i.total_supply, i.secondary_royalty_bps)
        FROM master_contracts c JOIN master_ipos i USING (master_id)
        WHERE (c.contract_total_supply, c.contract_royalty_bps)
          IS DISTINCT FROM (i.total_supply, i.secondary_royalty_bps)
        """,
    ),
    Check(
        "contracts.were_made_by_the_factory",
        "master_contracts",
        "The factory's log tells of every contract for shares, in the block that it was made in.",
        f"""
        SELECT c.id, c.contract_address || ' in block ' || c.deployed_at_block, 'a MasterCreated that names it'
        FROM master_contracts c JOIN chain_cursors k ON k.chain_id = c.chain_id AND k.head_number >= c.deployed_at_block
        WHERE c.created_at < now() - {LATE} AND NOT EXISTS (
            SELECT FROM chain_logs l WHERE l.chain_id = c.chain_id AND l.block_number = c.deployed_at_block
             AND l.name = 'MasterCreated' AND substr(l.data, 27, 40) = substr(c.contract_address, 3))
        """,
    ),
    Check(
        "contracts.are_read",
        "master_contracts",
        "The indexer reads every contract that is recorded.",
        f"""
        SELECT c.id, 'never read', 'from block ' || c.deployed_at_block FROM master_contracts c
        JOIN chain_cursors k ON k.chain_id = c.chain_id AND k.head_number >= c.deployed_at_block
        WHERE coalesce(c.last_indexed_block, -1) < c.deployed_at_block AND c.created_at < now() - {LATE}
        """,
    ),
    ChainCheck(
        "contracts.dividends_are_linked",
        "dividend_contracts",
        "A contract for dividends pays the holders of its master's shares, also on the chain.",
        """
        SELECT id, linked_master_contract, contract_address FROM dividend_contracts
        WHERE chain_id = :chain AND distribution_model = 'per_master'
          AND deployed_at_block <= (SELECT head_number FROM chain_cursors WHERE chain_id = :chain)
        """,
        calls("Dividends", "shares"),
        returned("Dividends", "shares"),
    ),
    ChainCheck(
        "offers.over_here_are_over_on_chain",
        "master_ipos",
        "Closed is final: a closed or cancelled offer is that on the chain too (phase 3 or 4).",
        """
        SELECT i.id, CASE i.status WHEN 'closed' THEN 3 ELSE 4 END, c.contract_address
        FROM master_ipos i JOIN master_contracts c USING (master_id)
        WHERE c.chain_id = :chain AND i.status IN ('closed', 'cancelled')
        """,
        calls("MasterShares", "phase"),
        returned("MasterShares", "phase"),
    ),
    ChainCheck(
        "offers.open_here_are_open_on_chain",
        "master_ipos",
        "An offer that is to open or open is that on the chain too, by what is final, or is being closed here.",
        f"""
        SELECT i.id, 'open', c.contract_address, k.finalized_number
        FROM master_ipos i JOIN master_contracts c USING (master_id) JOIN chain_cursors k USING (chain_id)
        WHERE c.chain_id = :chain AND i.status IN ('scheduled', 'live') AND c.deployed_at_block <= k.finalized_number
          AND NOT EXISTS (
            SELECT FROM outbox o WHERE o.job = 'close_ipo' AND o.payload ->> 'ipo_id' = i.id::text
             AND o.done_at IS NULL AND o.failed_at IS NULL
             AND coalesce(o.not_before, o.created_at) BETWEEN now() - {LATE} AND now() + {LATE})
        """,
        _phase_then,
        _open_or_over,
    ),
    Check(
        "policies.are_what_their_hash_says",
        "policy_versions",
        "The terms of an offer have the hash that buyers signed.",
        """
        SELECT id, content_hash, '0x' || encode(sha256(convert_to(content, 'UTF8')), 'hex') FROM policy_versions
        WHERE content_hash <> '0x' || encode(sha256(convert_to(content, 'UTF8')), 'hex')
        """,
    ),
    Check(
        "permits.name_published_terms",
        "mint_permits",
        "A permit binds terms that were published for its offer.",
        """
        SELECT p.id, p.terms_hash, 'the hash of a published version' FROM mint_permits p
        WHERE p.terms_hash IS NOT NULL AND NOT EXISTS (
            SELECT FROM policy_versions v WHERE v.ipo_id = p.ipo_id AND v.content_hash = p.terms_hash)
        """,
    ),
    Check(
        "artists.total_masters_is_masters",
        "artists",
        "An artist's number of masters is how many there are.",
        """
        SELECT a.id, a.total_masters, coalesce(m.masters, 0) FROM artists a
        LEFT JOIN (SELECT artist_id, count(*) AS masters FROM masters GROUP BY 1) m ON m.artist_id = a.id
        WHERE a.total_masters <> coalesce(m.masters, 0)
        """,
    ),
]
