"""Identity providers: one client for every row of `identity_providers`, OpenID Connect or plain OAuth 2.0.

An identity is (issuer, subject) and never an e-mail address. `config_json` of a row is
`{"issuer", "kind": "oidc"}`, or with `"kind": "oauth2"` (GitHub) also `authorizationEndpoint`, `tokenEndpoint`,
`userinfoEndpoint` and `subject`, the name of the field that says who somebody is. `scope` may be added to both.
Tokens are used once, for the question who it is, and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbound
from portal.accounts import limits, queries, ways
from portal.accounts.entry import Admission, admit, failures_noted
from portal.accounts.enums import AuthProvider
from portal.accounts.models import IdentityProvider
from portal.accounts.proofs import keep
from portal.accounts.sign_in_models import OAuthAttempt
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import LOOPBACK, Settings
from portal.crypto import same, token_hash
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import seal, unseal
from portal.db import db, transaction, utcnow
from portal.errors import BadRequest, NotFound, Unavailable

KEPT_SECONDS = 300
ATTEMPT_SECONDS = 10 * 60
LEEWAY_SECONDS = 60
ALGORITHMS = ["RS256", "PS256", "ES256"]
SCOPES = {"oidc": "openid email", "oauth2": "read:user"}
AWAY = "The sign-in service does not answer as it should. Please try again, or use another way in."


@dataclass(frozen=True)
class Provider:
    """One row, with its secret opened."""

    id: uuid.UUID
    provider: AuthProvider
    name: str
    client_id: str
    secret: str
    config: dict[str, str]

    @property
    def issuer(self) -> str:
        return self.config["issuer"]

    @property
    def plain(self) -> bool:
        """OAuth 2.0 without an id_token."""
        return self.config.get("kind") == "oauth2"


@dataclass(frozen=True)
class Identity:
    """Who a provider says somebody is; `email` is a hint for a form."""

    provider: AuthProvider
    account_id: str
    email: str | None


# --- rows -------------------------------------------------------------------------------------------------


def offered(session: Session) -> list[dict[str, str]]:
    """[{provider, name}] of the providers that are set up and switched on."""
    rows = session.scalars(
        sa.select(IdentityProvider)
        .where(IdentityProvider.enabled, IdentityProvider.client_id.is_not(None))
        .order_by(IdentityProvider.name)
    )
    return [{"provider": row.provider.value, "name": row.name} for row in rows]


def put(
    provider: AuthProvider, name: str, client_id: str, secret: str, config: dict[str, str], settings: Settings
) -> None:
    """Set a provider up, or change it; the secret is stored encrypted."""
    with transaction() as session:
        row = session.scalars(sa.select(IdentityProvider).where(IdentityProvider.provider == provider)).one_or_none()
        if row is None:
            row = IdentityProvider(id=uuid.uuid4(), provider=provider)
            session.add(row)
        row.name, row.client_id, row.config_json, row.enabled = name, client_id, json.dumps(config), True
        row.client_secret = seal(data_keys(settings), IdentityProvider.client_secret, row.id, secret)
        session.flush()
        record(
            session,
            "set_identity_provider",
            AuditActionCategory.ADMIN,
            target=("identity_provider", row.id, provider.value),
            after={"name": name, "clientId": client_id, "config": config},
        )


def _find(session: Session, provider: str, settings: Settings) -> Provider:
    """Raises NotFound for one that is not set up or switched off."""
    row = session.scalars(
        sa.select(IdentityProvider).where(
            sa.cast(IdentityProvider.provider, sa.String) == provider,
            IdentityProvider.enabled,
            IdentityProvider.client_id.is_not(None),
        )
    ).one_or_none()
    if row is None or not row.client_id:
        raise NotFound("This sign-in service is not set up here.")
    keys, sealed = data_keys(settings), row.client_secret
    secret = unseal(keys, IdentityProvider.client_secret, row.id, sealed) if sealed else ""
    return Provider(row.id, row.provider, row.name, row.client_id, secret, json.loads(row.config_json or "{}"))


# --- the visit --------------------------------------------------------------------------------------------


def begin(provider: str, browser: str, next_path: str, settings: Settings) -> tuple[uuid.UUID, str, str]:
    """(attempt, the provider's name, the address to leave for). Raises NotFound, TooMany, Unavailable."""
    limits.spend(limits.sign_in_limits("provider", settings))
    row = _find(db.session(), provider, settings)
    endpoint = _endpoints(row, settings)["authorization_endpoint"]
    attempt = OAuthAttempt(
        id=uuid.uuid4(),
        provider_id=row.id,
        browser_hash=token_hash(browser),
        next_path=next_path,
        expires_at=sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, ATTEMPT_SECONDS),
    )
    with transaction() as session:
        session.add(attempt)
    extra = {} if row.plain else {"nonce": _derived("nonce", attempt.id, settings)}
    with _client(row, settings) as client:
        address, _ = client.create_authorization_url(
            endpoint,
            state=_state(attempt.id, settings),
            code_verifier=_derived("verifier", attempt.id, settings),
            **extra,
        )
    return attempt.id, row.name, str(address)


