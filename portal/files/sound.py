"""An uploaded sound file becomes a recording of ours, or is refused with the reason.

Nothing of what was sent is kept: it is decoded from its first sample to its last and written anew as MP3, which every
browser plays. Names, pictures and comments in the file are not in the new one. This module is imported with the first
recording: its libraries take a while to load.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import soundfile

from portal.files.places import Unusable

Samples = npt.NDArray[np.float32]
"""(frames, channels), full scale is 1."""

KINDS = {"WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF"}
SPOKEN = "WAV, FLAC, AIFF, Ogg or MP3"
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Samples a second that MP3 knows; twice and four times the last two are made smaller."""
MOST_SECONDS = 900
BARS = 160
"""How many heights the waveform has."""
SMALLEST = 0.45
"""0 is the best and biggest of the encoder's variable rates, 1 the smallest: about 160 kbit/s for stereo."""
TAPS = 64


@dataclass(frozen=True)
class Sound:
    """What is kept and played: MP3, its length, and the waveform's heights from 0 to 100."""

    content: bytes
    milliseconds: int
    peaks: list[int]


def prepared(raw: IO[bytes], note: Callable[[int], None] = lambda _percent: None) -> Sound:
    """The sound in `raw`; `note` hears how many percent are done. Raises Unusable."""
    try:
        with soundfile.SoundFile(raw) as source:
            return _written(source, _bearable(source), note)
    except soundfile.LibsndfileError as error:
        raise Unusable(f"This is not a {SPOKEN} file, or it is damaged.") from error


def _bearable(source: soundfile.SoundFile) -> int:
    """By how much its rate has to be divided. Raises Unusable for what is no recording of bearable size."""
    if source.format not in KINDS:
        raise Unusable(f"This is not a {SPOKEN} file.")
    if source.channels > 2:
        raise Unusable(f"This file has {source.channels} channels. Send it in stereo or mono.")
    if source.frames > MOST_SECONDS * source.samplerate:
        raise Unusable(f"This recording is longer than {MOST_SECONDS // 60} minutes.")
    if source.frames < source.samplerate:
        raise Unusable("This recording is shorter than a second.")
    for factor in (1, 2, 4):
        if source.samplerate % factor == 0 and source.samplerate // factor in RATES:
            return factor
    raise Unusable(f"{source.samplerate:,} samples a second cannot be read. Send it with 44,100 or 48,000.")


def _written(source: soundfile.SoundFile, factor: int, note: Callable[[int], None]) -> Sound:
    out, loudest, done = io.BytesIO(), _Waveform(source.frames), 0
    rate = source.samplerate // factor
    how = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": SMALLEST, "bitrate_mode": "VARIABLE"}
    with soundfile.SoundFile(out, "w", rate, source.channels, **how) as target:
        smaller = _Smaller(factor, source.channels)
        for samples in _read(source):
            loudest.hear(samples)
            target.write(np.clip(smaller.of(samples), -1, 1))
            done += len(samples)
            note(100 * done // source.frames)
    if done < source.frames:
        raise Unusable("This file breaks off before its end.")
    return Sound(out.getvalue(), round(1000 * done / source.samplerate), loudest.heights())


def _read(source: soundfile.SoundFile) -> Iterator[Samples]:
    """The samples, a few seconds at a time. Raises Unusable for what is no number."""
    for samples in source.blocks(blocksize=4 * 65_536, dtype="float32", always_2d=True):
        if not np.isfinite(samples).all():
            raise Unusable("This file is damaged: it holds samples that are no numbers.")
        yield samples


class _Waveform:
    """The loudness of each of BARS parts, root mean square, as it comes in."""

    def __init__(self, frames: int) -> None:
        self.edges = np.linspace(0, frames, BARS + 1).astype(np.int64)
        self.sums = np.zeros(BARS)
        self.heard = 0

    def hear(self, samples: Samples) -> None:
        energy = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64).mean(axis=1))))
        places = np.clip(self.edges - self.heard, 0, len(samples))
        self.sums += np.diff(energy[places])
        self.heard += len(samples)

    def heights(self) -> list[int]:
        loudness = np.sqrt(self.sums / np.maximum(np.diff(self.edges), 1))
        top = float(loudness.max()) or 1.0
        return [int(height) for height in np.rint(100 * loudness / top)]


class _Smaller:
    """Fewer samples a second: low-pass (windowed sinc), then every `factor`-th, across block borders."""

    def __init__(self, factor: int, channels: int) -> None:
        self.factor = factor
        places = np.arange(-TAPS * factor, TAPS * factor + 1)
        taps = np.sinc(0.92 * places / factor) * np.blackman(len(places))
        self.taps = (taps / taps.sum()).astype(np.float32)
        self.before: Samples = np.zeros((len(self.taps) - 1, channels), np.float32)

    def of(self, samples: Samples) -> Samples:
        if self.factor == 1:
            return samples
        joined = np.concatenate([self.before, samples])
        self.before = joined[-(len(self.taps) - 1) :]
        filtered = [np.convolve(joined[:, channel], self.taps, "valid") for channel in range(joined.shape[1])]
        kept: Samples = np.stack(filtered, axis=1)[:: self.factor]
        return kept
