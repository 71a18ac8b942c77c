"""One corruption for each invariant, by a superuser's SQL: the last statement returns the ids that must be named.

Triggers and foreign keys are off. Where a constraint of a table itself makes a corruption impossible, it is dropped
first, and stands beside it: "table constraint", or "index name".
"""

from __future__ import annotations

from tests.check.corrupting import LOG, NO_HASH, NOBODY, STRANGER, WEBP, Corruption, by, changed, deleted, one
from tests.check.market_corruptions import MARKET

HELD = f"current_owner_wallet <> '{NOBODY}'"
SHARE_OF = "master_id IN (SELECT master_id FROM master_ipos WHERE status = '{}')"
LISTED = "listing_status = 'listed', listing_price_wei = 5, listing_currency = 'USDC'"
DISTRIBUTION = "event_type = 'distribution'"

SHARES = {
    "shares.owner_is_last_receiver": changed("master_nfts", f"current_owner_wallet = '{STRANGER}'"),
    "transfers.follow_each_other": changed("nft_transfers", f"from_wallet = '{STRANGER}'"),
    "transfers.have_their_kind": changed("nft_transfers", "sale_price_wei = NULL", "marketplace IS NOT NULL"),
    "shares.minter_is_first_receiver": changed("master_nfts", f"original_minter_wallet = '{STRANGER}'"),
    "transfers.have_their_log": changed("nft_transfers", "token_id = token_id + 1"),
    "logs.have_their_transfer": deleted("nft_transfers", returning=LOG),
    "shares.belong_to_their_contract": changed("master_nfts", "master_id = gen_random_uuid()"),
    "shares.owner_is_chain_owner": changed("master_nfts", f"current_owner_wallet = '{STRANGER}'"),
    "shares.run_from_one": changed("master_nfts", "token_id = token_id + 5000", returning="master_contract_id"),
    "offers.minted_supply_is_shares": changed("master_ipos", "minted_supply = minted_supply - 1", "minted_supply > 0"),
    "offers.minted_supply_is_chain_minted": changed(
        "master_ipos", "minted_supply = minted_supply - 1", "minted_supply > 0"
    ),
    "contracts.held_supply_is_chain_supply": changed(
        "master_nfts", f"current_owner_wallet = '{NOBODY}'", HELD, "master_contract_id"
    ),
    "contracts.escrow_is_chain_escrow": changed(
        "master_ipos",
        "mint_price_wei = mint_price_wei + 1",
        "minted_supply > 0 AND status = 'live'",
        "(SELECT c.id FROM master_contracts c WHERE c.master_id = master_ipos.master_id)",
    ),
    "shares.cost_the_offers_price": changed("master_nfts", "mint_price_wei = mint_price_wei + 1"),
    "shares.minter_slots_are_the_first_three": changed("master_nfts", "is_first_minter = NOT is_first_minter"),
    "contracts.minters_are_the_first_three": changed("master_contracts", f"second_minter_wallet = '{STRANGER}'"),
    "contracts.first_minter_is_chain_minter": changed("master_contracts", f"first_minter_wallet = '{STRANGER}'"),
    "shares.are_minted_before_the_close": changed(
        "master_nfts", "minted_at = now() + '1 day'", SHARE_OF.format("closed")
    ),
    "permits.stay_within_the_cap": by(
        "UPDATE master_ipos SET person_cap = 2000",
        f"UPDATE mint_permits p SET allowance = 2001, deadline = now() + '1 hour' WHERE {one('mint_permits')}"
        " RETURNING (SELECT min(id::text) FROM mint_permits m WHERE (m.ipo_id, m.user_id) = (p.ipo_id, p.user_id))",
    ),
    "listings.are_by_the_owner": changed("master_nfts", f"{LISTED}, listed_at = minted_at - interval '1 day'"),
    "listings.have_a_price": changed("master_nfts", "listing_price_wei = 5", "listing_status = 'not_listed'"),
    "listings.are_allowed": changed("master_nfts", f"{LISTED}, listed_at = now()", SHARE_OF.format("live")),
    "artists.total_sales_is_sales": changed("artists", "total_sales = total_sales + 1"),
}

