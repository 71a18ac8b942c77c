"""A sleeve is the same for ever, harmless as a document, and belongs to its artist's palette."""

import re
from xml.etree import ElementTree

import pytest

from portal.covers import COLOURS, NIGHT_FIELDS, PALETTES, PRESSES, avatar_svg, cover_svg, peaks_for


def field_of(svg: str) -> str:
    found = re.search(r'<rect width="600" height="600" fill="(#\w+)"', svg)
    assert found
    return found[1]


def test_same_seed_same_sleeve_other_seed_another() -> None:
    assert cover_svg("one", "brine") == cover_svg("one", "brine")
    assert cover_svg("one", "brine") != cover_svg("two", "brine")
    assert avatar_svg("one", "brine") != avatar_svg("two", "brine")


@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("palette", PALETTES)
def test_every_press_prints_every_palette_in_its_own_colours(palette: str, press: str) -> None:
    svg = cover_svg("seed", palette, press, turn=1)
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    p = COLOURS[palette]
    overprint = set(re.findall(r'fill="(#\w{6})" clip-path', svg))
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) <= {p.ground, p.on, p.a, p.b, p.c} | overprint
    assert len(svg) < 9_000


@pytest.mark.parametrize("palette", PALETTES)
def test_no_style_script_or_link_inside(palette: str) -> None:
    for seed in ("a", "b", "c", "d", "e"):
        svg = cover_svg(seed, palette) + avatar_svg(seed, palette)
        assert not re.search(r"style|script|href|\bon\w+=|nan|inf", svg)


@pytest.mark.parametrize("palette", PALETTES)
def test_a_chosen_field_is_never_the_ground_that_the_band_has(palette: str) -> None:
    fields = {field_of(cover_svg(str(seed), palette)) for seed in range(40)}
    p = COLOURS[palette]
    assert fields == ({p.b} if palette in NIGHT_FIELDS else {p.a, p.b})


def test_the_recordings_own_loudness_is_what_is_printed() -> None:
    quiet, loud = [0.1] * 50, [0.1, 1.0] * 25
    assert cover_svg("x", "tram", "groove", 1, quiet) != cover_svg("x", "tram", "groove", 1, loud)
    assert cover_svg("x", "tram", "stairs", 1, quiet) == cover_svg("x", "tram", "stairs", 1, loud)


def test_peaks_are_loudness_values_quiet_at_both_ends() -> None:
    peaks = peaks_for("song", 180)
    assert len(peaks) == 180
    assert all(0 < p <= 1 for p in peaks)
    assert max(peaks) > 0.4 > max(peaks[0], peaks[-1])
    assert peaks == peaks_for("song", 180)
    assert len(peaks_for("song", 1)) == 1


def test_unknown_palette_or_press_is_an_error() -> None:
    with pytest.raises(KeyError):
        cover_svg("x", "mauve")
    with pytest.raises(KeyError):
        cover_svg("x", "brine", "etching")
