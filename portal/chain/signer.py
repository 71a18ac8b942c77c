"""Keys that sign for the platform, shaped as a key service would be: an address and two ways of signing.

The default keeps them encrypted in the data folder (`keystore/<role>.json`, the Ethereum keystore format, for their
owner alone). A key is decrypted once a process and never written anywhere else; `repr` and logs show the address.
With `AUDIFI_SIGNER_URL` they lie in a key service instead: `remote` has the same members.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from eth_utils.crypto import keccak

from portal.config import Settings
from portal.errors import Unavailable

DEV_MNEMONIC = "test test test test test test test test test test test junk"
FUNDER_INDEX = 0
DEMO_INDEXES = range(1, 10)
DEMO_FANS = 16
SCRYPT_ROUNDS = 2**14
"""Enough for a generated password of 256 bits; a keystore that somebody brings keeps its own figure."""


class Role(StrEnum):
    """`operator` makes and closes masters, `treasury` deposits revenue, `permit` signs mint permits."""

    OPERATOR = "operator"
    TREASURY = "treasury"
    PERMIT = "permit"


class Signer(Protocol):
    """Whoever can sign for one address (0x, lower-case); `role` is None for keys that are not the platform's."""

    @property
    def role(self) -> Role | None: ...

    @property
    def address(self) -> str: ...

    def sign_transaction(self, transaction: Mapping[str, Any]) -> tuple[str, str]:
        """An EIP-1559 transaction's fields -> (0x raw bytes, 0x hash)."""

    def sign_typed_data(self, message: Mapping[str, Any]) -> str:
        """EIP-712 typed data -> 0x signature (r, s, v)."""

    def sign_text(self, text: str) -> str:
        """EIP-191 personal message -> 0x signature (r, s, v)."""


class LocalSigner:
    """A key in this process's memory."""

    def __init__(self, key: bytes, role: Role | None = None) -> None:
        from eth_account import Account

        self.__role = role
        self.__account = Account.from_key(key)

    def __repr__(self) -> str:
        return f"LocalSigner({self.address})"

    @property
    def role(self) -> Role | None:
        return self.__role

    @property
    def address(self) -> str:
        return str(self.__account.address).lower()

    def sign_transaction(self, transaction: Mapping[str, Any]) -> tuple[str, str]:
        signed = self.__account.sign_transaction(dict(transaction))
        return "0x" + signed.raw_transaction.hex(), "0x" + signed.hash.hex()

    def sign_typed_data(self, message: Mapping[str, Any]) -> str:
        return "0x" + str(self.__account.sign_typed_data(full_message=dict(message)).signature.hex())

    def sign_text(self, text: str) -> str:
        from eth_account.messages import encode_defunct

        return "0x" + str(self.__account.sign_message(encode_defunct(text=text)).signature.hex())


def of_role(settings: Settings, role: Role) -> Signer:
    """The platform's signer for a role; made on first use, unless the settings name a key service or a keystore.

    Raises Unavailable where that lacks the role, the password does not open it, or the service does not answer.
    """
    if settings.signer_url:
        return _served(settings, role)
    folder = Path(settings.keystore) if settings.keystore else settings.data_dir / "keystore"
    secret = settings.keystore_password or _kept_secret(settings.data_dir)
    return _opened(folder, role, secret, own=not settings.keystore)


@cache
def _served(settings: Settings, role: Role) -> Signer:
    from portal.chain import remote

    return remote.RemoteSigner(remote.over_http(settings, role), role)


@cache
def _opened(folder: Path, role: Role, secret: str, *, own: bool) -> LocalSigner:
    from eth_account import Account

    file = folder / f"{role}.json"
    if own and not file.exists():
        _write_once(file, json.dumps(Account.encrypt(secrets.token_bytes(32), secret, iterations=SCRYPT_ROUNDS)))
    try:
        return LocalSigner(bytes(Account.decrypt(json.loads(file.read_text()), secret)), role)
    except (OSError, ValueError) as error:
        raise Unavailable(f"The key of the {role} cannot be opened.") from error


@cache
def _kept_secret(data_dir: Path) -> str:
    file = data_dir / "secrets" / "keystore"
    if not file.exists():
        _write_once(file, secrets.token_urlsafe(32))
    return file.read_text()


def _write_once(file: Path, text: str) -> None:
    """Create a file for its owner alone; of two processes the first one's content stays."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


# --- the development chain's well-known accounts ----------------------------------------------------------


@cache
def of_dev_account(index: int) -> LocalSigner:
    """Account `index` of the mnemonic that every development chain knows. Worth nothing anywhere else."""
    from eth_account import Account

    Account.enable_unaudited_hdwallet_features()
    return LocalSigner(bytes(Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}").key))


@cache
def of_demo_fan(number: int) -> LocalSigner:
    """The wallet of the demo data's fan `number`, from 1; everybody can know its key, as with the accounts above."""
    return LocalSigner(keccak(text=f"AudiFi demo fan {number}"))


def newcomer_wallets(settings: Settings) -> dict[str, Signer]:
    """Address -> signer of the demo wallets that people choose from; none outside the embedded default on loopback."""
    if not settings.newcomer_tools:
        return {}
    return {signer.address: signer for signer in map(of_dev_account, DEMO_INDEXES)}


def demo_signers(settings: Settings) -> dict[str, Signer]:
    """`newcomer_wallets`, and those of the demo data's fans, whom anybody may sign in as."""
    if not settings.newcomer_tools:
        return {}
    fans = map(of_demo_fan, range(1, DEMO_FANS + 1))
    return newcomer_wallets(settings) | {signer.address: signer for signer in fans}


def of_address(settings: Settings, address: str) -> Signer:
    """Whoever signed for this address before, to replace a stuck transaction. Raises Unavailable for a stranger."""
    for role in Role:
        signer = of_role(settings, role)
        if signer.address == address:
            return signer
    funder = {of_dev_account(FUNDER_INDEX).address: of_dev_account(FUNDER_INDEX)} if settings.embedded else {}
    known = demo_signers(settings) | funder
    if address not in known:
        raise Unavailable(f"No key here signs for {address}.")
    return known[address]
