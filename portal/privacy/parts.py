"""Everything about one person, part by part: each an allow-list of columns, in SQL over `:user`.

No secret is among them, nobody else's name or address, and nothing that is internal to the platform.
"""

from __future__ import annotations

from portal.revenue.history import ENTRIES

MINE = "SELECT wallet_address FROM user_wallets WHERE user_id = :user AND verified"
OWN_MASTERS = "JOIN masters m ON m.id = x.master_id JOIN artists a ON a.id = m.artist_id AND a.user_id = :user"

PARTS: dict[str, str] = {
    "profile": (
        "SELECT id, email, display_name, avatar_url, bio, status, email_verified, two_factor_enabled, last_login_at,"
        " deleted_at, created_at FROM users WHERE id = :user"
    ),
    "ways_in": (
        "SELECT provider, provider_account_id, created_at FROM accounts WHERE user_id = :user ORDER BY created_at"
    ),
    "wallets": (
        "SELECT wallet_address, chain_id, label, is_primary, verified_at FROM user_wallets WHERE user_id = :user"
        " ORDER BY created_at"
    ),
    "preferences": "SELECT mail_on_sign_in FROM user_preferences WHERE user_id = :user",
    "roles": (
        "SELECT r.name, g.assigned_at, g.expires_at FROM user_roles g JOIN roles r ON r.id = g.role_id"
        " WHERE g.user_id = :user UNION ALL"
        " SELECT permission, assigned_at, expires_at FROM permission_grants WHERE user_id = :user ORDER BY 2"
    ),
    "devices": (
        "SELECT user_agent, host(ip_address) AS address, created_at, last_seen_at, expires_at, revoked_at"
        " FROM user_sessions WHERE user_id = :user ORDER BY created_at"
    ),
    "artist": (
        "SELECT artist_name, slug, bio, short_bio, genre, location, profile_image_url, banner_image_url, social_links,"
        " music_platforms, is_verified, created_at FROM artists WHERE user_id = :user"
    ),
    "pictures": (
        "SELECT place, cid, media_type, size, width, height, created_at FROM media_files WHERE owner_id = :user"
        " ORDER BY created_at"
    ),
    "producer": (
        "SELECT producer_name, slug, bio, specialty, social_links, is_verified, created_at FROM producers"
        " WHERE user_id = :user"
    ),
    "masters": (
        "SELECT m.id, m.title, m.description, m.master_type, m.status, m.genre, m.bpm, m.duration, m.release_date,"
        " m.isrc, m.mood_tags, m.created_at, m.published_at FROM masters m JOIN artists a ON a.id = m.artist_id"
        " WHERE a.user_id = :user ORDER BY m.created_at"
    ),
    "offers": (
        "SELECT m.title, x.status, x.total_supply, x.minted_supply, x.mint_price_wei, x.mint_price_currency,"  # noqa: S608
        " x.revenue_share_nft_holders_bps, x.secondary_royalty_bps, x.scheduled_start_at, x.scheduled_end_at"
        f" FROM master_ipos x {OWN_MASTERS} ORDER BY x.created_at"
    ),
    "revenue": (
        "SELECT m.title, x.source_type, x.source_name, x.external_reference, x.amount, x.currency, x.period_start,"  # noqa: S608
        f" x.period_end, x.status, x.notes, x.created_at FROM revenue_events x {OWN_MASTERS} ORDER BY x.created_at"
    ),
    "shares": (
        "SELECT m.title, x.token_id, x.current_owner_wallet, x.minted_at, x.listing_status FROM master_nfts x"  # noqa: S608
        f" JOIN masters m ON m.id = x.master_id WHERE x.current_owner_wallet IN ({MINE}) ORDER BY m.title, x.token_id"
    ),
    "transfers": (
        "SELECT m.title, x.transfer_type, x.from_wallet, x.to_wallet, x.tx_hash, x.block_timestamp"  # noqa: S608
        " FROM nft_transfers x JOIN masters m ON m.id = x.master_id"
        f" WHERE x.from_wallet IN ({MINE}) OR x.to_wallet IN ({MINE}) ORDER BY x.block_timestamp"
    ),
    "orders": (
        "SELECT m.title, x.kind, x.token_id, x.maker_wallet, x.taker_wallet, x.price, x.currency, x.deadline, x.status,"  # noqa: S608
        " x.placed_at, x.closed_at, x.placed_tx_hash FROM nft_orders x JOIN masters m ON m.id = x.master_id"
        f" WHERE x.maker_wallet IN ({MINE}) OR x.taker_wallet IN ({MINE}) ORDER BY x.placed_at"
    ),
    "dividends": (
        f"{ENTRIES} SELECT e.kind, m.title, e.shares, e.amount, e.currency, e.at, e.tx_hash FROM entries e"  # noqa: S608
        " JOIN masters m ON m.id = e.master_id ORDER BY e.at"
    ),
    "consents": (
        "SELECT p.version, c.wallet, c.place, c.created_at FROM policy_consents c"
        " JOIN policy_versions p ON p.id = c.policy_version_id WHERE c.user_id = :user ORDER BY c.created_at"
    ),
    "follows": (
        "SELECT a.artist_name, f.created_at FROM artist_follows f JOIN artists a ON a.id = f.artist_id"
        " WHERE f.follower_id = :user ORDER BY f.created_at"
    ),
    "subscriptions": (
        "SELECT p.name, s.status, s.current_period_start, s.current_period_end, s.canceled_at FROM subscriptions s"
        " JOIN subscription_plans p ON p.id = s.plan_id WHERE s.user_id = :user ORDER BY s.created_at"
    ),
    "invoices": (
        "SELECT invoice_number, amount_due, amount_paid, currency, status, period_start, period_end, due_date, paid_at"
        " FROM invoices WHERE user_id = :user ORDER BY created_at"
    ),
    "votes": (
        "SELECT s.title, d.label, v.option_selected, v.slider_value, v.text_response, v.ranking_order, v.weight,"
        " v.created_at, v.user_agent FROM vstudio_votes v JOIN vstudio_decision_points d ON d.id = v.decision_point_id"
        " JOIN vstudio_sessions s ON s.id = v.vstudio_session_id WHERE v.user_id = :user ORDER BY v.created_at"
    ),
    "rooms": (
        "SELECT s.title, p.joined_at, p.left_at, p.votes_count, p.messages_count, p.reactions_count"
        " FROM vstudio_participants p JOIN vstudio_sessions s ON s.id = p.vstudio_session_id"
        " WHERE p.user_id = :user ORDER BY p.joined_at"
    ),
    "messages": (
        "SELECT s.title, c.message, c.created_at FROM vstudio_chat_messages c"
        " JOIN vstudio_sessions s ON s.id = c.vstudio_session_id WHERE c.user_id = :user ORDER BY c.created_at"
    ),
    "records": (
        "SELECT created_at, action, action_category, user_id = :user AS by_you, target_type,"
        " CASE WHEN user_id = :user THEN host(ip_address) END AS address,"
        " CASE WHEN user_id = :user THEN user_agent END AS device"
        " FROM audit_logs WHERE user_id = :user OR target_id = :user ORDER BY created_at"
    ),
    "security_events": (
        "SELECT created_at, event_type, title, host(ip_address) AS address, user_agent FROM security_events"
        " WHERE user_id = :user ORDER BY created_at"
    ),
}
"""Name of the part -> its statement."""