OFFERS = {
    "offers.revenue_shares_sum_to_the_whole": changed(
        "master_ipos",
        "retained_artist_bps = retained_artist_bps - 1",
        "true",
        "id",
        "master_ipos ck_master_ipos_revenue_shares",
    ),
    "offers.resale_parts_stay_below_the_whole": changed(
        "master_ipos", "secondary_royalty_bps = 9900", "true", "id", "master_ipos ck_master_ipos_resale_parts"
    ),
    "offers.minted_supply_stays_within_total": changed(
        "master_ipos", "minted_supply = total_supply + 1", "true", "id", "master_ipos ck_master_ipos_minted_supply"
    ),
    "splits.stay_within_the_artists_part": by(
        "INSERT INTO master_collaborators AS k (id, master_id, collaborator_name, role, split_basis_points)"
        " SELECT gen_random_uuid(), master_id, 'Somebody', 'Mixer', 10000 FROM master_ipos LIMIT 1"
        " RETURNING (SELECT i.id FROM master_ipos i WHERE i.master_id = k.master_id)"
    ),
    "offers.open_ones_have_contracts": changed(
        "dividend_contracts",
        f"linked_master_contract = '{STRANGER}'",
        SHARE_OF.format("closed"),
        "(SELECT i.id FROM master_ipos i WHERE i.master_id = dividend_contracts.master_id)",
    ),
    "offers.have_the_times_of_their_status": changed("master_ipos", "actual_start_at = NULL", "status = 'live'"),
    "offers.fit_their_masters": changed(
        "masters",
        "status = 'draft'",
        "id IN (SELECT master_id FROM master_ipos WHERE status = 'closed')",
        "(SELECT i.id FROM master_ipos i WHERE i.master_id = masters.id)",
    ),
    "masters.have_confirmed_rights": changed(
        "masters", "rights_confirmed_at = NULL, rights_confirmed_by = NULL", "status = 'live'"
    ),
    "contracts.supply_is_the_offers": changed("master_contracts", "contract_total_supply = contract_total_supply + 1"),
    "contracts.were_made_by_the_factory": changed(
        "master_contracts", "deployed_at_block = deployed_at_block + 1, created_at = now() - interval '2 hours'"
    ),
    "contracts.are_read": changed(
        "master_contracts", "last_indexed_block = NULL, created_at = now() - interval '2 hours'"
    ),
    "contracts.dividends_are_linked": changed("dividend_contracts", f"linked_master_contract = '{STRANGER}'"),
    "offers.over_here_are_over_on_chain": changed(
        "master_ipos", "status = 'closed', actual_end_at = now()", "status = 'live'"
    ),
    "offers.open_here_are_open_on_chain": changed(
        "master_ipos", "status = 'live', actual_end_at = NULL", "status = 'closed'"
    ),
    "policies.are_what_their_hash_says": changed("policy_versions", "content = content || '!'"),
    "permits.name_published_terms": changed("mint_permits", f"terms_hash = '{NO_HASH}'"),
    "artists.total_masters_is_masters": changed("artists", "total_masters = total_masters + 1"),
    "artists.follower_count_is_follows": changed("artists", "follower_count = follower_count + 1"),
}

COIN = """
INSERT INTO artist_tokens (id, artist_id, chain_id, contract_address, name, symbol, total_supply, deployed_at_block,
    last_indexed_block, holders_count)
VALUES (gen_random_uuid(), gen_random_uuid(), '31337', {address}, 'Made up', 'MADE', {supply}, 1, 1, {holders})
RETURNING id
"""
HOLDER = f"""
INSERT INTO token_holders (id, artist_token_id, wallet_address, chain_id, balance)
VALUES (gen_random_uuid(), (SELECT id FROM artist_tokens WHERE symbol = 'MADE'), '{STRANGER}', '31337', 7) RETURNING id
"""
STABLECOIN = "(SELECT DISTINCT '0x' || right(topics[3], 40) FROM chain_logs WHERE name = 'RevenueDeposited')"
LIKE_A_LOG = f"'31337', '{STRANGER}', '{NO_HASH}', 1, 0"

