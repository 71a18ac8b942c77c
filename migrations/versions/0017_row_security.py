"""Row security on what belongs to one artist or one payer (specification 4.4).

The specification's policy reads `current_setting('app.user_id')::uuid`: without a setting that is an error, and in
a pooled connection the setting is '' after its first use, which is no uuid either. `current_person()` answers NULL
for both. Each policy asks for the cheap and public first; what a person may as staff is looked up once a statement.
"""

from alembic import op

from migrations.grants import APP, BOTH, WORKER

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

FUNCTIONS = """
CREATE FUNCTION current_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NULLIF(current_setting('app.user_id', true), '')::uuid
$$;
CREATE FUNCTION person_may(wanted text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users WHERE id = current_person() AND status = 'active') AND (
        EXISTS (
            SELECT FROM permission_grants
            WHERE user_id = current_person() AND permission = wanted AND (expires_at IS NULL OR expires_at > now())
        ) OR EXISTS (
            SELECT FROM user_roles g JOIN roles r ON r.id = g.role_id
            WHERE g.user_id = current_person() AND r.permissions::jsonb ? wanted
              AND (g.expires_at IS NULL OR g.expires_at > now())
        ))
$$;
REVOKE ALL ON FUNCTION current_person(), person_may(text) FROM PUBLIC
"""

OWN_ARTISTS = "ARRAY(SELECT id FROM artists WHERE user_id = current_person())"
OWN_MASTER = f"artist_id = ANY({OWN_ARTISTS})"
STAFF = "(SELECT person_may('admin:users'))"
FINANCE = "(SELECT person_may('finance:read') OR person_may('finance:verify'))"
VERIFIES = "(SELECT person_may('finance:verify'))"
BILLING = "(SELECT person_may('finance:read'))"
ON_CHAIN = "EXISTS (SELECT FROM master_contracts c WHERE c.master_id = masters.id)"
IN_A_ROOM = "EXISTS (SELECT FROM vstudio_sessions s WHERE s.master_id = masters.id AND s.status <> 'draft')"
SHOWN = f"status IN ('approved', 'live') OR {ON_CHAIN} OR {IN_A_ROOM} OR {STAFF} OR {FINANCE}"
"""What stands on the chain or is voted on in a room is public already."""
OWN_BY_MASTER = f"EXISTS (SELECT FROM masters m WHERE m.id = master_id AND m.{OWN_MASTER})"
SHOWN_BY_MASTER = "EXISTS (SELECT FROM masters m WHERE m.id = master_id)"
"""The masters' own policy decides which of them the inner query sees."""
PAID = f"status IN ('deposited', 'distributed') AND {SHOWN_BY_MASTER}"

OWN = {
    "masters": OWN_MASTER,
    "master_ipos": OWN_BY_MASTER,
    "revenue_events": OWN_BY_MASTER,
    "invoices": "user_id = current_person()",
}
READS = {
    "masters": SHOWN,
    "master_ipos": SHOWN_BY_MASTER,
    "revenue_events": f"{PAID} OR {FINANCE}",
    "invoices": BILLING,
}
STAFF_CHANGES = {"masters": STAFF, "master_ipos": STAFF, "revenue_events": VERIFIES}


def upgrade() -> None:
    for statement in FUNCTIONS.split(";\n"):
        op.execute(statement)
    op.execute(f"GRANT EXECUTE ON FUNCTION current_person(), person_may(text) TO {BOTH}")
    for table, own in OWN.items():
        op.execute(f"CREATE POLICY {table}_artist_policy ON {table} TO {APP} USING ({own})")
        op.execute(f"CREATE POLICY {table}_read ON {table} FOR SELECT TO {APP} USING ({READS[table]})")
        op.execute(f"CREATE POLICY {table}_worker ON {table} TO {WORKER} USING (true)")
        op.execute(f"CREATE POLICY {table}_owner ON {table} TO CURRENT_USER USING (true)")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    for table, staff in STAFF_CHANGES.items():
        op.execute(f"CREATE POLICY {table}_staff ON {table} FOR UPDATE TO {APP} USING ({staff})")
    op.execute(f"CREATE POLICY revenue_events_record ON revenue_events FOR INSERT TO {APP} WITH CHECK ({VERIFIES})")


def downgrade() -> None:
    op.execute("DROP POLICY revenue_events_record ON revenue_events")
    for table in STAFF_CHANGES:
        op.execute(f"DROP POLICY {table}_staff ON {table}")
    for table in OWN:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")
        for policy in ("artist_policy", "read", "worker", "owner"):
            op.execute(f"DROP POLICY {table}_{policy} ON {table}")
    op.execute("DROP FUNCTION person_may(text), current_person()")
