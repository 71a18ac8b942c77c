"""Wallets: proved by a signature, a way in, and the place that money goes to.

Another primary wallet takes effect after a cool-off, so that whoever got into an account for an hour moves nothing.
"""

from __future__ import annotations

import datetime as dt
import secrets
import uuid

import sqlalchemy as sa
from eth_utils.address import is_address, is_checksum_address, is_checksum_formatted_address
from sqlalchemy.orm import Session

from portal import db as database
from portal import outbox
from portal.accounts import limits, notices, queries, siwe, ways
from portal.accounts.entry import Admission, admit, failures_noted
from portal.accounts.enums import AuthProvider
from portal.accounts.models import Account, UserWallet
from portal.accounts.proofs import keep
from portal.accounts.sign_in_models import SiweNonce, WalletChange
from portal.accounts.signatures import proves
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.chain.client import connect
from portal.config import Settings
from portal.crypto import token_hash
from portal.db import must_hit, transaction, utcnow
from portal.errors import Conflict, FieldError, Invalid, NotFound

NONCE_BYTES = 16

database.explain(
    "uq_wallet_changes_waiting", lambda: Conflict("A change of the primary wallet is waiting already. Stop it first.")
)


# --- a signature ------------------------------------------------------------------------------------------


def prepare(address: str, browser: str, origin: str, settings: Settings) -> str:
    """The message that this wallet is to sign in this browser, once, within minutes. Raises Invalid, TooMany."""
    limits.spend(limits.sign_in_limits("wallet", settings))
    if not is_address(address) or not address.startswith("0x"):
        raise Invalid(FieldError("address", "Enter an address such as 0x52908400098527886E0F7030069857D2E4169EE7."))
    if is_checksum_formatted_address(address) and not is_checksum_address(address):
        raise Invalid(FieldError("address", "This address has a typing mistake: its capital letters do not fit."))
    nonce, now = secrets.token_hex(NONCE_BYTES), utcnow()
    with transaction() as session:
        session.add(
            SiweNonce(
                nonce=nonce,
                browser_hash=token_hash(browser),
                wallet_address=address.lower(),
                expires_at=now + siwe.LIFETIME,
            )
        )
    return siwe.write(siwe.Asked(origin, address.lower(), settings.chain_id, nonce), now)


def proved(text: str, signature: str, browser: str, origin: str, settings: Settings) -> str:
    """The wallet (lower-case) that signed the prepared message. Its nonce is used up, right or wrong.

    Raises Invalid with what is wrong, and Unavailable when a contract wallet cannot be asked.
    """
    text = text.replace("\r\n", "\n")  # as forms send line ends
    with failures_noted("A wallet's signature was refused"):
        try:
            message = siwe.parse(text)
            asked = siwe.Asked(origin, _use_up(message.nonce, browser), settings.chain_id, message.nonce)
            siwe.check(message, asked, utcnow())
        except siwe.NotSiwe as error:
            raise Invalid(FieldError("signature", f"{error} Please start again.")) from error
        if not proves(lambda: connect(settings), asked.address, text, signature.strip()):
            raise Invalid(FieldError("signature", "This signature is not from that wallet. Please start again."))
        return asked.address


def _use_up(nonce: str, browser: str) -> str:
    with transaction() as session:
        address = session.execute(
            sa.update(SiweNonce)
            .where(
                SiweNonce.nonce == nonce,
                SiweNonce.browser_hash == token_hash(browser),
                SiweNonce.used_at.is_(None),
                SiweNonce.expires_at > sa.func.now(),
            )
            .values(used_at=sa.func.now())
            .returning(SiweNonce.wallet_address)
        ).scalar_one_or_none()
    if address is None:
        raise siwe.NotSiwe("It was not asked for, or was used before.")
    return str(address)


def sign_in(address: str, browser: str, settings: Settings) -> Admission | uuid.UUID:
    """Let in whoever has this proved wallet; for a new one the id of a proof, to be completed by an e-mail address."""
    way = ways.wallet_way(address, str(settings.chain_id))
    with transaction() as session:
        user = queries.user_by_way(session, AuthProvider.WALLET, way)
        if user is not None:
            return admit(session, user, "wallet", settings)
        return keep(session, AuthProvider.WALLET, way, browser)


# --- linking ----------------------------------------------------------------------------------------------


def link(user_id: uuid.UUID, address: str, settings: Settings) -> None:
    """Link a proved wallet to the person who is signed in. Raises Conflict when another person has it."""
    with transaction() as session:
        ways.link_wallet(session, user_id, address, str(settings.chain_id))


