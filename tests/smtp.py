"""A real mail server on loopback: it keeps what it takes."""

from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Inbox:
    """`got` holds (sender, receivers, message); `refuse` answers 451 to every mail."""

    def __init__(self) -> None:
        self.got: list[tuple[str, list[str], Message]] = []
        self.refuse = False
        self.logins: list[tuple[bytes, bytes]] = []
        self.url = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuse:
            return "451 Try again"
        self.got.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {"auth_require_tls": False, "auth_exclude_mechanism": ["LOGIN"]}
    server = Controller(made, "127.0.0.1", port, authenticator=made.authenticate, **options)
    server.start()
    made.url = f"smtp://127.0.0.1:{port}"
    yield made
    server.stop()