COINS = {
    "coins.balances_are_transfers": by(COIN.format(address=f"'{STRANGER}'", supply=0, holders=0), HOLDER),
    "coins.balances_sum_to_the_supply": by(COIN.format(address=f"'{STRANGER}'", supply=7, holders=0)),
    "coins.holders_are_counted": by(COIN.format(address=f"'{STRANGER}'", supply=0, holders=7)),
    "coin_transfers.have_their_log": by(
        "INSERT INTO token_transfers (id, artist_token_id, chain_id, contract_address, tx_hash, block_number,"
        " log_index, from_wallet, to_wallet, amount, block_timestamp) VALUES (gen_random_uuid(), gen_random_uuid(),"
        f" {LIKE_A_LOG}, '{NOBODY}', '{STRANGER}', 7, now()) RETURNING id"
    ),
    "logs.have_their_coin_transfer": by(
        COIN.format(address=f"'{STRANGER}'", supply=0, holders=0),
        "INSERT INTO chain_logs (chain_id, address, tx_hash, block_number, log_index, block_hash, tx_index, topics,"
        f" data, name) SELECT {LIKE_A_LOG}, '{NO_HASH}', 0, topics[1:3], topics[4], name FROM chain_logs"
        f" WHERE name = 'Transfer' AND topics[4] IS NOT NULL LIMIT 1 RETURNING {LOG}",
    ),
    "coins.balance_is_chain_balance": by(COIN.format(address=STABLECOIN, supply=7, holders=1), HOLDER),
    "coins.supply_is_chain_supply": by(COIN.format(address=STABLECOIN, supply=7, holders=0)),
}

BUYERS_PAID = "wallets_paid > 0"
PLANS = {
    "coin_plans.pay_within_the_part": changed("coin_plans", "per_share = per_share * 1000000", BUYERS_PAID),
    "coin_plans.pay_every_first_buyer": changed("coin_plans", "wallets_to_pay = wallets_to_pay + 1", BUYERS_PAID),
    "coin_plans.pay_what_was_bought": changed("coin_plans", "per_share = per_share + 1", BUYERS_PAID),
}

PAID_OUT = "revenue_event_id IS NOT NULL AND event_type = 'distribution'"
NEWEST = "block_number DESC, log_index DESC"
DIVIDENDS = {
    "dividends.have_their_log": changed("dividend_events", "total_amount = total_amount + 1"),
    "logs.have_their_dividend": deleted("dividend_events", returning=LOG),
    "claims.are_dividend_claims": changed("dividend_claims", "amount_claimed = amount_claimed + 1"),
    "distributions.have_their_deposit": deleted(
        "dividend_events",
        "event_type = 'deposit'",
        f"(SELECT d.id FROM dividend_events d WHERE d.tx_hash = dividend_events.tx_hash AND d.{DISTRIBUTION})",
    ),
    "distributions.carry_less_than_the_supply": changed("dividend_events", "carry_after = 1000000", DISTRIBUTION),
    "distributions.divide_pool_and_carry": changed(
        "dividend_events", "per_token_amount = per_token_amount + 1", DISTRIBUTION
    ),
    "distributions.snapshot_the_held_shares": deleted(
        "nft_ownership_snapshots",
        "snapshot_reason = 'dividend'",
        "(SELECT d.id FROM dividend_events d WHERE d.master_id = nft_ownership_snapshots.master_id"
        f" AND d.block_number = snapshot_block_number AND d.{DISTRIBUTION})",
    ),
    "balances.earned_is_reckoned": changed(
        "wallet_dividend_balances", "total_earned = total_earned + 1, claimable_amount = claimable_amount + 1"
    ),
    "balances.claimed_is_claims": deleted(
        "dividend_claims",
        "true",
        "(SELECT b.id FROM wallet_dividend_balances b WHERE (b.dividend_contract_id, b.wallet_address, b.currency)"
        " = (dividend_claims.dividend_contract_id, dividend_claims.wallet_address, dividend_claims.currency))",
    ),
    "balances.claimed_stays_within_earned": changed(
        "wallet_dividend_balances",
        "total_claimed = total_earned + 1",
        "true",
        "id",
        "wallet_dividend_balances ck_wallet_dividend_balances_claimable",
    ),
    "balances.tokens_held_are_shares": changed("wallet_dividend_balances", "tokens_held = tokens_held + 1"),
    "dividends.deposited_is_earned_and_carry": changed(
        "dividend_events", "total_amount = total_amount + 1", "event_type = 'deposit'", "dividend_contract_id"
    ),
    "dividends.totals_are_of_one_currency": changed(
        "dividend_contracts", "total_revenue_deposited = total_revenue_deposited + 1"
    ),
    "balances.claimable_is_chain_claimable": changed(
        "wallet_dividend_balances", "total_earned = total_earned + 1, claimable_amount = claimable_amount + 1"
    ),
    "dividends.pool_is_chain_pool": changed(
        "dividend_events", "per_token_amount = per_token_amount + 1", DISTRIBUTION, "dividend_contract_id"
    ),
    "dividends.contract_can_pay": changed(
        "wallet_dividend_balances",
        "total_earned = 10::numeric ^ 30 + total_claimed, claimable_amount = 10::numeric ^ 30",
        "true",
        "dividend_contract_id",
    ),
}

