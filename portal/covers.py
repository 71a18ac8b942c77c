"""The sleeve generator: a cover is palette x press x turn x seed, drawn as a 600 x 600 SVG, the same for ever.

The palette is the artist's, the press is how it is printed, the turn says which of the palette's colours is the field
(0 ground, 1 b, 2 a). Bars, groove, horizon and ridge are drawn from the recording's own loudness. Only presentation
attributes are used, so the strict content policy has nothing to object to; the ids inside repeat from cover to cover,
so a page shows covers through `<img>`, never inline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

SIZE = 600
T = TypeVar("T")


@dataclass(frozen=True)
class Palette:
    """Colours as '#rrggbb'. Text is only ever set in `on`; a, b and c are for shapes."""

    ground: str
    on: str
    a: str
    b: str
    c: str


COLOURS: dict[str, Palette] = {
    "brine": Palette("#0e4a4d", "#f6efdf", "#f2603c", "#f3c9a0", "#0a3336"),
    "tram": Palette("#f0b323", "#1d1710", "#1d1710", "#d8452b", "#f7dc9c"),
    "granskog": Palette("#1f4a33", "#f3efe0", "#e6dcb8", "#8cc4d8", "#e8862e"),
    "bus": Palette("#ec6a3c", "#1a0d08", "#1c2a63", "#fbd9a5", "#8e1f2f"),
    "weather": Palette("#a9cfe8", "#12263a", "#12263a", "#c63b2b", "#f0d3b0"),
    "lantern": Palette("#f3cdc3", "#47132f", "#6b1d46", "#c98a1b", "#f9dcbf"),
    "contour": Palette("#2b2d1c", "#f0ecd0", "#c9d24a", "#7c8050", "#dcd7a4"),
    "calle": Palette("#f05a92", "#1d0612", "#17379f", "#ffd23f", "#ffd5c8"),
    "choir": Palette("#243b8f", "#fbf3e2", "#f6c945", "#e8d2ad", "#e5533d"),
    "aviary": Palette("#161514", "#efeae0", "#d7301f", "#8a857b", "#cbc3b3"),
    "ochre": Palette("#d99033", "#1c1006", "#402410", "#f4dfb4", "#2d5a56"),
    "frost": Palette("#c9dcdf", "#15242a", "#1c2226", "#2f6f8f", "#e0a526"),
}
PALETTES: list[str] = list(COLOURS)
NIGHT_FIELDS = {"tram", "frost"}
"""Palettes whose `a` is nearly the dark page: as a field it would melt into it, so it is never chosen by itself."""


@dataclass(frozen=True)
class Inks:
    """The palette as this turn uses it: field, main shape, second shape, foot, and the light or dark accent."""

    field: str
    main: str
    second: str
    foot: str
    on: str


class Dice:
    """An endless row of numbers that depends on the seed only, not on the platform's random generator."""

    def __init__(self, seed: str) -> None:
        self._seed, self._count = seed.encode(), 0

    def between(self, low: float, high: float) -> float:
        self._count += 1
        digest = sha256(self._seed + b":%d" % self._count).digest()
        return low + (high - low) * int.from_bytes(digest[:6]) / 2**48

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.between(0, len(choices)))]


@dataclass(frozen=True)
class Sheet:
    """What a press gets: its inks, its dice and the loudness (0 to 1) of the recording."""

    inks: Inks
    dice: Dice
    peaks: Sequence[float]

    def loudness(self, at: float) -> float:
        """The loudness at `at` (0 to 1) of the recording."""
        return self.peaks[min(int(at * len(self.peaks)), len(self.peaks) - 1)]


def cover_svg(
    seed: str,
    palette: str,
    press: str | None = None,
    turn: int | None = None,
    peaks: Sequence[float] | None = None,
) -> str:
    """The cover of `seed` (a master's id) as an SVG document of 600 x 600.

    Without `press` or `turn` the seed chooses; the chosen turn is never 0, whose field would melt into the band in
    the artist's ground colour. `peaks` are 0 to 1; without them the seed's own are drawn. Raises KeyError for an
    unknown palette or press, and IndexError for a turn other than 0, 1, 2.
    """
    return _document(_drawing(seed, palette, press, turn, peaks), "0 0 600 600")


