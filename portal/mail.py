"""Send one e-mail: by SMTP where a server is set, else into the data folder for `/dev/mail` (embedded default)."""

from __future__ import annotations

import json
import os
import smtplib
import time
import uuid
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from portal.config import Settings
from portal.errors import Unavailable

MOST_KEPT = 50
TIMEOUT_SECONDS = 10


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Raises Unavailable when there is no way to send, and smtplib's errors when the server refuses."""
    if settings.smtp_url:
        _send_by_smtp(settings, to, subject, text)
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


def _send_by_smtp(settings: Settings, to: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message.set_content(text)
    url = urlsplit(settings.smtp_url)
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    with kind(url.hostname or "", url.port or 0, timeout=TIMEOUT_SECONDS) as server:
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