DISTRIBUTED = "status = 'distributed' AND metadata ? 'plan'"
OF_KIND = "account_id IN (SELECT id FROM ledger_accounts WHERE kind = '{}')"
REVENUE = {
    "revenue.verified_is_booked": changed("revenue_events", "verified_by = NULL", DISTRIBUTED),
    "revenue.booked_is_the_amount": changed("revenue_events", "amount = amount + 0.00000001", DISTRIBUTED),
    "revenue.parts_sum_to_the_amount": changed(
        "revenue_events", "metadata = jsonb_set(metadata, '{plan,holders}', '\"1\"')", DISTRIBUTED
    ),
    "revenue.distributed_has_its_deposit": changed("revenue_events", "deposit_tx_hash = NULL", DISTRIBUTED),
    "revenue.deposits_are_noted": changed("revenue_events", "status = 'verified'", DISTRIBUTED),
    "revenue.is_paid_once": changed(
        "dividend_events",
        f"revenue_event_id = (SELECT o.revenue_event_id FROM dividend_events o WHERE {PAID_OUT}"
        " AND o.revenue_event_id <> dividend_events.revenue_event_id LIMIT 1)",
        PAID_OUT,
        "revenue_event_id",
    ),
    "ledger.postings_sum_to_zero": changed("ledger_entries", "amount = amount + 1", returning="posting_id"),
    "ledger.sums_to_zero": changed("ledger_entries", "amount = amount + 1", returning="currency"),
    "ledger.entries_have_their_accounts_currency": changed("ledger_entries", "currency = 'EUR'"),
    "ledger.underway_is_what_is_planned": changed(
        "ledger_entries", "amount = amount + 1", OF_KIND.format("transit"), "account_id"
    ),
    "ledger.revenue_is_what_waits": changed(
        "ledger_entries", "amount = amount + 1", OF_KIND.format("revenue"), "account_id"
    ),
    "ledger.carry_is_the_contracts": by(
        f"UPDATE dividend_events e SET carry_after = carry_after + 1 WHERE {one('dividend_events', PAID_OUT, NEWEST)}"
        " RETURNING coalesce((SELECT id::text FROM ledger_accounts WHERE key = 'carry:' || e.master_id || ':'"
        " || e.currency), e.master_id || ' ' || e.currency)"
    ),
}

