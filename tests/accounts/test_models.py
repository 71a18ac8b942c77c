"""What the database refuses of people and wallets."""

from __future__ import annotations

import pytest

from tests.raw import CHECKSUMMED, NOW, Raw


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"email": "Capital@example.org"}, "ck_users_email_lower"),
        ({"status": "asleep"}, "ck_users_account_status"),
        ({"status": "deleted"}, "ck_users_deleted_at"),
    ],
)
def test_a_wrong_person(raw: Raw, changes: dict[str, str], constraint: str) -> None:
    raw.refuses("users", constraint, **changes)


def test_an_email_belongs_to_one_person(raw: Raw) -> None:
    raw.add("users", email="one@example.org")
    raw.refuses("users", "uq_users_email", email="one@example.org")


def test_a_link_account_is_named_in_lower_case(raw: Raw) -> None:
    raw.add("accounts", provider="github", provider_account_id="SubjectId")
    raw.refuses("accounts", "ck_accounts_email_lower", provider_account_id="A@example.org")
    raw.refuses("accounts", "ck_accounts_wallet_lower", provider="wallet", provider_account_id=CHECKSUMMED)


def test_evm_wallets_are_lower_case_and_others_as_they_are(raw: Raw) -> None:
    raw.refuses("user_wallets", "ck_user_wallets_wallet_address_lower", wallet_address=CHECKSUMMED)
    raw.add("user_wallets", wallet_address="7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV", chain_id="solana")


def test_one_primary_wallet_a_person(raw: Raw) -> None:
    user = raw.add("users")
    raw.add("user_wallets", user_id=user, is_primary=True)
    raw.add("user_wallets", user_id=user)
    raw.refuses("user_wallets", "uq_user_wallets_primary", user_id=user, is_primary=True)


def test_verified_says_when(raw: Raw) -> None:
    raw.add("user_wallets", verified=True, verified_at=NOW)
    raw.refuses("user_wallets", "ck_user_wallets_verified_at", verified=True)
