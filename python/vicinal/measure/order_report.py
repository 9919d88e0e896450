"""The study of orders as JSON, as a table of text, and as a page with figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from vicinal.measure.chart import Frame, Line, draw_bars, draw_curves
from vicinal.measure.environment import describe_environment
from vicinal.measure.order_effects import Effect, effects_of, plain_words
from vicinal.measure.order_study import EFFORTS, SHOWN, Arm, K, Study
from vicinal.measure.report import page_style, table_of

__all__ = ["as_json", "order_table", "write_order_report"]

_DRAWN = ("random", "lid_desc", "lid_asc", "cluster", "auto")  # curves lie close: more would hide one another


def as_json(studies: Sequence[Study], command: str) -> str:
    """Give all figures, and how they were made."""
    content = {
        "command": command,
        "environment": asdict(describe_environment()),
        "studies": [
            {
                "dataset": study.dataset,
                "rows": study.rows,
                "queries": study.queries,
                "metric": study.metric,
                "setting": asdict(study.setting),
                "dimensions": _rounded(study.dimensions),
                "findings": plain_words(study),
                "orders": [_arm(study, arm) for arm in study.arms],
            }
            for study in studies
        ],
    }
    return json.dumps(content, indent=1)


def order_table(study: Study) -> str:
    """Give a line for each order: recall at each ef, the gain at equal work, and what the graph looks like."""
    head = f"{study.dataset}: {study.rows} rows, {study.queries} queries, {study.metric}; {_dimension_line(study)}"
    columns = "".join(f"{'ef ' + str(ef):>19}" for ef in SHOWN)
    lines = [head, f"{'':<26}{columns}  unreached, in-degree of the first and the last tenth"]
    for arm in study.arms:
        cells = "".join(f"{_cell(effect):>19}" for effect in _of(study, arm))
        tail = "" if arm.unreached is None else f"  {arm.unreached:g}, {arm.in_degree[0]:.1f}, {arm.in_degree[-1]:.1f}"
        lines.append(f"{_name(arm):<26}{cells}{tail}{' -> ' + arm.chosen if arm.chosen else ''}")
    return "\n".join(
        [*lines, "(gain in points at a shuffle's distance computations; hnswlib: at its ef)", *_said(study)]
    )


def write_order_report(studies: Sequence[Study], path: str | os.PathLike[str], command: str) -> None:
    """Write one page: figures, tables and what they say.

    Parameters
    ----------
    studies : sequence of Study
    path : path
        An existing file is replaced.
    command : str
        What repeats it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_order_report([], os.path.join(folder, "orders.html"), "true")
    """
    facts = describe_environment()
    page = _PAGE.format(
        style=page_style(),
        facts=escape(f"{facts.processor}, {facts.cores} cores, vicinal {facts.vicinal}, {facts.date}"),
        sections="".join(map(_section, studies)),
        command=escape(command),
    )
    Path(path).write_text(page, encoding="utf-8")


def _section(study: Study) -> str:
    ours = [arm for arm in study.arms if arm.distances is not None]
    drawn = [arm for arm in ours if arm.name in _DRAWN] or ours[:5]
    lines = [
        Line(arm.name, arm.recalls.mean(axis=0).tolist(), arm.distances.mean(axis=0).tolist())
        for arm in drawn
        if arm.distances is not None
    ]
    gains = [
        (arm.name, 100 * (next(iter(_of(study, arm))).gain_at_work or 0.0)) for arm in ours if arm.name != "random"
    ]
    setting = study.setting
    rows = [[escape(_name(arm)), *_html_cells(study, arm), *_graph_cells(arm)] for arm in study.arms]
    headings = ["order", *(f"recall at ef {ef}<br>gain at equal work" for ef in SHOWN), "unreached", "auto chose"]
    return _SECTION.format(
        name=escape(study.dataset),
        facts=escape(
            f"{study.rows:,} rows, {study.queries:,} queries, {study.metric}; M={setting.M}, ef_construction="
            f"{setting.ef_construction}, {setting.seeds} seeds. {_dimension_line(study)}"
        ),
        findings="".join(f"<li>{escape(line)}</li>" for line in _said(study)),
        curves=draw_curves(lines, Frame(width=960, height=400), "distances per query", K),
        table=table_of(headings, rows),
        gains=table_of(["order", "gain at ef 10, points"], [[escape(n), f"{v:+.2f}"] for n, v in gains]),
        degrees="".join(map(_degrees, drawn[:4])),
    )


def _degrees(arm: Arm) -> str:
    bars = draw_bars(_deciles(arm), "in-degree", lambda mean: f"{mean:.1f}")
    return f"<section><h2>{escape(arm.name)}</h2>{bars}</section>"


def _deciles(arm: Arm) -> list[tuple[str, float | None]]:
    return [(f"{10 * place}–{10 * place + 10} %", mean) for place, mean in enumerate(arm.in_degree)]


def _arm(study: Study, arm: Arm) -> dict[str, Any]:
    return {
        "engine": arm.engine,
        "order": arm.name,
        "auto_chose": arm.chosen or None,
        "unreached": arm.unreached,
        "in_degree_by_decile": [round(mean, 3) for mean in arm.in_degree],
        "effects": [_rounded(asdict(effect)) for effect in _of(study, arm)],
        "curve": {
            "ef": list(EFFORTS),
            "recall_by_seed": arm.recalls.round(5).tolist(),
            "distances_by_seed": None if arm.distances is None else arm.distances.round(1).tolist(),
        },
    }


def _rounded(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in facts.items()}


def _of(study: Study, arm: Arm) -> list[Effect]:
    return [effect for effect in effects_of(study) if (effect.engine, effect.order) == (arm.engine, arm.name)]


def _said(study: Study) -> list[str]:
    return plain_words(study)


def _name(arm: Arm) -> str:
    return arm.name if arm.engine == "vicinal" else f"{arm.name} ({arm.engine})"


def _gain(effect: Effect) -> str:
    gain = effect.gain if effect.gain_at_work is None else effect.gain_at_work
    return f"{100 * gain:+.2f} ±{100 * effect.gain_width:.2f}"


def _cell(effect: Effect) -> str:
    return f"{effect.recall:.4f} {_gain(effect)}"


def _html_cells(study: Study, arm: Arm) -> list[str]:
    return [f"{e.recall:.4f} ± {e.recall_width:.4f}<br>{_gain(e)}" for e in _of(study, arm)]


def _graph_cells(arm: Arm) -> list[str]:
    return ["–" if arm.unreached is None else f"{arm.unreached:g}", escape(arm.chosen or "–")]


def _dimension_line(study: Study) -> str:
    facts = study.dimensions
    return (
        f"local intrinsic dimension {facts['mean']:.1f} in the mean, {facts['p5']:.1f} to {facts['p95']:.1f} for nine "
        f"tenths; {facts['two_nearest']:.1f} by two neighbors"
    )


_SECTION = """
<section>
<h2>{name}</h2>
<p class="quiet">{facts}</p>
<ul>{findings}</ul>
{curves}
{table}
{gains}
</section>
<p class="quiet">Links that lead to a node on level 0, in the mean, by tenth of insertion</p>
<div class="pair">{degrees}</div>
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Order of insertion</title>
<style>{style}</style>
</head>
<body><main>
<h1>Order of insertion</h1>
<p class="quiet">{facts}</p>
<p class="headline">The same vectors in another order make another graph. Each order is built once per seed; gains are
against a shuffle, query by query and seed by seed, with 95 % intervals, at the distance computations of the shuffle
(hnswlib, which does not count: at its ef).</p>
{sections}
<section><h2>This repeats it</h2><pre>{command}</pre></section>
</main></body>
</html>
"""