UNSENT = "block_number = NULL, created_at = now() - interval '2 hours'"
HAS_ANOTHER = "nonce > 0 AND sender IN (SELECT sender FROM chain_transactions WHERE nonce = 0)"
CHAIN = {
    "transactions.come_to_an_end": changed("chain_transactions", f"status = 'sent', {UNSENT}"),
    "transactions.nonces_have_no_gap": changed(
        "chain_transactions", "status = 'sent', nonce = nonce + 500", HAS_ANOTHER
    ),
    "transactions.share_no_nonce": changed(
        "chain_transactions", "nonce = 0", HAS_ANOTHER, "id", "index uq_chain_transactions_nonce"
    ),
    "transactions.replaced_have_a_successor": changed("chain_transactions", "status = 'replaced'"),
    "transactions.mined_have_a_block": changed("chain_transactions", "block_number = NULL", "status = 'final'"),
    "transactions.are_what_receipts_say": changed("chain_transactions", "status = 'failed'", "status = 'final'"),
    "blocks.hang_together": by(
        f"UPDATE chain_blocks SET parent_hash = '{NO_HASH}' WHERE number = (SELECT max(number) FROM chain_blocks)"
        " RETURNING number"
    ),
    "cursors.stand_on_a_block": by(f"UPDATE chain_cursors SET head_hash = '{NO_HASH}' RETURNING chain_id"),
    "cursors.are_not_halted": by("UPDATE chain_cursors SET halted_reason = 'a deep reorg' RETURNING chain_id"),
    "logs.are_in_blocks_that_are_kept": by(
        "UPDATE chain_logs SET block_number = (SELECT head_number + 1 FROM chain_cursors)"
        f" WHERE (block_hash, log_index) = (SELECT block_hash, log_index FROM chain_logs LIMIT 1) RETURNING {LOG}"
    ),
}

ROOMS = {
    "rooms.total_votes_is_votes": changed("vstudio_sessions", "total_votes = total_votes + 1"),
    "rooms.participant_count_is_participants": changed("vstudio_sessions", "participant_count = participant_count + 1"),
    "participants.votes_count_is_votes": changed("vstudio_participants", "votes_count = votes_count + 1"),
    "votes.are_of_their_room": changed("vstudio_votes", "vstudio_session_id = gen_random_uuid()"),
    "votes.are_one_a_person": by(
        "UPDATE vstudio_votes v SET user_id = o.user_id FROM vstudio_votes o WHERE o.decision_point_id ="
        f" v.decision_point_id AND o.user_id <> v.user_id AND v.{one('vstudio_votes')} RETURNING v.id",
        dropped=("vstudio_votes uq_vstudio_votes_user_id_decision_point_id",),
    ),
    "votes.are_in_time": changed(
        "vstudio_votes",
        "created_at = now() + interval '1 year', updated_at = now() + interval '1 year'",
        "decision_point_id IN (SELECT id FROM vstudio_decision_points WHERE end_time IS NOT NULL)",
    ),
    "votes.name_an_option": changed("vstudio_votes", "option_selected = 'nowhere'", "option_selected IS NOT NULL"),
    "decisions.results_count_the_votes": changed(
        "vstudio_decision_points",
        "results_json = jsonb_set(results_json, '{totalVotes}', '999')",
        "results_json IS NOT NULL",
    ),
    "decisions.are_open_or_decided": changed(
        "vstudio_decision_points", "is_active = true", "results_computed_at IS NOT NULL"
    ),
    "rooms.are_about_their_artists_master": changed("vstudio_sessions", "artist_id = gen_random_uuid()"),
    "rooms.are_live_one_at_a_time": changed(
        "vstudio_sessions",
        "status = 'live', artist_id = (SELECT artist_id FROM vstudio_sessions WHERE status = 'live' LIMIT 1)",
        "status <> 'live'",
        "id",
        "index uq_vstudio_sessions_live_artist",
    ),
}

PEOPLE = {
    "wallets.have_one_primary": changed(
        "user_wallets",
        "user_id = (SELECT w.user_id FROM user_wallets w WHERE w.is_primary AND w.user_id <> user_wallets.user_id"
        " LIMIT 1)",
        "is_primary",
        "id",
        "index uq_user_wallets_primary",
    ),
    "wallets.have_one_person": changed(
        "user_wallets",
        "wallet_address = (SELECT w.wallet_address FROM user_wallets w WHERE w.id <> user_wallets.id AND w.verified"
        " AND w.chain_id = user_wallets.chain_id LIMIT 1)",
        "verified",
        "id",
        "user_wallets uq_user_wallets_wallet_address_chain_id",
    ),
    "people.deleted_cannot_come_in": changed(
        "users", "status = 'deleted', deleted_at = NULL", "true", "id", "users ck_users_deleted_at"
    ),
    "subscriptions.are_one_a_person": changed(
        "subscriptions",
        "user_id = (SELECT s.user_id FROM subscriptions s WHERE s.id <> subscriptions.id AND s.status = 'active'"
        " LIMIT 1)",
        "status = 'active'",
        "id",
        "index uq_subscriptions_live",
    ),
    "invoices.paid_are_paid": by(
        "INSERT INTO invoices (id, user_id, amount_due, amount_paid, status)"
        " SELECT gen_random_uuid(), id, 15, 14.99, 'paid' FROM users LIMIT 1 RETURNING id"
    ),
}

