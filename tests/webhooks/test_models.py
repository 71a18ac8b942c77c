"""What the database refuses of incoming webhooks."""

from __future__ import annotations

from tests.raw import Raw


def test_a_provider_s_event_is_logged_once(raw: Raw) -> None:
    raw.add("webhooks_log", event_id="evt_1")
    raw.refuses("webhooks_log", "uq_webhooks_log_provider_name_event_id", event_id="evt_1")
    raw.add("webhooks_log", event_id="evt_1", provider_name="other")
