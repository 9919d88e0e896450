"""Blocking: from tables of records to candidate pairs, and how good those are."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal import DataWarning, DimensionError, InvalidVectorError
from vicinal.blocking import (
    KeyBlocker,
    Pairs,
    SortedNeighborhood,
    TfidfBlocker,
    VectorBlocker,
    cascade,
    evaluate,
    intersect,
    read_records,
    split,
    union,
)

WORDS = ["lamp", "chair", "red", "blue", "sony", "bose", "tv", "radio", "oak", "steel"]


def drawn_texts(rng: np.random.Generator, n: int) -> list[str]:
    return [" ".join(rng.choice(WORDS, size=4)) for _ in range(n)]


def as_sets(pairs: Pairs) -> list[tuple[int, int]]:
    return [(i, j) for i, j in pairs.indices.tolist()]


def test_every_kind_of_table_gives_the_same_records(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows: list[dict[str, Any]] = [{"id": 1, "name": "lamp", "price": None}, {"id": 2, "name": "chair", "price": "9"}]
    table = arrow.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "t.parquet")
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "name", "price"], [1, "lamp", ""], [2, "chair", 9]])

    columns = {"id": [1, 2], "name": ["lamp", "chair"], "price": [float("nan"), 9]}
    for given in (rows, table, tmp_path / "t.parquet", str(tmp_path / "t.csv"), columns):
        records = read_records(given)
        assert records.columns == {"id": ["1", "2"], "name": ["lamp", "chair"], "price": ["", "9"]}
        assert records.texts() == ["lamp", "chair 9"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_is_a_table(library: str) -> None:
    frames = pytest.importorskip(library, reason=f"{library} is missing: its frames were not read")
    frame = frames.DataFrame({"id": [1, 2], "name": ["lamp", None], "price": ["", "9"]})

    records = read_records(frame)

    assert records.columns == {"id": ["1", "2"], "name": ["lamp", ""], "price": ["", "9"]}


def test_what_is_no_table_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "short.csv").write_text("id,name\n1\n")

    for given, error, message in (
        (7, TypeError, "A is int, expected a list of dicts"),
        ([{"a": 1}, 3], TypeError, "A record 1 is int"),
        ({"a": [1], "b": [1, 2]}, ValueError, "different lengths"),
        (tmp_path / "short.csv", ValueError, "record 0 has 1 values, expected 2"),
        (tmp_path / "none.csv", FileNotFoundError, "none.csv"),
        (tmp_path / "t.xls", ValueError, "known: .csv .parquet"),
    ):
        with pytest.raises(error, match=message):
            read_records(given)


def test_tfidf_finds_what_a_dense_matrix_of_all_cosines_holds(rng: np.random.Generator) -> None:
    left, right = drawn_texts(rng, 40), drawn_texts(rng, 60)
    counts = np.array([[text.split().count(word) for word in WORDS] for text in left + right])
    rarity = 1 + np.log(101 / (1 + (counts > 0).sum(axis=0)))
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * rarity
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    cosines = weights[:40] @ weights[40:].T

    pairs = TfidfBlocker(chars=()).candidates(left, right, threshold=0.3)

    expected = cosines[pairs.indices[:, 0], pairs.indices[:, 1]]
    np.testing.assert_allclose(pairs.scores, expected, atol=1e-5)
    assert len(pairs) == (cosines >= 0.3).sum()


def test_tfidf_keeps_the_k_of_the_largest_cosine(rng: np.random.Generator) -> None:
    left, right = drawn_texts(rng, 30), drawn_texts(rng, 50)
    every = TfidfBlocker().candidates(left, right, threshold=-1)

    few = TfidfBlocker().candidates(left, right, k=4, threads=2)

    assert as_sets(few) == as_sets(every.top(4))
    assert len(few) == 30 * 4
    assert as_sets(TfidfBlocker().candidates(left, right, k=1000)) == as_sets(every)


def test_character_grams_meet_where_words_do_not() -> None:
    left, right = ["nwe407walkman"], ["camera", "nwe-407 walkmans"]

    assert as_sets(TfidfBlocker(chars=()).candidates(left, right, k=1)) == []
    assert as_sets(TfidfBlocker(words=False, chars=(3, 4)).candidates(left, right, k=1)) == [(0, 1)]


@pytest.mark.parametrize("index", ["exact", "hnsw"])
def test_vectors_are_paired_by_cosine_in_a_scan_and_in_a_graph(index: str, rng: np.random.Generator) -> None:
    left, right = rng.normal(size=(30, 8)), rng.normal(size=(200, 8))
    cosines = (left / np.linalg.norm(left, axis=1)[:, None]) @ (right / np.linalg.norm(right, axis=1)[:, None]).T

    pairs = VectorBlocker(index=index).candidates(left, right, k=5)

    best = np.sort(np.argsort(-cosines, axis=1)[:, :5], axis=1)
    assert np.array_equal(np.sort(pairs.indices[:, 1].reshape(30, 5), axis=1), best)
    np.testing.assert_allclose(pairs.scores, cosines[pairs.indices[:, 0], pairs.indices[:, 1]], atol=1e-5)


def test_an_embedding_function_takes_the_records_texts() -> None:
    def embed(texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.0] if "lamp" in text else [0.0, 1.0] for text in texts]

    pairs = VectorBlocker(embed).candidates([{"id": 1, "kind": "lamp"}], ["oak chair", "red lamp"], k=1)

    assert as_sets(pairs) == [(0, 1)]


@pytest.mark.parametrize("blocker", [TfidfBlocker(), VectorBlocker(lambda t: [[len(s), s.count("e")] for s in t])])
def test_a_table_compared_with_itself_names_each_pair_once_and_no_record_twice(
    blocker: Any, rng: np.random.Generator
) -> None:
    pairs = blocker.candidates(drawn_texts(rng, 40), k=3)

    assert (pairs.indices[:, 0] < pairs.indices[:, 1]).all()
    assert len(set(as_sets(pairs))) == len(pairs) > 0


def test_blocked_by_a_column_every_pair_agrees_in_it_and_still_has_k(rng: np.random.Generator) -> None:
    def table(n: int) -> list[dict[str, str]]:
        return [{"name": text, "zip": str(rng.integers(3))} for text in drawn_texts(rng, n)]

    left, right = table(20), [*table(60), {"name": "red lamp", "zip": ""}]

    pairs = TfidfBlocker(columns=["name"], chars=(1,)).candidates(left, right, k=4, block_by="zip")

    assert len(pairs) == 20 * 4
    assert all(left[i]["zip"] == right[j]["zip"] for i, j in as_sets(pairs))


def test_keys_pair_all_that_agree_by_any_rule_and_nothing_that_is_empty() -> None:
    left = [{"zip": "1", "name": "ann"}, {"zip": "", "name": "bo"}]
    right = [{"zip": "1", "name": "cy"}, {"zip": "", "name": "bo"}, {"zip": "1", "name": "ann"}]

    pairs = KeyBlocker("zip", ["name"]).candidates(left, right)

    assert as_sets(pairs) == [(0, 2), (0, 0), (1, 1)]
    assert pairs.scores.tolist() == [1.0, 0.5, 0.5]


def test_a_key_of_too_many_pairs_warns_with_what_is_lost() -> None:
    with pytest.warns(DataWarning, match="at most 9 pairs"):
        pairs = KeyBlocker("text", max_block=8).candidates(["a", "a", "a", "b"], ["a", "a", "a", "b"])

    assert as_sets(pairs) == [(3, 3)]


def test_a_sorted_neighborhood_pairs_records_less_than_a_window_apart() -> None:
    pairs = SortedNeighborhood("text", window=3).candidates(["b", "d"], ["a", "c", "e", "f"])

    assert as_sets(pairs) == [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)]


def test_a_union_takes_from_each_in_turn_and_remembers_who_said_it() -> None:
    a = Pairs.of([[0, 0], [0, 1], [0, 2]], [0.9, 0.8, 0.7], "a", 1, 5)
    b = Pairs.of([[0, 3], [0, 1], [0, 4]], [9, 8, 7], "b", 1, 5)

    both = union(a, b)

    assert as_sets(both) == [(0, 1), (0, 0), (0, 3), (0, 2), (0, 4)]
    assert both.sources == ("a", "b")
    assert both.provenance.tolist() == [3, 1, 2, 1, 2]
    assert as_sets(intersect(a, b)) == [(0, 1)]


def test_a_union_by_score_adds_how_sure_each_is() -> None:
    a = Pairs.of([[0, 0], [0, 1], [0, 2]], [0.9, 0.1, 0.1], "a", 1, 5)
    b = Pairs.of([[0, 3], [0, 1], [0, 4]], [900, 899, 300], "b", 1, 5)

    both = union(a, b, by="score")

    scaled = [(one.scores - one.scores.mean()) / one.scores.std() for one in (a, b)]
    expected = {0: scaled[0][0] + scaled[1][2], 1: scaled[0][1] + scaled[1][1], 3: scaled[0][1] + scaled[1][0]}
    for (_, j), score in zip(as_sets(both), both.scores.tolist(), strict=True):
        assert j not in expected or score == pytest.approx(expected[j], abs=1e-5)
    assert set(expected) < {j for _, j in as_sets(both)}
    assert len(union(a, Pairs.of([], [], "b", 1, 5), by="score")) == 3


def test_a_cascade_scores_anew_and_keeps_the_best() -> None:
    left, right = ["red lamp"], ["red lamps", "red chair", "blue lamp"]
    first = Pairs.of([[0, 1], [0, 2], [0, 0]], [3, 2, 1], "first", 1, 3)

    again = cascade(first, TfidfBlocker(), left, right, k=2)

    assert as_sets(again)[0] == (0, 0)
    assert len(again) == 2
    known = TfidfBlocker().candidates(left, right, k=3)
    np.testing.assert_allclose(again.scores, known.scores[:2], atol=1e-6)


def test_an_evaluation_counts_matches_candidates_and_what_each_level_takes() -> None:
    pairs = Pairs.of([[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]], [0.9, 0.8, 0.3, 0.2, 0.5], "mine", 3, 4)

    found = evaluate(pairs, [[0, 0], [1, 1], [2, 2], [2, 3]])

    assert (found.completeness, found.quality, found.candidates) == (0.75, 0.6, 5)
    assert found.reduction_ratio == pytest.approx(1 - 5 / 12)
    assert (found.at(1), found.at(2), found.at(50)) == (0.5, 0.75, 0.75)
    assert found.candidates_at[0.9] is None
    three = evaluate(pairs, [[0, 0], [1, 1], [2, 2]])
    assert evaluate(pairs, [[0, 0], [2, 2]]).candidates_by_score == {0.9: 3, 0.95: 3, 0.99: 3}
    assert (three.k_at[0.99], three.candidates_at[0.99]) == (2, 5)


def test_a_split_leaves_no_entity_on_both_sides(rng: np.random.Generator) -> None:
    matches = np.unique(rng.integers(0, 60, size=(80, 2)), axis=0)

    for seed in range(5):
        fit, test = split(matches, seed)
        assert not set(fit[:, 0]) & set(test[:, 0])
        assert not set(fit[:, 1]) & set(test[:, 1])
        assert len(fit) + len(test) == len(matches)


def test_pairs_leave_in_the_forms_of_splink_and_recordlinkage() -> None:
    pairs = union(Pairs.of([[0, 1]], [1], "a", 2, 2), Pairs.of([[0, 1], [1, 0]], [1, 1], "b", 2, 2))

    assert pairs.to_splink(["p", "q"], ["x", "y"]) == {
        "unique_id_l": ["p", "q"],
        "unique_id_r": ["y", "x"],
        "match_key": ["a+b", "b"],
    }
    assert list(pairs.to_recordlinkage(["p", "q"], ["x", "y"])) == [("p", "y"), ("q", "x")]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TfidfBlocker().candidates([], []), ValueError, "both tables are empty"),
        (lambda: TfidfBlocker().candidates([]), ValueError, "both tables are empty"),
        (lambda: TfidfBlocker().candidates(["a", " "], ["b"]), InvalidVectorError, "A record 1 has no text"),
        (lambda: TfidfBlocker().candidates(["a"], [""]), InvalidVectorError, "B record 0 has no text"),
        (lambda: TfidfBlocker().candidates(["a"], ["b"], k=0), ValueError, "k is 0"),
        (lambda: TfidfBlocker().candidates(["a"], ["b"], threshold=1.5), ValueError, "from -1 to 1"),
        (lambda: TfidfBlocker(columns=["x"]).candidates(["a"], ["b"]), ValueError, "column 'x' is not"),
        (lambda: TfidfBlocker(words=False, chars=()), ValueError, "one kind of term"),
        (lambda: TfidfBlocker(chars=(0,)), ValueError, "at least 1"),
        (lambda: VectorBlocker().candidates([[1.0, 2.0]], [[1.0]]), DimensionError, "A has 2 dimensions and B 1"),
        (lambda: VectorBlocker(index="tree"), ValueError, "index is 'tree'"),
        (lambda: SortedNeighborhood("a", window=1), ValueError, "window is 1"),
        (lambda: KeyBlocker(), ValueError, "no rule"),
        (lambda: union(), ValueError, "nothing to combine"),
        (lambda: union(Pairs.of([], [], "a", 1, 1), by="luck"), ValueError, "by is 'luck'"),
        (lambda: union(Pairs.of([], [], "a", 1, 1), Pairs.of([], [], "a", 1, 2)), ValueError, "same tables"),
        (lambda: cascade(Pairs.of([[0, 0]], [1], "a", 1, 1), KeyBlocker("x"), ["a"], ["b"]), TypeError, "cannot score"),
        (lambda: evaluate(Pairs.of([], [], "a", 2, 2), []), ValueError, "gold holds no pair"),
        (lambda: evaluate(Pairs.of([], [], "a", 2, 3), [[0, 3]]), ValueError, r"gold 0 is \(0, 3\), but table B has 3"),
        (lambda: split([]), ValueError, "no pair"),
        (lambda: split([[0, 0]], test=1.0), ValueError, "between 0 and 1"),
    ],
)
def test_bad_input_is_refused_in_words(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_one_empty_table_has_no_pairs() -> None:
    assert len(TfidfBlocker().candidates(["lamp"], [])) == 0
    assert len(TfidfBlocker().candidates([], ["lamp"])) == 0


@pytest.mark.data
def test_tfidf_of_products_is_as_complete_as_measured(larger_set: Callable[[str], dict[str, Any]]) -> None:
    tables = larger_set("er/abt-buy")

    pairs = TfidfBlocker().candidates(tables["table_a"], tables["table_b"], k=20)

    found = evaluate(pairs, tables["matches"])
    assert found.at(5) >= 0.97
    assert found.completeness >= 0.998
