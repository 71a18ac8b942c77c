"""A small real identity provider on loopback, built with Authlib: OpenID Connect and, beside it, plain OAuth 2.0.

`twist` changes what it says, for the tests of what must not be believed.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "portal", "the-secret-of-the-portal"
Claims = dict[str, Any]


@dataclass
class Person:
    """Who is signed in at the provider."""

    sub: str = "subject-1"
    email: str = "mira@provider.example"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    person: Person

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Portal(ClientMixin):  # type: ignore[misc]
    """The only client."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.startswith(self.redirect_uri)

    def check_client_secret(self, secret: str) -> bool:
        return secrets.compare_digest(secret, SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@cache
def _key() -> RSAKey:
    """One for all providers of a test run: making one takes longer than signing in."""
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@dataclass
class Provider:
    """`issuer` is its address; codes live in memory."""

    redirect_uri: str
    issuer: str = ""
    person: Person = field(default_factory=Person)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, Person] = field(default_factory=dict)
    key: RSAKey = field(default_factory=_key)
    twist: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    broken: bool = False

    def id_token(self, code: Code) -> str:
        now = int(time.time())
        claims: Claims = {"iss": self.issuer, "aud": CLIENT, "sub": code.person.sub, "email": code.person.email}
        claims |= {"iat": now, "exp": now + 300, "nonce": code.nonce, "email_verified": True}
        claims = {name: value for name, value in self.twist(claims).items() if value is not None}
        return self.sign(claims) if self.sign else jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def with_another_key(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048, {"kid": "one"}))

    def with_the_secret(self, claims: Claims) -> str:
        """The confusion of algorithms: signed with what both sides know."""
        return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.ljust(32, "x")))

    def with_nothing(self, claims: Claims) -> str:
        whole = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key).split(".")
        return f"eyJhbGciOiJub25lIn0.{whole[1]}."


def _grant(provider: Provider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:
            data = request.payload.data
            provider.codes[code] = Code(
                code,
                request.payload.redirect_uri,
                request.payload.scope,
                data.get("nonce"),
                data.get("code_challenge", ""),
                data.get("code_challenge_method", ""),
                request.user,
            )

        def query_authorization_code(self, code: str, client: Any) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes.pop(authorization_code.code)

        def authenticate_user(self, authorization_code: Code) -> Person:
            return authorization_code.person

    return Grant


def _app(provider: Provider) -> Flask:
    app = Flask("provider")
    client = Portal(provider.redirect_uri)

    def save(token: dict[str, Any], asked: Any) -> None:
        provider.tokens[token["access_token"]] = asked.user
        if "openid" in (asked.authorization_code.scope or ""):
            token["id_token"] = provider.id_token(asked.authorization_code)

    server = AuthorizationServer(app, lambda name: client if name == CLIENT else None, save)
    server.register_grant(_grant(provider), [CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        issuer = provider.issuer
        names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        found = {name: issuer + path for name, path in names.items()}
        return jsonify({"issuer": "https://other.example" if provider.broken else issuer, **found})

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(KeySet([provider.key]).as_dict(private=False))

    @app.get("/authorize")
    def authorize() -> Any:
        return server.create_authorization_response(
            grant=server.get_consent_grant(end_user=provider.person), grant_user=provider.person
        )

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.get("/user")
    def user() -> Response:
        person = provider.tokens[request.headers["Authorization"].removeprefix("Bearer ")]
        return jsonify({"id": 583231, "login": "mira", "email": person.email})

    return app


@contextmanager
def running(redirect_uri: str) -> Iterator[Provider]:
    """The provider, serving on a free port of loopback. It lets the portal come back to `redirect_uri` alone."""
    provider = Provider(redirect_uri)
    server = make_server("127.0.0.1", 0, _app(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()
