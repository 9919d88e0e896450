"""One page about a comparison, with everything it needs inside: no script, no font, no link."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from vicinal.measure.chart import Frame, Line, color_of, draw_bars, draw_curves
from vicinal.measure.comparison import Comparison, EngineResult
from vicinal.measure.points import TARGET_RECALLS, Point

_HEADLINE_RECALL = 0.95


def write_report(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write the page.

    Parameters
    ----------
    comparison : Comparison
    path : path
        An existing file is replaced.

    Examples
    --------
    >>> import os, tempfile
    >>> from vicinal.measure.environment import describe_environment
    >>> empty = Comparison("none", 0, 2, 0, "l2", 10, 1, 1, 1, True, (), describe_environment(), "true")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(empty, os.path.join(folder, "report.html"))
    """
    Path(path).write_text(render_report(comparison), encoding="utf-8")


def render_report(comparison: Comparison) -> str:
    """Give the page as text."""
    measured = [engine for engine in comparison.engines if not engine.missing]
    return _PAGE.format(
        title=escape(f"{comparison.dataset}: recall and speed"),
        style=page_style(),
        heading=escape(comparison.dataset),
        facts=escape(_facts(comparison)),
        headline=_headline(comparison, measured),
        k=comparison.k,
        one_chart=draw_curves(
            [_speed_line(engine, lambda point: point.one_qps) for engine in measured],
            Frame(width=960, height=440),
            "queries per second",
            comparison.k,
        ),
        speed_table=_speed_table(comparison, measured),
        batch_chart=draw_curves(
            [_speed_line(engine, lambda point: point.batch_qps) for engine in measured],
            _SMALL,
            "queries per second",
            comparison.k,
        ),
        distance_chart=draw_curves(
            [_distance_line(engine) for engine in measured], _SMALL, "distances per query", comparison.k
        ),
        build_threads=_threads(comparison.build_threads),
        build_bars=draw_bars([(e.name, e.build_seconds) for e in measured], "build time", lambda s: f"{s:,.1f} s"),
        memory_note=_memory_note(measured),
        memory_bars=draw_bars(_bytes_per_vector(comparison, measured), "memory", lambda b: f"{b:,.0f} B"),
        configuration=_configuration(comparison),
        environment=_environment(comparison),
        command=escape(comparison.command),
        isolation="a process of its own" if comparison.isolated else "one process shared by all",
        rounds=comparison.rounds,
    )


_SMALL = Frame(width=450, height=320, left=60)


def _facts(comparison: Comparison) -> str:
    return (
        f"{comparison.rows:,} vectors of {comparison.dim} dimensions, {comparison.metric}, "
        f"{comparison.queries:,} queries held out, k = {comparison.k}"
    )


def _headline(comparison: Comparison, measured: Sequence[EngineResult]) -> str:
    if not measured:
        return "No engine could be measured."
    first = measured[0]
    speed = first.curve.speed_at(_HEADLINE_RECALL)
    if speed is None:
        return f"{escape(first.name)} reached a recall of {first.curve.highest_recall:.3f} at most."
    sentence = (
        f"At a recall of {_HEADLINE_RECALL:g}, one query per call, <b>{escape(first.name)}</b> answers "
        f"<b>{speed:,.0f} queries per second</b>"
    )
    if first is not comparison.engines[0]:
        return sentence + "."
    ratios = [(engine.name, comparison.ratio_to(engine.name, _HEADLINE_RECALL)) for engine in measured[1:]]
    told = [f"{ratio.value:.2f} times {escape(name)}'s" for name, ratio in ratios if ratio]
    return sentence + (f": {_listed(told)}." if told else ".")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _speed_line(engine: EngineResult, rounds: Callable[[Point], Sequence[float]]) -> Line:
    points = [(point.recall.value, sorted(rounds(point))) for point in engine.curve.points if rounds(point)]
    return Line(
        name=engine.name,
        recalls=[recall for recall, _ in points],
        values=[_middle(speeds) for _, speeds in points],
        lows=[speeds[0] for _, speeds in points],
        highs=[speeds[-1] for _, speeds in points],
    )


def _distance_line(engine: EngineResult) -> Line:
    points = [(p.recall.value, p.distances) for p in engine.curve.points if p.distances is not None]
    return Line(engine.name, [recall for recall, _ in points], [distances for _, distances in points])


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _bytes_per_vector(comparison: Comparison, measured: Iterable[EngineResult]) -> list[tuple[str, float | None]]:
    sizes = ((e.name, e.reported_bytes if e.resident_bytes is None else e.resident_bytes) for e in measured)
    return [(name, None if size is None else size / max(1, comparison.rows)) for name, size in sizes]


def _memory_note(measured: Sequence[EngineResult]) -> str:
    if any(engine.resident_bytes is not None for engine in measured):
        return "bytes per vector: what the process grew by while it built"
    return "bytes per vector, by each library's own account"


