"""Send one e-mail: by SMTP where a server is set, else into the data folder for `/dev/mail` (embedded default)."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import time
import uuid
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from portal.config import LOOPBACK, Settings
from portal.errors import Unavailable

MOST_KEPT = 50
TIMEOUT_SECONDS = 10


def send(settings: Settings, to: str, subject: str, text: str, *, message_id: str = "") -> None:
    """Raises Unavailable when there is no way to send, and smtplib's errors or OSError when the server refuses.

    Call it from a job: it waits for the server. `message_id` names the mail, so that one sent twice is shown once.
    """
    if settings.smtp_url:
        _send_by_smtp(settings, _message(settings, to, subject, text, message_id))
    elif settings.newcomer_tools:
        _keep(settings.data_dir / "mail", {"to": to, "subject": subject, "text": text, "sent": time.time()})
    else:
        raise Unavailable("AUDIFI_SMTP_URL is not set, so no mail can be sent.")


def kept(settings: Settings) -> list[dict[str, Any]]:
    """The last mails of the embedded default, newest first: {to, subject, text, sent}."""
    files = sorted((settings.data_dir / "mail").glob("*.json"), reverse=True)[:MOST_KEPT]
    return [json.loads(file.read_text()) for file in files]


def _keep(folder: Path, mail: dict[str, Any]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    final = folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}.json"
    partial = final.with_suffix(".part")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(mail, file)
    partial.rename(final)
    for old in sorted(folder.glob("*.json"))[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


def _message(settings: Settings, to: str, subject: str, text: str, message_id: str) -> EmailMessage:
    """Plain text; the library refuses line breaks in headers, so nothing typed can add one."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, " ".join(subject.split())
    message["Date"] = formatdate()
    host = urlsplit(settings.public_url).hostname or "localhost"
    message["Message-ID"] = f"<{message_id or uuid.uuid4().hex}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _send_by_smtp(settings: Settings, message: EmailMessage) -> None:
    """By `smtp://` (with STARTTLS where the server offers it; demanded where a password is sent) or `smtps://`."""
    url = urlsplit(settings.smtp_url)
    safe = ssl.create_default_context()
    port = url.port or (465 if url.scheme == "smtps" else 25)
    with _connect(url.scheme, url.hostname or "", port, safe) as server:
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=safe)
            server.ehlo()
        elif url.scheme == "smtp" and url.username and url.hostname not in LOOPBACK:
            raise Unavailable("The mail server offers no encryption: the password is not sent.")
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _connect(scheme: str, host: str, port: int, safe: ssl.SSLContext) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=safe)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    server.ehlo()
    return server
