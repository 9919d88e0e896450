"""One page about an index: what searches find in it, at which effort, and whether it is well."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from statistics import median

from vicinal.measure.chart import Frame, Line, draw_bars, draw_curves
from vicinal.measure.index_study import IndexStudy
from vicinal.measure.report import page_style, table_of


def write_index_report(study: IndexStudy, path: str | os.PathLike[str], name: str, command: str) -> None:
    """Write the page: it holds all it needs, and no script.

    Parameters
    ----------
    study : IndexStudy
    path : path
        An existing file is replaced.
    name : str
        What the page calls the index.
    command : str
        What repeats it.
    """
    Path(path).write_text(_page(study, name, command), encoding="utf-8")


def _page(study: IndexStudy, name: str, command: str) -> str:
    points = study.points
    recalls = [point.recall.value for point in points]
    frame = Frame(width=450, height=320, left=60)
    speed = Line("vicinal", recalls, [median(p.batch_qps) for p in points],
                 [min(p.batch_qps) for p in points], [max(p.batch_qps) for p in points])  # fmt: skip
    work = Line("vicinal", recalls, [max(point.distances or 0.0, 1.0) for point in points])
    return _PAGE.format(
        style=page_style(),
        name=escape(name),
        facts=escape(", ".join(f"{key} {value}" for key, value in study.facts.items())),
        headline=_headline(study),
        efforts=table_of(
            ["ef", f"recall@{study.k}", "interval of 95 %", "distances", "hops", "queries per second"],
            [_row(study, number) for number in range(len(points))],
        ),
        speed=draw_curves([speed], frame, "queries per second", study.k),
        work=draw_curves([work], frame, "distances per query", study.k),
        found=draw_bars(_shares(study), "queries by neighbors found", lambda count: f"{count:,.0f}"),
        ef=study.ef,
        k=study.k,
        health=escape(str(study.health)),
        command=escape(command),
    )


def _headline(study: IndexStudy) -> str:
    recall = study.usual.recall
    whole = study.found[-1] / study.queries
    return (
        f"A search that names no effort (ef = {study.ef}) finds <b>{recall.value:.2%}</b> of the {study.k} nearest "
        f"({recall.low:.2%} to {recall.high:.2%}), by {study.queries:,} queries; of {whole:.1%} of the queries, all. "
        f"The index is <b>{'well' if study.health.ok else 'not well'}</b>."
    )


def _row(study: IndexStudy, number: int) -> list[str]:
    point = study.points[number]
    return [
        f"{point.effort}" + (" (usual)" if point is study.usual else ""),
        f"{point.recall.value:.4f}",
        f"{point.recall.low:.4f} – {point.recall.high:.4f}",
        f"{point.distances or 0:,.0f}",
        f"{point.hops or 0:,.0f}",
        f"{median(point.batch_qps):,.0f}",
    ]


def _shares(study: IndexStudy) -> list[tuple[str, float | None]]:
    """Count queries of which all, all but one and so on were found: the rare bad ones in one bar."""
    found = study.found[::-1]
    named = ["all", "all but 1", "all but 2", "all but 3"][: len(found)]
    bars: list[tuple[str, float | None]] = [(name, float(count)) for name, count in zip(named, found, strict=False)]
    return [*bars, ("fewer", float(sum(found[4:])))] if len(found) > len(named) else bars


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}: recall and health</title>
<style>{style}</style>
</head>
<body><main>
<h1>{name}</h1>
<p class="quiet">{facts}</p>
<p class="headline">{headline}</p>
<section>
<h2>Recall by effort</h2>
<p class="quiet">The true neighbors were found by comparison with every vector. Speed is of all queries in one call on
one thread, the median of three rounds, on the machine that wrote this page.</p>
{efforts}
</section>
<div class="pair">
<section>
<h2>Recall against speed</h2>
<p class="quiet">Up and to the right is better.</p>
{speed}
</section>
<section>
<h2>Distances computed per query</h2>
<p class="quiet">Down and to the right is better.</p>
{work}
</section>
</div>
<section>
<h2>Queries by how many of their {k} nearest were found, at ef = {ef}</h2>
{found}
</section>
<section>
<h2>Health</h2>
<pre>{health}</pre>
</section>
<section>
<h2>This repeats it</h2>
<pre>{command}</pre>
</section>
</main></body>
</html>
"""
