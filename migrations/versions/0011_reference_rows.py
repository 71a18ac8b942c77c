"""The four roles with their permissions and the three plans with their limits (NULL: unlimited)."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STAFF = (
    "admin:users",
    "admin:masters",
    "audit:read",
    "finance:read",
    "finance:verify",
    "jobs:read",
    "security:read",
    "webhooks:read",
)
ROLES = (
    ("viewer", "Listens, follows, collects and votes", ()),
    ("artist", "Publishes masters and opens V Studio sessions", ()),
    ("producer", "Is credited on masters and shares in them", ()),
    ("admin", "Runs the platform", STAFF),
)

PRO_FEATURES = ("advancedAnalytics", "prioritySupport", "apiAccess", "earlyAccess")
ALL_FEATURES = (
    "advancedAnalytics",
    "prioritySupport",
    "customBranding",
    "apiAccess",
    "whiteLabel",
    "earlyAccess",
)
UNLIMITED = {"max_masters": None, "max_ipos": None, "sessions": None, "decisions": None}
PLANS = (
    {
        "slug": "free",
        "name": "Free",
        "description": "Everything needed to release a first master.",
        "price": 0,
        "price_yearly": None,
        "trial_days": 0,
        "max_masters": 1,
        "max_ipos": 1,
        "sessions": 1,
        "decisions": 1,
        "features": (),
        "feature_list": ["1 master", "1 IPO a month", "1 V Studio session with 1 decision"],
    },
    UNLIMITED
    | {
        "slug": "pro",
        "name": "Pro",
        "description": "For artists who release regularly.",
        "price": 15,
        "price_yearly": 150,
        "trial_days": 14,
        "features": PRO_FEATURES,
        "feature_list": ["Unlimited masters, IPOs and sessions", "Analytics", "API access", "14 days to try"],
    },
    UNLIMITED
    | {
        "slug": "enterprise",
        "name": "Enterprise",
        "description": "For labels and teams.",
        "price": 199,
        "price_yearly": None,
        "trial_days": 0,
        "features": ALL_FEATURES,
        "feature_list": ["Everything in Pro", "Own branding", "White label", "Priority support"],
    },
)

ADD_ROLE = sa.text(
    "INSERT INTO roles (id, name, description, permissions)"
    " VALUES (gen_random_uuid(), :name, :description, :permissions) ON CONFLICT (name) DO NOTHING"
)
ADD_PLAN = sa.text(
    "INSERT INTO subscription_plans (id, name, slug, description, price_usd, price_yearly_usd, interval,"
    " max_masters, max_ipos_per_month, vstudio_sessions_included, decisions_per_session, features, feature_list,"
    " display_order, trial_days) VALUES (gen_random_uuid(), :name, :slug, :description, :price, :price_yearly,"
    " 'monthly', :max_masters, :max_ipos, :sessions, :decisions, cast(:features AS jsonb),"
    " cast(:feature_list AS jsonb), :display_order, :trial_days) ON CONFLICT (slug) DO NOTHING"
)


def upgrade() -> None:
    for name, description, permissions in ROLES:
        role = {"name": name, "description": description, "permissions": json.dumps(permissions)}
        op.execute(ADD_ROLE.bindparams(**role))
    for order, plan in enumerate(PLANS):
        features = {name: name in plan["features"] for name in ALL_FEATURES}
        shown = {"features": json.dumps(features), "feature_list": json.dumps(plan["feature_list"])}
        op.execute(ADD_PLAN.bindparams(**plan | shown, display_order=order))


def downgrade() -> None:
    """What somebody already uses stays: upgrading again then finds it."""
    op.execute("DELETE FROM roles r WHERE NOT EXISTS (SELECT FROM user_roles u WHERE u.role_id = r.id)")
    op.execute(
        "DELETE FROM subscription_plans p WHERE slug IN ('free', 'pro', 'enterprise')"
        " AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.plan_id = p.id)"
    )
