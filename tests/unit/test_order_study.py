"""The study of orders: it finds an effect where there is one, says so, and says where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import vicinal
from vicinal import cli
from vicinal.measure import Dataset
from vicinal.measure.links import in_degrees
from vicinal.measure.order_effects import at_equal_work, effects_of, plain_words
from vicinal.measure.order_report import as_json, order_table
from vicinal.measure.order_study import EFFORTS, SHOWN, Arm, Setting, Study, load_part, study_orders


def arm(name: str, recall: float, *, work: float = 1.0, engine: str = "vicinal") -> Arm:
    """An order of three seeds that finds so much at the first effort, of 400 queries, and more at each."""
    shares = np.minimum(1, recall + 0.01 * np.arange(len(EFFORTS)))
    hits = np.random.default_rng(0).random((3, len(EFFORTS), 400, 10)) < shares[None, :, None, None]
    return Arm(engine, name, hits.sum(axis=3), work * np.tile(100.0 * np.array(EFFORTS), (3, 1)), 0.0, (1.0,) * 10)


def study(*arms: Arm) -> Study:
    nothing = dict.fromkeys(("mean", "p5", "p95", "two_nearest"), 0.0)
    return Study("made up", 1000, 400, "l2", Setting(seeds=3), nothing, arms)


def test_an_order_that_loses_is_said_to_and_one_that_does_not_is_said_not_to() -> None:
    said = plain_words(study(arm("random", 0.8), arm("cluster", 0.75), arm("given", 0.8)))

    assert any("ef=10: cluster loses 5." in line for line in said)
    assert said[-1] == "vicinal: no effect of half a point at ef 10 and 20: given"


def test_what_more_work_buys_is_no_gain_at_equal_work() -> None:
    plain, slow = arm("random", 0.8), arm("slow", 0.8, work=1.5)

    there = at_equal_work(slow, plain)

    assert (there.mean(axis=0)[1:] < plain.recalls.mean(axis=0)[1:]).all()
    assert np.allclose(at_equal_work(plain, plain), plain.recalls)
    effects = [effect for effect in effects_of(study(plain, slow)) if effect.order == "slow"]
    assert [effect.ef for effect in effects] == list(SHOWN)
    assert all(effect.gain == 0 and (effect.gain_at_work or 0) < 0 for effect in effects[1:])


def test_links_are_counted_by_who_entered_first(rng: np.random.Generator) -> None:
    index = vicinal.Index(8, M=4, ef_construction=20)
    index.add(rng.standard_normal((500, 8)).astype(np.float32))

    degrees = in_degrees(index)

    shape = index.stats()["graph"]
    assert len(degrees) == 500
    assert degrees.mean() == pytest.approx(shape["mean_degree"])
    assert degrees[:100].mean() > degrees[-100:].mean()


def test_a_part_of_a_set_keeps_its_order_and_its_labels(tmp_path: Path) -> None:
    rows = np.arange(100, dtype=np.float32)[:, None]
    np.savez(tmp_path / "line.npz", base=rows, query=rows[:5], labels=np.arange(100) // 10)

    dataset, labels = load_part(str(tmp_path / "line.npz"), rows=30, queries=3)

    assert (len(dataset.base), len(dataset.query)) == (30, 3)
    assert (np.diff(dataset.base[:, 0]) > 0).all()
    assert labels is not None
    assert (labels == dataset.base[:, 0] // 10).all()


def test_the_study_measures_both_engines_and_writes_what_it_found(tmp_path: Path, rng: np.random.Generator) -> None:
    pytest.importorskip("hnswlib")
    file, page, facts = (tmp_path / name for name in ("set.npz", "page.html", "facts.json"))
    rows = rng.standard_normal((260, 8)).astype(np.float32)
    np.savez(file, base=rows[:240], query=rows[240:], labels=np.arange(240) % 4)

    words = ["bench", "--study", "orders", "--dataset", str(file), "--M", "4", "--ef-construction", "20"]
    assert cli.main([*words, "--vs", "hnswlib", "--json", str(facts), "--report", str(page)]) == 0

    found = json.loads(facts.read_text())
    assert found["command"].startswith("vicinal bench --study orders")
    (only,) = found["studies"]
    assert only["setting"]["ef_construction"] == 20
    orders = {(one["engine"], one["order"]): one for one in only["orders"]}
    assert ("hnswlib", "lid_asc") in orders
    assert orders["vicinal", "shuffled labels"]["unreached"] == 0
    assert len(orders["vicinal", "random"]["curve"]["recall_by_seed"]) == 5
    assert orders["vicinal", "auto, cluster"]["auto_chose"] == "given"  # so few are not judged
    assert "<svg" in page.read_text()


def test_a_table_has_a_line_for_each_order(rng: np.random.Generator) -> None:
    points = rng.random((320, 4), dtype=np.float32)
    found = study_orders(
        Dataset("tiny", points[:300], points[300:]),
        orders=["random", "category", "cluster"],
        setting=Setting(M=4, ef_construction=20, seeds=2),
    )

    assert [one.name for one in found.arms] == ["random", "cluster"]  # there are no labels
    assert "\ncluster " in order_table(found)
    assert json.loads(as_json([found], "true"))["studies"][0]["rows"] == 300
