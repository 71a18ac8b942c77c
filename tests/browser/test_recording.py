"""A recording, as its artist and a fan meet it."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.people import Person
from tests.files.test_recordings import tone, written


def test_a_recording_is_sent_and_played(person: Callable[..., Person]) -> None:
    """A wrong file says why, the right one is prepared while the page waits, and it plays on the master's page."""
    artist = person().sign_in("recorder@example.org").goto("/studio/become")
    artist.fill(artistName="Rosa Recorder").press("Open my studio")
    artist.goto("/studio/masters/new").fill(title="Tape Hiss").press("Save as a draft and go to People and splits")
    artist.page.get_by_role("link", name="Tape Hiss").first.click()
    artist.page.get_by_role("link", name="Send it").click()
    file, state = artist.page.locator("#recording"), artist.page.locator("#state")
    artist.press("Send it")
    expect(artist.page.locator("#recording-error")).to_contain_text("Choose the file")
    file.set_input_files({"name": "notes.wav", "mimeType": "audio/wav", "buffer": b"not a sound"})
    artist.press("Send it")
    expect(state).to_contain_text("This is not a WAV", timeout=30_000)
    file.set_input_files({"name": "take 3.flac", "mimeType": "audio/flac", "buffer": written("FLAC", tone(5))})
    artist.press("Send it")
    expect(state.get_by_role("button", name=re.compile("Play"))).to_be_visible(timeout=30_000)
    state.get_by_role("button", name=re.compile("Play")).click()
    sound = artist.page.locator("#player-audio")
    expect(sound).to_have_attribute("src", re.compile("^/ipfs/baf"))
    expect(sound).not_to_have_js_property("currentTime", 0, timeout=30_000)