def unlink(user_id: uuid.UUID, wallet_id: uuid.UUID) -> None:
    """Let go of a wallet; it no longer signs in, and its shares leave the person's portfolio.

    Raises NotFound for somebody else's and Conflict for the primary one: without that rule, unlinking the only
    wallet and linking another would move money without the cool-off.
    """
    with transaction() as session:
        wallet = _mine(session, user_id, wallet_id)
        if wallet.is_primary:
            raise Conflict("Money goes to this wallet. Make another one the primary wallet first.")
        way = ways.wallet_way(wallet.wallet_address, wallet.chain_id)
        session.execute(
            sa.delete(Account).where(Account.provider == AuthProvider.WALLET, Account.provider_account_id == way)
        )
        session.delete(wallet)
        _record(session, "unlink_wallet", wallet, before={"primary": wallet.is_primary})
        notices.notify(session, user_id, "way_removed", way=wallet.wallet_address)


def rename(user_id: uuid.UUID, wallet_id: uuid.UUID, label: str) -> None:
    """Give a wallet a name that only its owner sees. Raises NotFound."""
    with transaction() as session:
        wallet = _mine(session, user_id, wallet_id)
        before, wallet.label = wallet.label, label or None
        _record(session, "rename_wallet", wallet, before={"label": before}, after={"label": wallet.label})


# --- where money goes -------------------------------------------------------------------------------------


def ask_primary(user_id: uuid.UUID, wallet_id: uuid.UUID, settings: Settings) -> dt.datetime:
    """Money goes to this wallet after the cool-off; returns when. Raises NotFound or Conflict."""
    with transaction() as session:
        wallet = _mine(session, user_id, wallet_id)
        if wallet.is_primary:
            raise Conflict("This is the primary wallet already.")
        when = utcnow() + dt.timedelta(seconds=settings.payout_cool_off_seconds)
        change = WalletChange(id=uuid.uuid4(), user_id=user_id, wallet_id=wallet_id, effective_at=when)
        session.add(change)
        session.flush()
        payload = {"change_id": str(change.id)}
        outbox.add(session, "change_primary_wallet", payload, dedupe=f"wallet-change:{change.id}", not_before=when)
        _record(session, "ask_primary_wallet", wallet, after={"effectiveAt": when.isoformat()})
        words = when.strftime("%-d %B %Y at %H:%M UTC")
        notices.notify(session, user_id, "wallet_asked", wallet=wallet.wallet_address, when=words)
        return when


def stop_change(user_id: uuid.UUID) -> None:
    """The waiting change does not happen. Raises NotFound when none is waiting."""
    with transaction() as session:
        result = session.execute(
            sa.update(WalletChange).where(*_waiting(user_id)).values(cancelled_at=sa.func.now())
        )
        must_hit(result, NotFound("No change of wallet is waiting."))
        primary = next((w for w in queries.wallets_of(session, user_id) if w.is_primary), None)
        name = primary.wallet_address if primary else "none"
        record(
            session,
            "stop_primary_wallet",
            AuditActionCategory.AUTHENTICATION,
            target=("user", user_id, name),
        )
        notices.notify(session, user_id, "wallet_stopped", wallet=name)


def waiting_change(session: Session, user_id: uuid.UUID) -> WalletChange | None:
    return session.scalars(sa.select(WalletChange).where(*_waiting(user_id))).one_or_none()


def apply_change(change_id: uuid.UUID) -> None:
    """The cool-off is over: the wallet is the primary one. Does nothing for a change that was stopped or made."""
    with transaction() as session:
        change = session.scalars(
            sa.update(WalletChange)
            .where(
                WalletChange.id == change_id,
                WalletChange.cancelled_at.is_(None),
                WalletChange.applied_at.is_(None),
                WalletChange.effective_at <= sa.func.clock_timestamp(),
            )
            .values(applied_at=sa.func.now())
            .returning(WalletChange)
        ).one_or_none()
        if change is not None:
            wallet = session.get_one(UserWallet, change.wallet_id)
            others = UserWallet.user_id == change.user_id, UserWallet.is_primary
            session.execute(sa.update(UserWallet).where(*others).values(is_primary=False))
            session.execute(sa.update(UserWallet).where(UserWallet.id == wallet.id).values(is_primary=True))
            _record(session, "change_primary_wallet", wallet, after={"primary": True})
            notices.notify(session, change.user_id, "wallet_changed", wallet=wallet.wallet_address)
        outbox.finish(session)


def _waiting(user_id: uuid.UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return WalletChange.user_id == user_id, WalletChange.cancelled_at.is_(None), WalletChange.applied_at.is_(None)


def _mine(session: Session, user_id: uuid.UUID, wallet_id: uuid.UUID) -> UserWallet:
    wallet = session.get(UserWallet, wallet_id, with_for_update=True)
    if wallet is None or wallet.user_id != user_id:
        raise NotFound
    return wallet


def _record(
    session: Session,
    action: str,
    wallet: UserWallet,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        session,
        action,
        AuditActionCategory.AUTHENTICATION,
        target=("user", wallet.user_id, wallet.wallet_address),
        before=before,
        after=after,
    )
