"""Mail through a real SMTP server, and into the data folder where none is set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portal import mail
from portal.config import Settings
from portal.errors import Unavailable
from tests.smtp import Inbox, inbox  # noqa: F401  (fixture)


def by(box: Inbox, **changes: str) -> Settings:
    usual = {"smtp_url": box.url, "base_url": "https://audifi.example", "mail_from": "AudiFi <no@audifi.example>"}
    return Settings(**usual | changes)


def test_a_mail_arrives_as_it_was_written(inbox: Inbox) -> None:  # noqa: F811
    mail.send(by(inbox), "mira@example.org", "Your link é", "Open it.\n.\nA line with a dot alone came before.\n")
    ((sender, receivers, message),) = inbox.got
    assert (sender, receivers) == ("no@audifi.example", ["mira@example.org"])
    assert message["From"] == "AudiFi <no@audifi.example>"
    assert "\n.\nA line" in str(message.get_payload(decode=True), "utf-8").replace("\r\n", "\n")
    assert message["Message-ID"].endswith("@audifi.example>")
    assert message["Date"]


def test_nothing_typed_adds_a_header(inbox: Inbox) -> None:  # noqa: F811
    mail.send(by(inbox), "mira@example.org", "Hello\r\nBcc: everybody@example.org", "Text")
    ((_, receivers, message),) = inbox.got
    assert (receivers, message["Bcc"]) == (["mira@example.org"], None)
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        mail.send(by(inbox), "mira@example.org\nBcc: everybody@example.org", "Hello", "Text")


def test_a_password_is_taken_from_the_address(inbox: Inbox) -> None:  # noqa: F811
    url = inbox.url.replace("smtp://", "smtp://portal:p%40ss@")
    mail.send(by(inbox, smtp_url=url), "mira@example.org", "Hello", "Text")
    assert (inbox.logins, len(inbox.got)) == ([(b"portal", b"p@ss")], 1)


def test_a_refusal_and_a_dead_server_are_errors(inbox: Inbox) -> None:  # noqa: F811
    inbox.refuse = True
    with pytest.raises(OSError, match="451"):
        mail.send(by(inbox), "mira@example.org", "Hello", "Text")
    with pytest.raises(OSError, match="refused"):
        mail.send(by(inbox, smtp_url="smtp://127.0.0.1:9"), "mira@example.org", "Hello", "Text")


def test_without_a_server_the_mail_lies_in_the_data_folder(tmp_path: Path) -> None:
    embedded = Settings(embedded=True, data_dir=tmp_path)
    mail.send(embedded, "mira@example.org", "Hello", "Text")
    (kept,) = mail.kept(embedded)
    assert (kept["to"], kept["subject"], kept["text"]) == ("mira@example.org", "Hello", "Text")
    for elsewhere in (replace(embedded, bind="0.0.0.0:5000"), replace(embedded, embedded=False)):
        with pytest.raises(Unavailable):
            mail.send(elsewhere, "mira@example.org", "Hello", "Text")
