"""The two roles the portal runs as, and what each may do with what exists so far."""

from alembic import op

from migrations.grants import APP, BOTH, WORKER, append_only, full, revoke, worker_writes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BOTH_WRITE = [
    "users",
    "accounts",
    "identity_providers",
    "roles",
    "user_roles",
    "user_wallets",
    "user_sessions",
    "magic_link_tokens",
    "rate_limits",
    "outbox",
    "periodic",
    "idempotency_keys",
    "artists",
    "producers",
    "artist_follows",
    "masters",
    "master_collaborators",
    "master_ipos",
    "master_contracts",
    "dividend_contracts",
    "artist_tokens",
    "revenue_events",
    "ledger_accounts",
    "subscription_plans",
    "subscriptions",
    "invoices",
    "payment_providers",
    "payment_methods",
    "webhooks_log",
    "vstudio_sessions",
    "vstudio_decision_points",
    "vstudio_votes",
    "vstudio_participants",
    "vstudio_engagement_events",
    "vstudio_chat_messages",
]
WORKER_WRITES = [
    "chain_transactions",
    "chain_blocks",
    "chain_logs",
    "chain_cursors",
    "quarantined_logs",
    "master_nfts",
    "nft_transfers",
    "nft_ownership_snapshots",
    "token_holders",
    "token_transfers",
    "liquidity_pools",
    "pool_positions",
    "pool_events",
    "dividend_events",
    "wallet_dividend_balances",
    "dividend_claims",
]
APPEND_ONLY = {
    "audit_logs": (
        "user_id actor_type actor_identifier action_category action description target_type target_id"
        " target_identifier previous_state new_state changed_fields ip_address user_agent request_id success"
        " error_message metadata"
    ),
    "security_events": (
        "event_type severity user_id wallet_address title description ip_address user_agent request_path"
        " request_method event_data"
    ),
    "system_events": (
        "event_type source message job_id entity_type entity_id duration_ms records_processed success"
        " error_message error_stack metadata"
    ),
    "ledger_entries": "posting_id account_id amount currency revenue_event_id dividend_event_id",
}
SEAL = "number range_start range_end row_count merkle_root previous_hash seal_hash key_id signature"
INVESTIGATION = (
    "is_investigated, investigated_by, investigated_at, investigation_notes, is_resolved, resolution, resolved_at"
)

ROLES = f"""
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['{APP}', '{WORKER}'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'roles {APP} and {WORKER} are missing and % may not create them', current_user
        USING HINT = 'Have an administrator run: CREATE ROLE {APP}; CREATE ROLE {WORKER};';
END $$
"""
TEMPORARY = """
DO $$ BEGIN EXECUTE format('{} TEMPORARY ON DATABASE %I {} {}', current_database()); END $$
"""


def upgrade() -> None:
    op.execute(ROLES)
    op.execute(f"GRANT USAGE ON SCHEMA public TO {BOTH}")
    op.execute(TEMPORARY.format("GRANT", "TO", WORKER))
    op.execute(f"GRANT SELECT ON alembic_version TO {BOTH}")
    full(*BOTH_WRITE)
    worker_writes(*WORKER_WRITES)
    for table, columns in APPEND_ONLY.items():
        append_only(table, *columns.split())
    append_only("audit_seals", *SEAL.split(), to=WORKER)
    op.execute(f"GRANT UPDATE ({INVESTIGATION}) ON security_events TO {BOTH}")
    op.execute(f"GRANT DELETE ON security_events TO {WORKER}")


def downgrade() -> None:
    """The roles stay: they belong to the cluster, and other databases in it may use them."""
    revoke(*BOTH_WRITE, *WORKER_WRITES, *APPEND_ONLY, "audit_seals", "alembic_version")
    op.execute(TEMPORARY.format("REVOKE", "FROM", WORKER))
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {BOTH}")
