"""Draw curves and bars as SVG text, small enough to stand inside a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

# Okabe and Ito's palette, which stays apart under every kind of color blindness; vicinal's blue first.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B6B6B", "#8C6D1F")
_OWN_COLORS = {
    "vicinal": 0, "faiss": 1, "hnswlib": 2, "usearch": 3, "faiss-sq-refine": 4, "vicinal-exact": 5, "faiss-sq": 7,
}  # fmt: skip
_MARKS = ("circle", "square", "diamond", "triangle")

_RECALL_TICKS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
_RECALL_LIMIT = 0.9999  # recall 1 lies at infinity on this axis and is drawn here
_LINE_HEIGHT = 17.0
_LABEL_GAP = 18.0
_CHARACTER_WIDTH = 7.8  # of 13 px bold text, on the wide side


@dataclass(frozen=True)
class Line:
    """A named curve: recall by value, and the band its rounds spread over."""

    name: str
    recalls: Sequence[float]
    values: Sequence[float]
    lows: Sequence[float] = ()
    highs: Sequence[float] = ()


@dataclass(frozen=True)
class Frame:
    """Size of a drawing and the room around its plot; names of curves stand to its right."""

    width: float
    height: float
    left: float = 64.0
    right: float = 12.0
    top: float = 14.0
    bottom: float = 44.0


def color_of(name: str, place: int = 0) -> str:
    """Give an engine its color, the same in every drawing."""
    return _PALETTE[_OWN_COLORS.get(name, place % len(_PALETTE))]


def draw_curves(lines: Sequence[Line], frame: Frame, value_title: str, k: int) -> str:
    """Draw value over recall: recall widens toward 1, where the work is; values are logarithmic."""
    shown = [line for line in lines if line.values]
    if not shown:
        return "<p class='quiet'>Nothing was measured.</p>"
    longest = max(len(line.name) for line in shown)
    frame = replace(frame, right=_LABEL_GAP + 10 + _CHARACTER_WIDTH * longest)
    x, y = _recall_scale(shown, frame), _value_scale(shown, frame)
    parts = [_open(frame, f"{value_title} over recall")]
    parts += _recall_axis(x, frame, f"recall@{k}")
    parts += _value_axis(y, frame, value_title)
    for place, line in enumerate(shown):
        parts += _curve(line, place, x, y)
    parts += _end_labels(shown, x, y, frame)
    return "".join([*parts, "</svg>"])


def draw_bars(values: Sequence[tuple[str, float | None]], title: str, unit: Callable[[float], str]) -> str:
    """Draw one horizontal bar per engine, with its name before and its value behind."""
    known = [value for _, value in values if value is not None]
    height, step, left, right, width = 16.0, 30.0, 118.0, 92.0, 460.0
    frame = Frame(width=width, height=step * len(values) + 8)
    scale = (width - left - right) / max(known, default=1.0)
    parts = [_open(frame, title)]
    for place, (name, value) in enumerate(values):
        top = place * step + 8
        middle = top + height / 2
        parts.append(_text(left - 10, middle, name, "end", weight="600" if place == 0 else "400"))
        if value is None:
            parts.append(_text(left, middle, "not known", "start", fill="#8a8a8a"))
            continue
        length = max(2.0, value * scale)
        parts.append(
            f'<rect x="{left}" y="{top:.1f}" width="{length:.1f}" height="{height}" rx="2" '
            f'fill="{color_of(name, place)}"/>'
        )
        parts.append(_text(left + length + 8, middle, unit(value), "start"))
    return "".join([*parts, "</svg>"])


def _recall_scale(lines: Sequence[Line], frame: Frame) -> Callable[[float], float]:
    recalls = [min(recall, _RECALL_LIMIT) for line in lines for recall in line.recalls]
    low, high = (-math.log10(1 - recall) for recall in (min(recalls), max(recalls)))
    margin = 0.03 * (high - low) or 0.1
    return _linear(low - margin, high + margin, frame.left, frame.width - frame.right, _nines)


def _nines(recall: float) -> float:
    return -math.log10(1 - min(recall, _RECALL_LIMIT))


def _value_scale(lines: Sequence[Line], frame: Frame) -> Callable[[float], float]:
    values = [math.log10(v) for line in lines for v in (*line.values, *line.lows, *line.highs)]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 0.2
    return _linear(low - margin, high + margin, frame.height - frame.bottom, frame.top, math.log10)


def _linear(
    low: float, high: float, start: float, end: float, transform: Callable[[float], float]
) -> Callable[[float], float]:
    def place(value: float) -> float:
        return start + (transform(value) - low) / (high - low) * (end - start)

    return place


def _recall_axis(x: Callable[[float], float], frame: Frame, title: str) -> list[str]:
    bottom, parts, free_from = frame.height - frame.bottom, [], -math.inf
    for tick in _RECALL_TICKS:
        if not frame.left <= x(tick) <= frame.width - frame.right:
            continue
        parts.append(_segment(x(tick), frame.top, x(tick), bottom, "#ececec"))
        if x(tick) - 21 >= free_from:  # a label that would run into the last one is left out
            parts.append(_text(x(tick), bottom + 14, f"{tick:g}", "middle", fill="#666"))
            free_from = x(tick) + 23
    parts.append(_segment(frame.left, bottom, frame.width - frame.right, bottom, "#bbb"))
    parts.append(_text((frame.left + frame.width - frame.right) / 2, frame.height - 8, title, "middle", fill="#444"))
    return parts


def _value_axis(y: Callable[[float], float], frame: Frame, title: str) -> list[str]:
    parts = []
    ticks = [m * 10.0**e for e in range(-1, 9) for m in (1, 2, 5)]
    for tick in ticks:
        if not frame.top <= y(tick) <= frame.height - frame.bottom:
            continue
        parts.append(_segment(frame.left, y(tick), frame.width - frame.right, y(tick), "#ececec"))
        label = f"{tick / 1000:g} k" if tick >= 1000 else f"{tick:g}"
        parts.append(_text(frame.left - 8, y(tick), label, "end", fill="#666"))
    middle = (frame.top + frame.height - frame.bottom) / 2
    parts.append(
        f'<text transform="translate(14 {middle:.1f}) rotate(-90)" text-anchor="middle" fill="#444">'
        f"{escape(title)}</text>"
    )
    return parts


def _curve(line: Line, place: int, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
    color, parts = color_of(line.name, place), []
    points = [(x(r), y(v)) for r, v in zip(line.recalls, line.values, strict=True)]
    if line.lows and line.highs:
        edge = [(x(r), y(v)) for r, v in zip(line.recalls, line.highs, strict=True)]
        edge += [(x(r), y(v)) for r, v in zip(line.recalls, line.lows, strict=True)][::-1]
        parts.append(f'<polygon points="{_path(edge)}" fill="{color}" opacity="0.13"/>')
    parts.append(
        f'<polyline points="{_path(points)}" fill="none" stroke="{color}" '
        f'stroke-width="{2.8 if place == 0 else 1.8}" stroke-linejoin="round"/>'
    )
    parts += [_mark(_MARKS[place % len(_MARKS)], px, py, color) for px, py in points]
    return parts


def _mark(shape: str, x: float, y: float, color: str) -> str:
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{color}"/>'
    corners = {
        "square": ((-2.8, -2.8), (2.8, -2.8), (2.8, 2.8), (-2.8, 2.8)),
        "diamond": ((0, -3.9), (3.9, 0), (0, 3.9), (-3.9, 0)),
        "triangle": ((0, -3.8), (3.6, 2.8), (-3.6, 2.8)),
    }[shape]
    return f'<polygon points="{_path([(x + dx, y + dy) for dx, dy in corners])}" fill="{color}"/>'


def _end_labels(
    lines: Sequence[Line], x: Callable[[float], float], y: Callable[[float], float], frame: Frame
) -> list[str]:
    """Write each name beside its curve's right end, moved apart where they would overlap."""
    ends = sorted((y(line.values[-1]), x(line.recalls[-1]), place, line.name) for place, line in enumerate(lines))
    heights = _spread([end[0] for end in ends], frame.top + 6, frame.height - frame.bottom - 4)
    label_x, parts = frame.width - frame.right + _LABEL_GAP, []
    for height, (end_y, end_x, place, name) in zip(heights, ends, strict=True):
        color = color_of(name, place)
        parts.append(_segment(end_x + 6, end_y, label_x - 4, height, color, opacity=0.45))
        parts.append(_text(label_x, height, name, "start", fill=color, weight="700" if place == 0 else "600"))
    return parts


def _spread(wanted: Sequence[float], top: float, bottom: float) -> list[float]:
    """Keep rising positions at least a line apart and inside the plot.

    Examples
    --------
    >>> _spread([50.0, 52.0], 0.0, 100.0)
    [50.0, 67.0]
    """
    placed: list[float] = []
    for position in wanted:
        placed.append(max(position, placed[-1] + _LINE_HEIGHT if placed else top))
    limit = bottom
    for number in reversed(range(len(placed))):
        placed[number] = min(placed[number], limit)
        limit = placed[number] - _LINE_HEIGHT
    return placed


def _open(frame: Frame, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {frame.width:g} {frame.height:g}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>"
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{px:.1f},{py:.1f}" for px, py in points)


def _segment(x1: float, y1: float, x2: float, y2: float, color: str, opacity: float = 1.0) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="1" opacity="{opacity:g}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str, fill: str = "#333", weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" dy="0.34em" text-anchor="{anchor}" fill="{fill}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