def _speed_table(comparison: Comparison, measured: Sequence[EngineResult]) -> str:
    headings = ["engine", *(f"at {target:g}" for target in TARGET_RECALLS)]
    headings += [f"{what}<br>at {_HEADLINE_RECALL:g}" for what in ("ratio", "p50 / p99 µs", "in batch")]
    headings += ["highest<br>recall"]
    rows = []
    for place, engine in enumerate(measured):
        ratio = None if place == 0 else comparison.ratio_to(engine.name, _HEADLINE_RECALL)
        latency = engine.curve.latency_at(_HEADLINE_RECALL)
        cells = [
            f"<i style='background:{color_of(engine.name, place)}'></i>{escape(engine.name)}",
            *(_count(engine.curve.speed_at(target)) for target in TARGET_RECALLS),
            "" if place == 0 else "–" if ratio is None else escape(str(ratio)),
            "–" if latency is None else f"{latency[0]:.0f} / {latency[1]:.0f}",
            _count(engine.curve.speed_at(_HEADLINE_RECALL, batch=True)),
            f"{engine.curve.highest_recall:.4f}",
        ]
        rows.append(cells)
    return table_of(headings, rows)


def _configuration(comparison: Comparison) -> str:
    rows = []
    for engine in comparison.engines:
        settings = ", ".join(f"{key} = {value}" for key, value in (engine.settings or {}).items())
        account = "–" if engine.reported_bytes is None else f"{engine.reported_bytes / 1e6:,.1f} MB"
        state = f"missing: {engine.missing}" if engine.missing else account
        rows.append([escape(engine.name), escape(engine.version), escape(settings), escape(state)])
    return table_of(["engine", "version", "settings", "size by its own account"], rows, words=True)


def _environment(comparison: Comparison) -> str:
    facts = comparison.environment
    rows = [
        ["processor", facts.processor],
        ["cores", f"{facts.cores} usable; search on {_threads(comparison.threads)}"],
        ["system", f"{facts.system}, Python {facts.python}, NumPy {facts.numpy}"],
        ["vicinal", facts.vicinal + (f", commit {facts.commit}" if facts.commit else "")],
        ["measured", facts.date],
    ]
    return table_of([], [[escape(cell) for cell in row] for row in rows], words=True)


def page_style() -> str:
    """Give the style sheet of a page."""
    return _STYLE


def table_of(headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False) -> str:
    """Draw a table; cells are HTML."""
    head = f"<tr>{''.join(f'<th>{heading}</th>' for heading in headings)}</tr>" if headings else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class='wide'><table{' class=words' if words else ''}>{head}{body}</table></div>"


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fafaf8; color: #222; font: 15px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 2px; }
p { margin: 4px 0 0; max-width: 46em; }
.quiet { color: #666; font-size: 14px; }
.headline { font-size: 18px; margin: 18px 0 26px; line-height: 1.5; }
section { background: #fff; border: 1px solid #e6e6e2; border-radius: 8px; padding: 20px 22px 18px; margin: 0 0 18px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 18px; }
.pair section { margin: 0; min-width: 0; }
.pair { margin: 0 0 18px; }
svg { display: block; width: 100%; height: auto; margin-top: 10px; font-size: 13px; }
table { border-collapse: collapse; width: 100%; margin-top: 10px; font-variant-numeric: tabular-nums; font-size: 14px; }
th { text-align: right; vertical-align: bottom; line-height: 1.3; font-weight: 600; color: #666; font-size: 13px; white-space: nowrap; }
td { text-align: right; white-space: nowrap; border-top: 1px solid #eee; }
th, td { padding: 6px 0 6px 14px; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr:nth-child(2) td { font-weight: 600; }
table.words th, table.words td { text-align: left; font-weight: 400; white-space: normal; }
table.words th { font-weight: 600; }
table.words td:first-child { white-space: nowrap; }
td i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 8px; }
.wide { overflow-x: auto; }
pre { background: #f4f4f1; border-radius: 6px; padding: 12px 14px; overflow-x: auto; font-size: 13px; white-space: pre-wrap; }
""".strip()  # noqa: E501 - a style sheet reads better by rule than by line length

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
<h1>{heading}</h1>
<p class="quiet">{facts}</p>
<p class="headline">{headline}</p>
<section>
<h2>Recall against speed, one query per call</h2>
<p class="quiet">Up and to the right is better. Bands span all {rounds} rounds.</p>
{one_chart}
</section>
<section>
<h2>Queries per second at a given recall@{k}</h2>
<p class="quiet">Read off the curves, round by round, then the median. The ratio is the first engine's speed by this
engine's, the median over rounds with its interval.</p>
{speed_table}
</section>
<div class="pair">
<section>
<h2>All queries in one call</h2>
<p class="quiet">Up and to the right is better.</p>
{batch_chart}
</section>
<section>
<h2>Distances computed per query</h2>
<p class="quiet">Down and to the right is better. By the libraries' own counters, where they have them.</p>
{distance_chart}
</section>
</div>
<div class="pair">
<section>
<h2>Build time</h2>
<p class="quiet">{build_threads}</p>
{build_bars}
</section>
<section>
<h2>Memory</h2>
<p class="quiet">{memory_note}</p>
{memory_bars}
</section>
</div>
<section>
<h2>Configuration</h2>
{configuration}
{environment}
</section>
<section>
<h2>How it was measured</h2>
<p>Each engine ran in {isolation}. Every round timed every effort on every engine in turn, in rotated order; figures are
medians over {rounds} rounds. An answer counts when it is among the true {k} neighbors or as near as the last of them,
by distances computed anew in double precision. Between points, the logarithm of speed is linear in recall.</p>
<p style="margin-top:12px">This repeats it:</p>
<pre>{command}</pre>
</section>
</main></body>
</html>
"""
