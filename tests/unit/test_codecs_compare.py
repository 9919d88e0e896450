"""Codes beside one another, and queries of a new model on codes of an old one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import _core, codecs
from vicinal.codecs.comparison import nearest_codes, share_found


def clustered(n: int, dim: int = 32, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    low = rng.standard_normal((n, 8))
    return (low @ rng.standard_normal((8, dim)) + 0.3 * rng.standard_normal((n, dim))).astype(np.float32)


@pytest.fixture(scope="module")
def table() -> codecs.CodecTable:
    vectors = clustered(1300)
    return codecs.compare(vectors[:1200], vectors[1200:], [16, 28], k=5, rerank=40)


def test_every_code_keeps_to_its_budget_and_every_budget_has_several_kinds(table: codecs.CodecTable) -> None:
    assert table.budgets == (16, 28)
    for budget in table.budgets:
        rows = [row for row in table.rows if row.budget == budget]

        assert all(budget / 2 < row.bytes <= budget and row.code.bytes_per_vector == row.bytes for row in rows)
        assert {type(row.code).__name__ for row in rows} >= {"Recurrent", "RaBitQ", "ITQ", "PQ", "OPQ"}
        assert [row.raw for row in rows] == sorted((row.raw for row in rows), reverse=True)
        assert table.best(budget).raw == max(row.raw for row in rows)
    with pytest.raises(KeyError, match="16, 28"):
        table.best(17)


def test_the_recall_in_the_table_is_that_of_the_code_in_it(table: codecs.CodecTable) -> None:
    vectors = clustered(1300)
    base, queries = vectors[:1200], vectors[1200:]
    truth = _core.exact_search(base, queries, 5, "l2")[0]
    row = table.best(28)
    far = row.code.distances(queries, row.code.encode(base))

    order = np.argsort(far, axis=1, kind="stable")

    assert row.raw == pytest.approx(share_found(order[:, :5], truth))
    assert row.reranked == pytest.approx(share_found(order[:, :40], truth))
    assert all(one.reranked >= one.raw for one in table.rows)


def test_the_table_prints_each_code_and_goes_into_json(table: codecs.CodecTable) -> None:
    printed = str(table)

    assert len(printed.splitlines()) == 3 + len(table.rows)
    assert all(repr(row.code) in printed for row in table.rows)
    assert table.as_dicts()[0]["code"] == repr(table.rows[0].code)
    assert re.search(r"1200 vectors of 32 dimensions \(128 bytes as float32\), l2; recall@5 of 100", printed)


def test_the_figure_has_a_curve_for_each_kind(table: codecs.CodecTable, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing: the figure was not drawn")

    figure = table.figure()
    figure.savefig(tmp_path / "codes.svg")

    kinds = {line.get_label() for line in figure.axes[0].lines}
    assert {"PQ", "OPQ", "ITQ", "RaBitQ"} <= kinds
    assert (tmp_path / "codes.svg").stat().st_size > 1000


def as_new_model(old: np.ndarray, dim: int, noise: float, seed: int = 2) -> np.ndarray:
    """The same things as another model has them: turned, shortened, with an error of its own."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((old.shape[1], old.shape[1])))[0][:, :dim]
    spread = noise * np.linalg.norm(old - old.mean(0), axis=1, keepdims=True) / np.sqrt(dim)
    return ((old @ turn) + spread * rng.standard_normal((len(old), dim)) + 0.2).astype(np.float32)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("dim", [32, 40])
def test_queries_of_a_turned_model_find_what_the_old_one_finds(metric: str, dim: int) -> None:
    old = clustered(2000)
    wide = np.concatenate([old, np.zeros((2000, dim - 32), np.float32)], axis=1)
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((dim, dim)))[0]
    new = (wide @ turn).astype(np.float32)
    code = codecs.Recurrent(4, metric=metric).fit(old)
    codes = code.encode(old)

    model = codecs.Compatible(code, old[:1000], new[:1000])
    near = nearest_codes(code, model.queries(new[1000:1100]), codes, 10)
    same = nearest_codes(code, old[1000:1100], codes, 10)

    assert share_found(near, same) > 0.9
    assert model.audit.own_first > 0.95
    assert model.queries(new[7]).shape == (32,)
    assert (model.distances(new[:3], codes) == code.distances(model.queries(new[:3]), codes)).all()


def test_a_shortened_and_noisy_model_keeps_nine_tenths(bundled: Callable[[str], dict[str, Any]]) -> None:
    data = bundled("minilm-5k")
    old = data["base"].astype(np.float32)
    queries = data["query"].astype(np.float32)
    truth = data["gt"][:, :10].astype(np.int64)
    both = as_new_model(np.concatenate([old, queries]), 320, 0.1)
    code = codecs.Recurrent(4, metric="cosine").fit(old)
    codes = code.encode(old)

    model = codecs.Compatible(code, old[:1000], both[:1000])
    same = share_found(nearest_codes(code, queries, codes, 10), truth)
    kept = share_found(nearest_codes(code, model.queries(both[len(old) :]), codes, 10), truth)

    assert kept >= 0.9 * same
    assert f"{100 * model.audit.coded_recall / model.audit.same_version:.1f} % kept" in str(model.audit)


@pytest.mark.parametrize("kind", ["auto", "orthogonal", "ridge"])
def test_shuffled_pairs_are_refused(kind: str) -> None:
    old = clustered(1000)
    new = as_new_model(old, 24, 0.05)
    code = codecs.Recurrent(4).fit(old)
    codecs.Compatible(code, old, new, kind=kind)

    for seed in range(3):
        with pytest.raises(vicinal.MismatchError, match=r"do not belong together.*shuffled"):
            codecs.Compatible(code, old, new[np.random.default_rng(seed).permutation(1000)], kind=kind)


def test_pairs_that_are_none_are_refused() -> None:
    old = clustered(400)
    code = codecs.Recurrent(4).fit(old)

    with pytest.raises(vicinal.DimensionError, match="400 old_vectors and 399 new_vectors"):
        codecs.Compatible(code, old, old[:399])
    with pytest.raises(ValueError, match="99 pairs, expected at least 100"):
        codecs.Compatible(code, old[:99], old[:99])
    with pytest.raises(vicinal.DimensionError, match="old_vectors has shape"):
        codecs.Compatible(code, old[:, :31], old)
    with pytest.raises(TypeError, match="expected a fitted code"):
        codecs.Compatible("4bit", old, old)  # type: ignore[arg-type]
    model = codecs.Compatible(code, old, old[:, :20])
    with pytest.raises(vicinal.DimensionError, match=r"expected \(n, 20\)"):
        model.queries(old)