SEALS = {
    "seals.follow_each_other": changed(
        "audit_seals", "number = number + 5", "true", "id", "audit_seals ck_audit_seals_chained"
    ),
    "seals.count_their_leaves": by(
        "DELETE FROM audit_leaves l WHERE position = 0"
        " RETURNING (SELECT s.id FROM audit_seals s WHERE s.number = l.seal_number)"
    ),
    "seals.have_their_rows": deleted("audit_logs", "id IN (SELECT audit_id FROM audit_leaves)"),
    "records.are_sealed": by("DELETE FROM audit_leaves WHERE position = 1 RETURNING audit_id"),
}

PICTURES = {
    "files.are_what_their_cid_says": by(
        "INSERT INTO media_files (id, owner_id, place, cid, media_type, size, width, height, content) SELECT"
        f" gen_random_uuid(), id, 'avatar', 'bafkreinothing', 'image/webp', 12, 64, 64, {WEBP} FROM users LIMIT 1"
        " RETURNING id"
    ),
    "people.avatars_are_there": changed("users", "avatar_url = '/ipfs/bafkreinothing'"),
    "artists.portraits_are_there": changed("artists", "profile_image_url = '/ipfs/bafkreinothing'"),
    "artists.banners_are_there": changed("artists", "banner_image_url = '/ipfs/bafkreinothing'"),
    "masters.covers_are_there": changed("masters", "cover_image_url = '/ipfs/bafkreinothing'"),
    "rooms.covers_are_there": changed("vstudio_sessions", "cover_image_url = '/ipfs/bafkreinothing'"),
}

RECORDINGS = {
    "recordings.are_their_blocks": changed("media_recordings", "size = size + 1"),
    "recordings.are_what_their_cid_says": by(
        "UPDATE media_recording_blocks SET content = set_byte(content, 9, 255 - get_byte(content, 9))"
        " WHERE recording_id = (SELECT id FROM media_recordings LIMIT 1) RETURNING recording_id"
    ),
    "masters.recordings_are_there": changed("masters", "audio_ipfs_hash = NULL", "audio_ipfs_hash IS NOT NULL"),
}

PAST = "now() - interval '2 hours'"
JOBS = {
    "jobs.are_not_leased_for_ever": changed("outbox", f"done_at = NULL, runner = 'r', leased_until = {PAST}"),
    "jobs.are_carried_out": changed("outbox", f"done_at = NULL, not_before = NULL, created_at = {PAST}"),
    "jobs.do_not_fail_unheard": changed("outbox", f"done_at = NULL, failed_at = {PAST}"),
    "jobs.end_in_one_way": changed("outbox", "failed_at = now()", "done_at IS NOT NULL"),
    "clock.strikes": by(f"UPDATE periodic SET next_at = {PAST} WHERE name = 'seal_audit_log' RETURNING name"),
    "requests.are_answered_or_not": by(
        "INSERT INTO idempotency_keys (id, actor, key, request_hash, status)"
        " VALUES (gen_random_uuid(), 'somebody', 'key', 'hash', 200) RETURNING id"
    ),
}

CORRUPTIONS: dict[str, Corruption] = {
    **SHARES,
    **MARKET,
    **OFFERS,
    **COINS,
    **PLANS,
    **DIVIDENDS,
    **REVENUE,
    **CHAIN,
    **ROOMS,
    **PEOPLE,
    **SEALS,
    **PICTURES,
    **RECORDINGS,
    **JOBS,
}