def avatar_svg(seed: str, palette: str) -> str:
    """A square picture for a person or artist, cut from the middle of a sleeve so that it reads at 32 px."""
    dice = Dice(f"avatar:{seed}")
    press = dice.pick(("cut", "eclipse", "quarters", "groove", "cut"))
    return _document(_drawing(f"avatar:{seed}", palette, press, dice.pick((0, 1, 2)), None), "60 60 440 440")


def peaks_for(seed: str, n: int) -> list[float]:
    """`n` loudness values from 0 to 1 that look like a song: sections of different level, quiet at both ends."""
    dice = Dice(f"peaks:{seed}")
    lengths = [dice.between(0.6, 1.6) for _ in range(7)]
    levels = [dice.between(0.22, 0.5) if i % 2 == 0 else dice.between(0.45, 1) for i in range(7)]
    ends = [sum(lengths[: i + 1]) / sum(lengths) for i in range(7)]
    rough = [_loudness(i / max(n - 1, 1), ends, levels) * dice.between(0.7, 1) for i in range(n)]
    return [value / max(rough) for value in rough]


def _loudness(at: float, ends: Sequence[float], levels: Sequence[float]) -> float:
    section = next((i for i, end in enumerate(ends) if at <= end), len(ends) - 1)
    fade = min(1.0, at / 0.03, (1 - at) / 0.09)
    return levels[section] * (0.12 + 0.88 * max(fade, 0))


def _drawing(seed: str, palette: str, press: str | None, turn: int | None, peaks: Sequence[float] | None) -> str:
    dice = Dice(seed)
    chosen_press = dice.pick(list(PRESSES)) if press is None else press
    chosen_turn = dice.pick(_own_turns(palette)) if turn is None else turn
    inks = _inks(COLOURS[palette], chosen_turn)
    drawing = PRESSES[chosen_press](Sheet(inks, dice, peaks or peaks_for(seed, 120)))
    return f'<rect width="600" height="600" fill="{inks.field}"/>{drawing}{_speckle(dice, inks.on)}'


def _own_turns(palette: str) -> tuple[int, ...]:
    return (1,) if palette in NIGHT_FIELDS else (1, 2)


def _inks(p: Palette, turn: int) -> Inks:
    return (
        Inks(p.ground, p.a, p.b, p.c, p.on),
        Inks(p.b, p.a, p.ground, p.c, p.on),
        Inks(p.a, p.b, p.ground, p.c, p.on),
    )[turn]


