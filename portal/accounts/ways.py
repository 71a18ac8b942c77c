"""The ways into an account: e-mail addresses, wallets and identities, several of each. One always stays."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db
from portal.accounts import notices, service
from portal.accounts.enums import AuthProvider
from portal.accounts.models import Account, IdentityProvider, User, UserWallet
from portal.accounts.sign_in_models import IdentityProof
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.crypto import token_hash
from portal.db import transaction
from portal.errors import Conflict, Gone, NotFound

db.explain(
    "uq_accounts_provider_provider_account_id", lambda: Conflict("This is already a way into another account.")
)
WORDS = {AuthProvider.MAGIC_LINK: "E-mail", AuthProvider.WALLET: "Wallet"}


@dataclass(frozen=True)
class Way:
    """One way in. `kind` is Email, Wallet or the provider's name; `removable` says whether it may go."""

    id: uuid.UUID
    provider: AuthProvider
    kind: str
    name: str
    removable: bool


def wallet_way(address: str, chain_id: str) -> str:
    """The account id of a wallet: where a contract wallet lives is part of who it is."""
    return f"{address.lower()}:{chain_id}"


def of(session: Session, user_id: uuid.UUID) -> list[Way]:
    """A person's ways in, e-mail first; the address that mails go to stays."""
    user = session.get_one(User, user_id)
    providers = session.execute(sa.select(IdentityProvider.provider, IdentityProvider.name))
    names = {row.provider: row.name for row in providers}
    accounts = session.scalars(sa.select(Account).where(Account.user_id == user_id).order_by(Account.created_at)).all()
    ways = [_way(account, user, names, len(accounts)) for account in accounts]
    return sorted(ways, key=lambda way: way.provider is not AuthProvider.MAGIC_LINK)


def link(session: Session, user_id: uuid.UUID, provider: AuthProvider, account_id: str) -> None:
    """Add a way in that was proved, inside the caller's transaction. Raises Conflict when another person has it."""
    known = session.scalars(
        sa.select(Account).where(Account.provider == provider, Account.provider_account_id == account_id)
    ).one_or_none()
    if known is not None:
        if known.user_id != user_id:
            raise Conflict("This is already a way into another account.")
        return
    session.add(Account(user_id=user_id, provider=provider, provider_account_id=account_id))
    name = _name(provider, account_id)
    record(
        session,
        "add_way_in",
        AuditActionCategory.AUTHENTICATION,
        target=("user", user_id, name),
        after={"provider": provider.value},
    )
    notices.notify(session, user_id, "way_added", way=name)


def link_wallet(session: Session, user_id: uuid.UUID, address: str, chain_id: str) -> UserWallet:
    """A wallet whose signature was checked: it holds shares and opens the account."""
    wallet = service.link_wallet(session, user_id, address, chain_id, "")
    link(session, user_id, AuthProvider.WALLET, wallet_way(address, chain_id))
    return wallet


def link_proof(session: Session, user_id: uuid.UUID, proof_id: uuid.UUID, browser: str) -> None:
    """Make what this browser proved a way in of this person, inside the caller's transaction. Raises Gone."""
    proof = session.scalars(
        sa.update(IdentityProof)
        .where(
            IdentityProof.id == proof_id,
            IdentityProof.browser_hash == token_hash(browser),
            IdentityProof.used_at.is_(None),
            IdentityProof.expires_at > sa.func.now(),
        )
        .values(used_at=sa.func.now())
        .returning(IdentityProof)
    ).one_or_none()
    if proof is None:
        raise Gone("What you proved before has run out. Please start again.")
    if proof.provider is AuthProvider.WALLET:
        address, _, chain_id = proof.provider_account_id.partition(":")
        link_wallet(session, user_id, address, chain_id)
    else:
        link(session, user_id, proof.provider, proof.provider_account_id)


def unlink(user_id: uuid.UUID, way_id: uuid.UUID) -> None:
    """Remove a way in. Raises NotFound for somebody else's, Conflict for the last one or the address of mails.

    A wallet stays linked as the place of its shares; it only no longer opens the account.
    """
    with transaction() as session:
        session.get_one(User, user_id, with_for_update=True)
        way = next((w for w in of(session, user_id) if w.id == way_id), None)
        if way is None:
            raise NotFound
        if not way.removable:
            raise Conflict("This way in stays: without it nobody could reach you, or open this account.")
        session.execute(sa.delete(Account).where(Account.id == way_id))
        record(
            session,
            "remove_way_in",
            AuditActionCategory.AUTHENTICATION,
            target=("user", user_id, way.name),
            before={"provider": way.provider.value},
        )
        notices.notify(session, user_id, "way_removed", way=way.name)


def make_contact(user_id: uuid.UUID, way_id: uuid.UUID) -> None:
    """Mails go to this one of the person's confirmed addresses from now on. Raises NotFound."""
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update=True)
        way = next((w for w in of(session, user_id) if w.id == way_id), None)
        if way is None or way.provider is not AuthProvider.MAGIC_LINK:
            raise NotFound
        before, user.email = user.email, way.name
        record(
            session,
            "change_email",
            AuditActionCategory.AUTHENTICATION,
            target=("user", user_id, way.name),
            before={"email": before},
            after={"email": way.name},
        )


def _way(account: Account, user: User, names: dict[AuthProvider, str], count: int) -> Way:
    provider, account_id = account.provider, account.provider_account_id
    contact = provider is AuthProvider.MAGIC_LINK and account_id == user.email
    kind = WORDS.get(provider) or names.get(provider, provider.value.title())
    return Way(account.id, provider, kind, _name(provider, account_id), removable=count > 1 and not contact)


def _name(provider: AuthProvider, account_id: str) -> str:
    """What a person knows it by: the address, or the provider."""
    if provider is AuthProvider.WALLET:
        return account_id.partition(":")[0]
    return account_id if provider is AuthProvider.MAGIC_LINK else provider.value.title()