def finish(
    provider: str, answer: dict[str, str], browser: str, settings: Settings
) -> tuple[uuid.UUID, Identity, str]:
    """(attempt, who it is, where to go next) from the provider's answer (`code`, `state`, perhaps `iss`).

    Raises BadRequest for an answer that this browser did not ask for, and Unavailable for one that does not hold.
    """
    with failures_noted("A sign-in service's answer was refused"):
        row = _find(db.session(), provider, settings)
        attempt_id, next_path = _use_up(row, answer.get("state", ""), browser, settings)
        if not answer.get("code") or answer.get("iss", row.issuer) != row.issuer:
            raise BadRequest("The sign-in service did not say who you are. Please start again.")
        return attempt_id, _identity(row, answer["code"], attempt_id, settings), next_path


def sign_in(identity: Identity, browser: str, settings: Settings) -> Admission | uuid.UUID:
    """Let in whoever has this identity; for a new one the id of a proof, to be completed by an e-mail address."""
    with transaction() as session:
        user = queries.user_by_way(session, identity.provider, identity.account_id)
        if user is not None:
            return admit(session, user, identity.provider.value, settings)
        return keep(session, identity.provider, identity.account_id, browser, identity.email)


def link(user_id: uuid.UUID, identity: Identity) -> None:
    """Make it a way in of whoever is signed in. Raises Conflict when another person has it."""
    with transaction() as session:
        ways.link(session, user_id, identity.provider, identity.account_id)


def _state(attempt_id: uuid.UUID, settings: Settings) -> str:
    return f"{attempt_id.hex}.{_derived('state', attempt_id, settings)}"


def _derived(purpose: str, attempt_id: uuid.UUID, settings: Settings) -> str:
    """256 bits that belong to one attempt and stand in no table."""
    text = f"oauth-{purpose}:{attempt_id}".encode()
    return hmac.new(settings.secret_key.encode(), text, hashlib.sha256).hexdigest()


def _use_up(row: Provider, state: str, browser: str, settings: Settings) -> tuple[uuid.UUID, str]:
    name = state.partition(".")[0]
    attempt_id = uuid.UUID(name) if len(name) == 32 and set(name) <= set("0123456789abcdef") else uuid.UUID(int=0)
    if not same(state, _state(attempt_id, settings)):
        raise BadRequest("This answer was not asked for in this browser. Please start again.")
    with transaction() as session:
        found = session.execute(
            sa.update(OAuthAttempt)
            .where(
                OAuthAttempt.id == attempt_id,
                OAuthAttempt.provider_id == row.id,
                OAuthAttempt.browser_hash == token_hash(browser),
                OAuthAttempt.used_at.is_(None),
                OAuthAttempt.expires_at > sa.func.now(),
            )
            .values(used_at=utcnow())
            .returning(OAuthAttempt.next_path)
        ).one_or_none()
    if found is None:
        raise BadRequest("This answer was not asked for in this browser, or it came too late. Please start again.")
    return attempt_id, found.next_path or "/"


# --- talking to the provider ------------------------------------------------------------------------------