def _document(drawing: str, box: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600" viewBox="{box}">{drawing}</svg>'


def _speckle(dice: Dice, colour: str) -> str:
    """The print's grain: one 200 px tile of 96 round dots in two sizes."""

    def dots(count: int) -> str:
        return "".join(f"M{dice.between(3, 197):.0f} {dice.between(3, 197):.0f}h0" for _ in range(count))

    return (
        f'<pattern id="g" width="200" height="200" patternUnits="userSpaceOnUse"><g stroke="{colour}" '
        f'stroke-linecap="round" stroke-opacity=".28"><path stroke-width="1.4" d="{dots(70)}"/>'
        f'<path stroke-width="2.4" d="{dots(26)}"/></g></pattern><rect width="600" height="600" fill="url(#g)"/>'
    )


def _multiplied(one: str, other: str) -> str:
    """The colour of two inks printed over each other."""
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{x * y // 255:02x}" for x, y in pairs)


def _disc(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}"/>'


def _block(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" fill="{fill}"/>'


def _bars(s: Sheet) -> str:
    foot_at = s.dice.pick((330, 378, 400))
    drawing = [_block(0, foot_at, 600, 600 - foot_at, s.inks.foot)]
    loudest = max(max(s.peaks), 0.01)
    for i in range(13):
        half = 24 + 130 * s.loudness((i + 0.5) / 13) / loudest
        ink = s.inks.second if s.dice.between(0, 1) < 0.25 else s.inks.main
        x = 46 + i * 42.3
        drawing.append(
            f'<path stroke="{ink}" stroke-width="26" stroke-linecap="round" '
            f'd="M{x:.0f} {300 - half:.0f}V{300 + half:.0f}"/>'
        )
    return "".join(drawing)


def _star(s: Sheet, x: float, y: float, radius: float, fill: str) -> str:
    """A soft star: curves through the middles between alternating far and near points."""
    points, start = s.dice.pick((6, 7, 8)), s.dice.between(0, math.pi)
    corners = []
    for i in range(points * 2):
        reach = radius * (1.06 if i % 2 == 0 else 0.68) * s.dice.between(0.93, 1.07)
        angle = start + i * math.pi / points
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    middles = [
        ((ax + bx) / 2, (ay + by) / 2) for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    curves = "".join(
        f"Q{cx:.0f} {cy:.0f} {mx:.0f} {my:.0f}" for (cx, cy), (mx, my) in zip(corners, middles, strict=True)
    )
    return f'<path fill="{fill}" d="M{middles[-1][0]:.0f} {middles[-1][1]:.0f}{curves}z"/>'


def _cut(s: Sheet) -> str:
    side = s.dice.pick((200, 400))
    corner = s.dice.pick(((500, 110), (118, 500), (500, 110)))
    big, small = s.dice.pick((((225, 235), (410, 430)), ((235, 215), (420, 400))))
    return (
        _block(0 if side == 200 else 400, 0, 200, 600, s.inks.foot)
        + _disc(*corner, 56, s.inks.on)
        + _star(s, *big, 222, s.inks.main)
        + _star(s, *small, 178, s.inks.second)
    )


def _eclipse(s: Sheet) -> str:
    one = (s.dice.between(215, 265), s.dice.between(240, 280), s.dice.between(190, 212))
    other = (one[0] + s.dice.between(95, 130), one[1] + s.dice.between(45, 70), one[2] * 0.97)
    clip = '<clipPath id="k"><circle cx="{:.0f}" cy="{:.0f}" r="{:.0f}"/></clipPath>'.format(*one)
    overlap = _disc(*other, _multiplied(s.inks.main, s.inks.second)).replace("/>", ' clip-path="url(#k)"/>')
    lines = "".join(_block(0, 462 + i * 19.5, 600, 2 + i * 1.5, (s.inks.main, s.inks.foot)[i % 2]) for i in range(7))
    return clip + _disc(*one, s.inks.main) + _disc(*other, s.inks.second) + overlap + lines


def _groove(s: Sheet) -> str:
    x, y, label = s.dice.pick(((150, 180, 118), (455, 150, 118), (600, 600, 100), (0, 600, 100)))
    rings, radius, i = [], label + 22.0, 0
    while radius < 860:
        ink = s.inks.foot if i % 9 == 4 else s.inks.main
        thick = 6 + 12 * s.loudness(min((radius - label) / 740, 1))
        rings.append(f'<circle cx="{x}" cy="{y}" r="{radius:.0f}" stroke="{ink}" stroke-width="{thick:.1f}"/>')
        radius, i = radius + 24.5, i + 1
    centre = _disc(x, y, label, s.inks.foot) + _disc(x, y, 18, s.inks.main)
    return f'<g fill="none">{"".join(rings)}</g>{centre}'


def _skyline(s: Sheet, base: float, height: float, fill: str) -> str:
    top = [f"L{i * 600 / 30:.0f} {base - height * s.loudness(i / 30) ** 1.5:.0f}" for i in range(1, 30)]
    return f'<path fill="{fill}" d="M0 600V{base:.0f}{"".join(top)}L600 {base:.0f}V600z"/>'


def _horizon(s: Sheet) -> str:
    x, r = s.dice.pick((220, 300, 385)), s.dice.between(200, 220)
    bands = "".join(_block(0, y, 600, h, s.inks.field) for y, h in ((260, 9), (297, 13), (339, 17), (381, 22)))
    return _disc(x, 265, r, s.inks.main) + bands + _skyline(s, 446, 84, s.inks.foot)


def _screen(name: str, gap: float, thick: float, angle: float, ink: str) -> str:
    return (
        f'<pattern id="{name}" width="{gap}" height="{gap}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({angle:.1f})"><rect width="{gap}" height="{thick}" fill="{ink}"/></pattern>'
    )


def _moire(s: Sheet) -> str:
    tilt = s.dice.pick((-1, 1)) * s.dice.between(5, 8)
    return (
        _screen("p", 20, 11, 0, s.inks.main)
        + _screen("q", 20, 8, tilt, s.inks.field)
        + _screen("r", 20, 9, tilt * 2, s.inks.foot)
        + '<rect width="600" height="430" fill="url(#p)"/><rect width="600" height="430" fill="url(#q)"/>'
        + _disc(300, 300, 238, "url(#r)")
        + _block(0, 430, 600, 170, s.inks.second)
    )


def _tile(s: Sheet, x: float, y: float, side: float) -> tuple[str, str]:
    """A tile's square and the shape on it, whose stroke hides the seam towards a neighbour of the same colour."""
    back, ink = s.dice.pick(_pairs(s.inks))
    far, low = x + side, y + side
    outline = s.dice.pick(
        (
            f"M{x:.0f} {y:.0f}H{far:.0f}A{side:.0f} {side:.0f} 0 0 1 {x:.0f} {low:.0f}z",
            f"M{far:.0f} {low:.0f}H{x:.0f}A{side:.0f} {side:.0f} 0 0 1 {far:.0f} {y:.0f}z",
            f"M{far:.0f} {y:.0f}V{low:.0f}A{side:.0f} {side:.0f} 0 0 1 {x:.0f} {y:.0f}z",
            f"M{x:.0f} {low:.0f}V{y:.0f}A{side:.0f} {side:.0f} 0 0 1 {far:.0f} {low:.0f}z",
            f"M{x:.0f} {low:.0f}L{far:.0f} {y:.0f}V{low:.0f}z",
            "disc",
            "",
        )
    )
    shape = f'<path fill="{ink}" stroke="{ink}" d="{outline}"/>' if outline else ""
    if outline == "disc":
        shape = _disc(x + side / 2, y + side / 2, side * 0.36, ink)
    return _block(x, y, side, side, back), shape


def _pairs(inks: Inks) -> list[tuple[str, str]]:
    colours = (inks.field, inks.main, inks.foot, inks.second)
    return [(one, other) for one in colours for other in colours if one != other]


def _quarters(s: Sheet) -> str:
    count = s.dice.pick((3, 3, 4))
    side = SIZE / count
    tiles = [_tile(s, i % count * side, i // count * side, side) for i in range(count * count)]
    squares = "".join(square for square, _ in tiles)
    return f'<g shape-rendering="crispEdges">{squares}</g>' + "".join(shape for _, shape in tiles)


def _ridge(s: Sheet) -> str:
    drawing = [_disc(s.dice.pick((165, 430)), 150, 118, s.inks.main)]
    for row in range(9):
        base, middle = 226 + row * 42, s.dice.between(0.3, 0.7)
        line = "".join(f"L{i * 12} {base - _hill(s, row, i / 50, middle):.0f}" for i in range(51))
        ink = s.inks.second if row % 4 == 0 else s.inks.foot
        drawing.append(
            f'<path fill="{s.inks.field}" stroke="{ink}" stroke-width="4.5" stroke-linejoin="round" '
            f'd="M-9 700V{base}{line}V700z"/>'
        )
    return "".join(drawing)


def _hill(s: Sheet, row: int, at: float, middle: float) -> float:
    near = math.exp(-(((at - middle) / 0.24) ** 2))
    return (8 + 96 * near) * (0.3 + s.loudness((at + row * 0.37) % 1)) * s.dice.between(0.75, 1)


def _stairs(s: Sheet) -> str:
    columns = [s.inks.foot, s.inks.main, s.inks.second]
    drawing = [_disc(150, 150, 86, s.inks.main)]
    start = s.dice.pick((0, 1, 2))
    for i in range(6):
        x, y, ink = i * 100, 500 - i * 100, columns[(i + start) % 3]
        cap = columns[(i + start + 1) % 3]
        drawing.append(f'<path fill="{ink}" stroke="{ink}" d="M{x} {y + 100}H{x + 100}V600H{x}z"/>')
        drawing.append(f'<path fill="{cap}" d="M{x} {y}H{x + 100}A100 100 0 0 1 {x} {y + 100}z"/>')
    return "".join(drawing)


PRESSES: dict[str, Callable[[Sheet], str]] = {
    "bars": _bars,
    "cut": _cut,
    "eclipse": _eclipse,
    "groove": _groove,
    "horizon": _horizon,
    "moire": _moire,
    "quarters": _quarters,
    "ridge": _ridge,
    "stairs": _stairs,
}
