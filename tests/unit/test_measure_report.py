"""The page: complete, self-contained, and true to the figures."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from vicinal.measure import Comparison, Curve, EngineResult, Point, Recall, write_report
from vicinal.measure.chart import Frame, Line, color_of, draw_bars, draw_curves
from vicinal.measure.environment import describe_environment
from vicinal.measure.report import render_report

# Whatever makes a browser fetch something; an anchor inside the page would not.
FETCHES = re.compile(
    r"""(?:\b(?:src|href|data|action|poster|srcset)\s*=)|url\(|@import|<script|<link|<iframe|https?:""", re.I
)


def point(effort: int, share: float, speed: float) -> Point:
    found = Recall(share, share - 0.01, min(1.0, share + 0.01), 10, int(share * 1000), 1000)
    rounds = (speed * 0.9, speed, speed * 1.2)
    return Point(effort, found, rounds, rounds, 1e6 / speed, 2e6 / speed, 40.0 * effort, 4.0 * effort)


def engine(name: str, factor: float) -> EngineResult:
    curve = Curve((point(10, 0.88, 9000 * factor), point(40, 0.97, 4000 * factor), point(160, 0.999, 1200 * factor)))
    return EngineResult(name, "1.2.3", {"M": 16}, None, 3.5 * factor, 5_000_000, 6_000_000, curve)


@pytest.fixture
def comparison() -> Comparison:
    missing = EngineResult("usearch", missing="not installed: pip install usearch")
    engines = (engine("vicinal", 2.0), engine("faiss", 1.0), engine("hnswlib", 1.25), missing)
    command = "vicinal bench --dataset 'a <b> & c'"
    return Comparison("sift-20k", 20_000, 128, 1000, "l2", 10, 2, 1, 3, True, engines, describe_environment(), command)


class Reader(HTMLParser):
    """Collects the text and checks that tags are closed in order."""

    VOID = frozenset({"meta", "br", "line", "circle", "rect", "polygon", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text_of(page: str) -> str:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return " ".join(" ".join(reader.words).split())


def test_the_page_names_every_engine_missing_ones_too(comparison: Comparison) -> None:
    text = text_of(render_report(comparison))

    for measured in comparison.engines:
        assert measured.name in text
    assert "missing: not installed: pip install usearch" in text


def test_the_page_fetches_nothing(comparison: Comparison, tmp_path: Path) -> None:
    write_report(comparison, tmp_path / "report.html")

    page = (tmp_path / "report.html").read_text(encoding="utf-8")

    assert page.startswith("<!DOCTYPE html>")
    assert FETCHES.search(page) is None
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("planted", ['<img src="x.png">', "<a href='x'>", "@import 'x'", "background:url(x)"])
def test_a_planted_reference_is_caught(planted: str) -> None:
    assert FETCHES.search(planted)


def test_the_page_shows_the_figures_of_the_comparison(comparison: Comparison) -> None:
    text = text_of(render_report(comparison))

    speed = comparison["vicinal"].curve.speed_at(0.95)
    assert speed is not None
    assert f"{speed:,.0f} queries per second" in text
    assert f"{speed:,.0f} queries per second : 2.00 times faiss's and 1.60 times hnswlib's." in text
    assert "300 B" in text  # 6 000 000 bytes over 20 000 vectors
    assert comparison.environment.processor in text
    assert "two" not in text
    assert "2 threads" in text


def test_what_the_caller_wrote_is_escaped(comparison: Comparison) -> None:
    page = render_report(comparison)

    assert "a <b> & c" not in page
    assert "a <b> & c" in text_of(page)


def test_every_measured_engine_has_a_curve_and_a_bar(comparison: Comparison) -> None:
    page = render_report(comparison)

    drawings = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(drawings) == 5  # single queries, batches, distances, build time, memory
    for name in ("vicinal", "faiss", "hnswlib"):
        assert all(f'"{color_of(name)}"' in drawing for drawing in drawings)
    assert all("usearch" not in drawing for drawing in drawings)


def test_a_page_about_nothing_is_still_a_page() -> None:
    absent = EngineResult("faiss", missing="not installed")
    empty = Comparison("none", 0, 2, 0, "l2", 10, 1, 1, 1, True, (absent,), describe_environment(), "true")

    assert "No engine could be measured." in text_of(render_report(empty))


def test_a_curve_that_never_reaches_the_headline_says_how_far_it_came(comparison: Comparison) -> None:
    low = EngineResult("vicinal", curve=Curve((point(10, 0.5, 100), point(20, 0.6, 50))))
    weak = Comparison(
        "hard", 10, 2, 10, "l2", 10, 1, 1, 3, True, (low, *comparison.engines[1:]), describe_environment(), "true"
    )

    assert "vicinal reached a recall of 0.600 at most." in text_of(render_report(weak))


def positions(drawing: str) -> list[tuple[float, float]]:
    (path,) = re.findall(r'<polyline points="([^"]+)"', drawing)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in path.split())]


def test_higher_recall_lies_further_right_and_higher_speed_further_up() -> None:
    drawing = draw_curves([Line("faiss", [0.9, 0.99, 0.999], [1000, 100, 10])], Frame(600, 400), "speed", 10)

    (x1, y1), (x2, y2), (x3, y3) = positions(drawing)
    assert x1 < x2 < x3
    assert y1 < y2 < y3
    # Both axes are logarithmic, so these points lie on a line.
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.2)


@pytest.mark.parametrize(("recalls", "values"), [([1.0], [50.0]), ([0.2, 1.0], [5.0, 5.0]), ([0.0, 0.0], [1e6, 1e-1])])
def test_a_curve_without_extent_stays_inside_the_drawing(recalls: list[float], values: list[float]) -> None:
    drawing = draw_curves([Line("faiss", recalls, values)], Frame(600, 400), "speed", 10)

    assert all(0 <= x <= 600 and 0 <= y <= 400 for x, y in positions(drawing))


def test_names_at_the_ends_of_curves_do_not_overlap() -> None:
    lines = [Line(f"engine {i}", [0.9, 0.99], [1000 + i, 100 + i]) for i in range(6)]

    drawing = draw_curves(lines, Frame(600, 400), "speed", 10)

    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>engine \d', drawing))
    assert len(heights) == 6
    assert min(b - a for a, b in pairwise(heights)) >= 16


def test_bars_are_as_long_as_their_values() -> None:
    drawing = draw_bars([("vicinal", 4.0), ("faiss", 1.0), ("hnswlib", None)], "build time", "{:.0f} s".format)

    long, short = (float(width) for width in re.findall(r'<rect[^>]*width="([\d.]+)"', drawing))
    assert long == pytest.approx(4 * short, rel=0.01)
    assert "not known" in drawing