def _identity(row: Provider, code: str, attempt_id: uuid.UUID, settings: Settings) -> Identity:
    endpoints = _endpoints(row, settings)
    verifier = _derived("verifier", attempt_id, settings)
    from authlib.common.errors import AuthlibBaseError

    try:
        with _client(row, settings) as client:
            token = client.fetch_token(endpoints["token_endpoint"], code=code, code_verifier=verifier)
    except (outbound.Failed, AuthlibBaseError, ValueError, TypeError, RecursionError) as error:
        raise Unavailable(AWAY) from error
    if row.plain:
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        claims, field = _fetch(endpoints["userinfo_endpoint"], settings, headers), row.config.get("subject", "sub")
    else:
        nonce = _derived("nonce", attempt_id, settings)
        claims, field = _verified(row, token.get("id_token"), endpoints["jwks_uri"], nonce, settings), "sub"
    return Identity(row.provider, _account_id(row.issuer, claims.get(field)), _email(claims.get("email")))


def _verified(row: Provider, id_token: Any, jwks_uri: str, nonce: str, settings: Settings) -> dict[str, Any]:
    """The claims of an id_token whose signature, issuer, audience, times and nonce hold (OpenID Connect §3.1.3.7)."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        keys = KeySet.import_key_set(_fetch(jwks_uri, settings))  # type: ignore[arg-type]
        claims = jwt.decode(str(id_token), keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": row.issuer},
            aud={"essential": True, "value": row.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(AWAY) from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != row.client_id:
        raise Unavailable(AWAY)
    return dict(claims)


def _account_id(issuer: str, subject: Any) -> str:
    """`issuer#subject`; no issuer has a `#`. A subject that does not fit is named by its hash."""
    if not isinstance(subject, str | int) or isinstance(subject, bool) or subject == "":
        raise Unavailable(AWAY)
    whole = f"{issuer}#{subject}"
    return whole if len(whole) <= 255 else f"{issuer}#sha256:{hashlib.sha256(str(subject).encode()).hexdigest()}"


def _email(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and 3 <= len(value) <= 255 else None


def _client(row: Provider, settings: Settings) -> Any:
    from authlib.integrations.requests_client import OAuth2Session  # slow to import, and seldom needed

    client = OAuth2Session(
        client_id=row.client_id,
        client_secret=row.secret or None,
        token_endpoint_auth_method="client_secret_basic" if row.secret else "none",
        scope=row.config.get("scope") or SCOPES["oauth2" if row.plain else "oidc"],
        redirect_uri=f"{settings.public_url}/login/with/{row.provider.value}/back",
        code_challenge_method="S256",
    )
    return outbound.guarded(client, settings)


_discovered: dict[str, tuple[float, dict[str, Any]]] = {}


def _endpoints(row: Provider, settings: Settings) -> dict[str, str]:
    """By the row for plain OAuth 2.0, by discovery for OpenID Connect; kept for some minutes."""
    if row.plain:
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        found = {name: row.config[name.split("_")[0] + "Endpoint"] for name in names}
        return {name: _safe(url, settings) for name, url in found.items()}
    known = _discovered.get(row.issuer)
    if known is None or known[0] < time.monotonic():
        document = _fetch(row.issuer.rstrip("/") + "/.well-known/openid-configuration", settings)
        if document.get("issuer") != row.issuer:
            raise Unavailable(AWAY)
        known = time.monotonic() + KEPT_SECONDS, document
        _discovered[row.issuer] = known
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    return {name: _safe(known[1].get(name), settings) for name in names}


def _safe(url: Any, settings: Settings) -> str:
    """https only, unless this machine may talk to itself; where it leads is looked at when it is asked (`outbound`)."""
    parts = urlsplit(url) if isinstance(url, str) else None
    own = parts is not None and settings.outbound_loopback and parts.hostname in LOOPBACK
    if parts is None or not parts.hostname or (parts.scheme != "https" and not own):
        raise Unavailable(AWAY)
    return str(url)


def _fetch(url: str, settings: Settings, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """A JSON object."""
    asked = {"Accept": "application/json"} | (headers or {})
    try:
        with outbound.session(settings) as http:
            answer = http.get(_safe(url, settings), headers=asked)
        found = json.loads(answer.content) if answer.status_code == 200 else None
    except (outbound.Failed, ValueError, RecursionError) as error:
        raise Unavailable(AWAY) from error
    if not isinstance(found, dict):
        raise Unavailable(AWAY)
    return found
