"""Every setting of the portal, typed, read once from the environment.

Each field of `Settings` is read from `AUDIFI_<FIELD NAME IN CAPITALS>`; an AUDIFI_ name that is no field is an
error, so a typing mistake is found at start-up and not in production. URLs that are unset are filled in by the
supervisor with the parts that it started itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import portal.faults  # noqa: F401  (takes its own name out of the environment before it is looked through)

DEFAULT_SECRET = "development-secret-not-for-production"  # noqa: S105  (refused by faults())
ROOT = Path(__file__).resolve().parent.parent
PREFIX = "AUDIFI_"
ENVIRONMENTS = ("development", "production")
Wei: TypeAlias = int
"""Of the chain's native coin; the environment names whole coins, such as 0.5."""
WHOLE_BPS = 10_000
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""Names by which this machine alone is reached."""


class SettingsError(RuntimeError):
    """The environment cannot be used; the message names every fault at once."""


@dataclass(frozen=True)
class Settings:
    """Where the parts are, who may reach them, and the platform's numbers. Times in seconds, parts in bps."""

    env: str = "development"
    database_url: str = ""
    worker_database_url: str = ""
    owner_database_url: str = ""
    redis_url: str = ""
    rpc_url: str = ""
    chain_id: int = 31337
    data_dir: Path = field(default_factory=lambda: ROOT / "instance")
    postgres_bin: str = ""
    valkey_bin: str = ""
    embedded: bool = False
    supervisor_fd: int = -1
    bind: str = "127.0.0.1:5000"
    base_url: str = ""
    secret_key: str = DEFAULT_SECRET
    secret_key_fallbacks: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    ipfs_url: str = ""
    smtp_url: str = ""
    mail_from: str = "AudiFi <no-reply@localhost>"
    data_keys: str = ""
    seal_keys: str = ""
    security_mail: str = ""
    security_webhook: str = ""
    security_webhook_secret: str = ""
    outbound_loopback: bool = False
    proxies: int = 0
    keystore: str = ""
    keystore_password: str = ""
    signer_url: str = ""
    signer_token: str = ""
    spend_cap_per_day: Wei = 5 * 10**18
    treasury_cap_per_day: Wei = 100 * 10**18
    factory_address: str = ""
    stablecoin_address: str = ""
    market_address: str = ""
    log_level: str = "INFO"

    default_holders_bps: int = 5000
    platform_bps: int = 1000
    primary_fee_bps: int = 250
    trading_fee_bps: int = 50
    person_cap_default: int = 50
    coin_supply: int = 1_000_000
    coin_artist_bps: int = 3000
    coin_participants_bps: int = 2000
    coin_liquidity_bps: int = 2500
    coin_community_bps: int = 2500
    usdc_per_usd: str = "1"
    magic_link_seconds: int = 15 * 60
    session_idle_seconds: int = 30 * 86400
    session_absolute_seconds: int = 90 * 86400
    privileged_idle_seconds: int = 30 * 60
    privileged_absolute_seconds: int = 12 * 3600
    step_up_seconds: int = 5 * 60
    sign_in_tries: int = 10
    code_tries: int = 5
    tries_window_seconds: int = 5 * 60
    api_per_person: int = 600
    api_per_network: int = 1200
    votes_per_person: int = 60
    votes_per_network: int = 600
    pictures_per_person: int = 30
    picture_bytes_per_person: int = 20_000_000
    recording_bytes_per_person: int = 200_000_000
    payout_cool_off_seconds: int = 24 * 3600
    finality_blocks: int = 12
    v1_sunset: str = "2028-01-01T00:00:00Z"
    v1_deprecated: str = "2026-01-01T00:00:00Z"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises SettingsError naming every unknown or unreadable AUDIFI_ name."""
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        problems = [
            f"{name} is no setting" for name in sorted(environ) if name.startswith(PREFIX) and name not in known
        ]
        values: dict[str, Any] = {}
        for name, spec in known.items():
            if environ.get(name, "") == "":
                continue
            try:
                values[spec.name] = _read(str(spec.type), environ[name])
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if values.get("env", "development") not in ENVIRONMENTS:
            problems.append(f"AUDIFI_ENV is {' or '.join(ENVIRONMENTS)}")
        if sum(_coin_parts(values)) != WHOLE_BPS or min(_coin_parts(values)) < 0:
            problems.append("AUDIFI_COIN_ARTIST_BPS and the other three parts of a coin must sum to 10000")
        if problems:
            raise SettingsError("The settings cannot be used:\n- " + "\n- ".join(problems))
        return cls(**values)

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def loopback(self) -> bool:
        """True when the web server listens on this machine alone."""
        return self.bind.rsplit(":", 1)[0].strip("[]") in {"127.0.0.1", "::1", "localhost"}

    @property
    def newcomer_tools(self) -> bool:
        """`/dev/mail` and the demo wallets: only in the embedded default, and only on loopback."""
        return self.embedded and self.loopback and not self.production

    @property
    def public_url(self) -> str:
        return self.base_url.rstrip("/") or f"http://{self.bind}"

    def for_worker(self) -> str:
        return self.worker_database_url or self.database_url

    def for_owner(self) -> str:
        return self.owner_database_url or self.database_url

    def faults(self) -> list[str]:
        """What production refuses to start with, all of it at once; empty elsewhere."""
        if not self.production:
            return []
        faults = [
            f"AUDIFI_{name.upper()} is not set: production uses no embedded part"
            for name in ("database_url", "redis_url", "rpc_url")
            if not getattr(self, name)
        ]
        if self.embedded:
            faults.append("AUDIFI_EMBEDDED is set: production uses no embedded part")
        if self.secret_key == DEFAULT_SECRET or len(self.secret_key) < 32:
            faults.append("AUDIFI_SECRET_KEY is the default or shorter than 32 characters")
        if not self.trusted_hosts:
            faults.append("AUDIFI_TRUSTED_HOSTS is not set: name the hosts that this portal answers for")
        if urlsplit(self.base_url).scheme != "https":
            faults.append("AUDIFI_BASE_URL must be an https:// address")
        if not self.worker_database_url:
            faults.append("AUDIFI_WORKER_DATABASE_URL is not set: worker, relay and indexer have a role of their own")
        faults += [
            f"AUDIFI_{name.upper()} must verify the server: add sslmode=verify-full"
            for name in ("database_url", "worker_database_url", "owner_database_url")
            if getattr(self, name) and not _verified(getattr(self, name))
        ]
        if not self.smtp_url:
            faults.append("AUDIFI_SMTP_URL is not set: nobody could sign in")
        faults += [
            f"AUDIFI_{name.upper()} is not set: production keeps its keys apart from its data"
            for name in ("data_keys", "seal_keys")
            if not getattr(self, name)
        ]
        if self.outbound_loopback:
            faults.append("AUDIFI_OUTBOUND_LOOPBACK is set: a chosen address could lead into this machine")
        if not self.keystore and not self.signer_url:
            faults.append("AUDIFI_KEYSTORE is not set, nor AUDIFI_SIGNER_URL: nothing could be sent to the chain")
        if self.signer_url and urlsplit(self.signer_url).scheme != "https":
            faults.append("AUDIFI_SIGNER_URL must be an https:// address")
        return faults


def _verified(url: str) -> bool:
    return parse_qs(urlsplit(url).query).get("sslmode") == ["verify-full"]


def _read(kind: str, text: str) -> Any:
    """One value from its text, by the field's annotation."""
    match kind:
        case "int":
            return int(text)
        case "Wei":
            return _wei(text)
        case "bool":
            if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
                raise ValueError("say 1 or 0")
            return text.lower() in {"1", "true", "yes"}
        case "Path":
            return Path(text).expanduser().resolve()
        case "tuple[str, ...]":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case _:
            return text


def _coin_parts(values: Mapping[str, Any]) -> list[int]:
    names = [f"coin_{who}_bps" for who in ("artist", "participants", "liquidity", "community")]
    return [values.get(name, getattr(Settings, name)) for name in names]


def _wei(text: str) -> int:
    """Coins with up to 18 decimals -> wei. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,18})?", text, re.ASCII):
        raise ValueError("name whole coins, such as 0.5")
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(18, "0"))


def generated_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def defaults() -> dict[str, Any]:
    """The settings' defaults by name, for the README's table and its test."""
    return {f.name: f.default for f in fields(Settings) if f.default is not MISSING}
