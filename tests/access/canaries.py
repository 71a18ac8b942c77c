"""Promise 41: strings that belong in no answer, planted where secrets lie; every answer of a world is searched.

People's e-mail addresses are canaries too: everybody may read their own, and administrators those of all.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.accounts.enums import AuthProvider
from portal.accounts.models import Account, IdentityProvider, User
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import seal
from portal.db import utcnow
from portal.logs import JsonLines
from portal.subscriptions.enums import InvoiceStatus, PaymentProviderType
from portal.subscriptions.models import Invoice, PaymentMethod, PaymentProvider, Subscription, SubscriptionPlan

MARK = "canary77"
SEALED = "gcm1."
NAMES = ("retainedplatformbps", "retained_platform_bps", "twofactorsecret", "two_factor_secret", "stripe_")
"""Names of fields that are nobody's business, however they are spelled (compared in lower case)."""


def plant(app: Flask, session: Session, people: dict[str, uuid.UUID]) -> None:
    """Secrets of the owner's and of the house's, each with the mark in it."""
    _sealed(app, session, people["owner"])
    _stripe(session, people)
    session.commit()


def _sealed(app: Flask, session: Session, owner: uuid.UUID) -> None:
    keys = data_keys(app.config["SETTINGS"])

    def hidden(column: InstrumentedAttribute[Any], row_id: uuid.UUID) -> str:
        return seal(keys, column, row_id, f"{MARK}-{column.key}")

    way, house, payment = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    seed = seal(keys, User.two_factor_secret, owner, MARK.upper() * 4)
    session.get_one(User, owner).two_factor_secret = seed
    session.add_all(
        [
            Account(
                id=way,
                user_id=owner,
                provider=AuthProvider.MICROSOFT,
                provider_account_id="https://issuer.example|1",
                access_token=hidden(Account.access_token, way),
                refresh_token=hidden(Account.refresh_token, way),
            ),
            IdentityProvider(
                id=house,
                name="Apple",
                provider=AuthProvider.APPLE,
                client_id="portal",
                client_secret=hidden(IdentityProvider.client_secret, house),
                config_json='{"issuer": "https://issuer.example"}',
            ),
            PaymentProvider(
                id=payment,
                name="Stripe",
                provider_type=PaymentProviderType.STRIPE,
                is_enabled=True,
                webhook_secret=hidden(PaymentProvider.webhook_secret, payment),
                config_json=hidden(PaymentProvider.config_json, payment),
            ),
        ]
    )


def _stripe(session: Session, people: dict[str, uuid.UUID]) -> None:
    plan = session.scalars(sa.select(SubscriptionPlan).where(SubscriptionPlan.slug == "pro")).one()
    plan.stripe_price_id, plan.stripe_product_id = f"price_{MARK}", f"prod_{MARK}"
    month = {"current_period_start": utcnow(), "current_period_end": utcnow() + dt.timedelta(days=30)}
    for user_id in (people["fan"],):
        session.add(
            Subscription(
                user_id=user_id,
                plan_id=plan.id,
                status="active",
                stripe_subscription_id=f"sub_{MARK}",
                stripe_customer_id=f"cus_{MARK}",
                default_payment_method_id=f"pm_{MARK}",
                **month,
            )
        )
        session.add(PaymentMethod(user_id=user_id, stripe_payment_method_id=f"pm_{MARK}", payment_method_type="card"))
        session.add(
            Invoice(
                user_id=user_id,
                stripe_invoice_id=f"in_{MARK}",
                stripe_payment_intent_id=f"pi_{MARK}",
                amount_due=15,
                status=InvoiceStatus.OPEN,
            )
        )


def found(text: str, kind: str, tokens: dict[str, str], address: str = "@people.example") -> list[str]:
    """The canaries in what a kind of person was sent."""
    lower = text.lower()
    hits = [word for word in (MARK, SEALED, *NAMES) if word in lower]
    hits += [f"the token of {whose}" for whose, token in tokens.items() if token in text]
    if kind != "admin":
        hits += [whose + address for whose in tokens if whose != kind and whose + address in lower]
    return hits


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """All that the portal writes into its log meanwhile."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("test"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
