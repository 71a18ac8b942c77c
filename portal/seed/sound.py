"""Something to hear: each demo master's recording is played by a few oscillators, the same one every time.

Four chords in a key, a bass, a kick and a hat, at a tempo; all of it follows from the title.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import soundfile

from portal.covers import Dice

RATE = 16_000
"""Samples a second: enough to hear what it is, and small."""
Wave = npt.NDArray[np.float32]

TURNS = ((0, 5, 3, 4), (0, 3, 4, 3), (5, 3, 0, 4), (0, 4, 5, 3))
"""Chords of a bar each, as steps of the scale."""
MINOR, MAJOR = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11)


def performed(title: str, seconds: int) -> bytes:
    """A FLAC file of that length, which swells at its beginning and fades at its end."""
    bars = _bars(Dice(f"sound:{title}"))
    times = -(-seconds * RATE // len(bars))
    piece = np.tile(bars, times)[: seconds * RATE]
    fade = np.minimum(1, np.minimum(np.arange(len(piece)), np.arange(len(piece))[::-1]) / (2 * RATE))
    out = io.BytesIO()
    soundfile.write(out, 0.8 * piece * fade / max(float(np.abs(piece).max()), 0.01), RATE, format="FLAC")
    return out.getvalue()


def _bars(dice: Dice) -> Wave:
    """Sixteen bars: the first four sparse, then with bass and drums."""
    beat = int(RATE * 60 / dice.pick(range(76, 130, 6)))
    key, scale, turn = dice.pick(range(45, 57)), dice.pick((MINOR, MAJOR)), dice.pick(TURNS)
    melody = [dice.pick(range(7)) for _ in range(8)]
    parts = [_bar(beat, key, scale, turn[bar % 4], melody, full=bar >= 4) for bar in range(16)]
    return np.concatenate(parts).astype(np.float32)


def _bar(beat: int, key: int, scale: tuple[int, ...], step: int, melody: list[int], *, full: bool) -> Wave:
    chord = [0.12 * _note(4 * beat, key + 12 + _tone(scale, step + third), 0.4) for third in (0, 2, 4)]
    bar: Wave = np.sum(chord, axis=0)
    for place, tone in enumerate(melody):
        start = place * beat // 2
        bar[start : start + beat // 2] += 0.1 * _note(beat // 2, key + 24 + _tone(scale, step + tone), 4)
    if full:
        bar += 0.25 * _note(4 * beat, key - 12 + _tone(scale, step), 0.8)
        for place in range(4):
            bar[place * beat : (place + 1) * beat] += _drum(beat, kick=place % 2 == 0)
    return bar


def _tone(scale: tuple[int, ...], step: int) -> int:
    """Semitones above the key of a step of the scale."""
    return scale[step % 7] + 12 * (step // 7)


def _note(length: int, midi: int, decay: float) -> Wave:
    """A soft tone (three partials) that dies away; `decay` per second."""
    at = np.arange(length) / RATE
    pitch = 440 * 2 ** ((midi - 69) / 12)
    wave = np.sum([np.sin(2 * np.pi * pitch * n * at) / n**2 for n in (1, 2, 3)], axis=0)
    return np.asarray(wave * np.exp(-decay * at) * np.minimum(1, at * 80), np.float32)


def _drum(length: int, *, kick: bool) -> Wave:
    at = np.arange(length) / RATE
    if kick:
        falling = 45 * at + 8 * (1 - np.exp(-30 * at))
        return np.asarray(0.5 * np.sin(2 * np.pi * falling) * np.exp(-9 * at), np.float32)
    noise = np.random.default_rng(7).normal(0, 1, length)
    return np.asarray(0.12 * noise * np.exp(-60 * at), np.float32)
