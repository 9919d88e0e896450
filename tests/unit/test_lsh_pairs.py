"""lsh.pairs finds the near pairs and no others."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import lsh


def noisy_sets(rng: np.random.Generator, n: int = 400) -> list[set[int]]:
    sets = [set(rng.choice(2_000, rng.integers(8, 30), replace=False).tolist()) for _ in range(n)]
    for item in sets[: n // 2]:
        copy = set(item)
        for _ in range(int(rng.integers(0, 3))):
            copy.pop()
        sets.append(copy)
    return sets


def jaccard_pairs(one: list[set[int]], other: list[set[int]], threshold: float) -> dict[tuple[int, int], float]:
    scores = {(i, j): len(a & b) / len(a | b) for i, a in enumerate(one) for j, b in enumerate(other)}
    return {pair: score for pair, score in scores.items() if score >= threshold}


def as_dict(found: lsh.Pairs) -> dict[tuple[int, int], float]:
    return dict(zip(map(tuple, found.pairs.tolist()), found.scores.tolist(), strict=True))


def test_a_self_join_of_sets_has_the_exact_pairs_once_each_in_order(rng: np.random.Generator) -> None:
    sets = noisy_sets(rng)
    exact = {pair: s for pair, s in jaccard_pairs(sets, sets, 0.8).items() if pair[0] < pair[1]}

    found = lsh.pairs(sets, threshold=0.8)

    assert as_dict(found).items() <= exact.items()
    assert len(found) == len(as_dict(found)) >= 0.99 * len(exact) > 100
    assert found.pairs.tolist() == sorted(found.pairs.tolist())
    assert found.pairs.dtype == np.int64


def test_a_join_of_two_tables_pairs_rows_of_the_one_with_rows_of_the_other(rng: np.random.Generator) -> None:
    sets = noisy_sets(rng)
    one, other = sets[:400], sets[400:]
    exact = jaccard_pairs(one, other, 0.8)

    found = lsh.pairs(one, other, threshold=0.8)

    assert as_dict(found).items() <= exact.items()
    assert len(found) >= 0.99 * len(exact) > 100


@pytest.mark.parametrize(
    ("family", "threshold"), [("simhash", 0.95), ("crosspolytope", 0.95), ("pstable", 1.5), ("bitsample", 6)]
)
def test_a_join_of_vectors_has_the_exact_pairs(rng: np.random.Generator, family: str, threshold: float) -> None:
    near = rng.standard_normal((200, 32))
    vectors = np.concatenate([near, near + 0.2 * rng.standard_normal((200, 32)), rng.standard_normal((300, 32))])
    if family == "bitsample":
        given: Any = np.packbits(vectors > 0, axis=1)
        bits = np.unpackbits(given, axis=1)
        measured = (bits[:, None] != bits[None]).sum(axis=2).astype(float)
    else:
        given = vectors.astype(np.float32)
        wide = given.astype(float)
        units = wide / np.linalg.norm(wide, axis=1, keepdims=True)
        differences = np.linalg.norm(wide[:, None] - wide[None], axis=2)
        measured = differences if family == "pstable" else units @ units.T
    is_near = measured >= threshold if family in ("simhash", "crosspolytope") else measured <= threshold
    exact = set(map(tuple, np.argwhere(np.triu(is_near, 1)).tolist()))

    found = lsh.pairs(given, family=family, threshold=threshold)

    assert set(as_dict(found)) <= exact
    assert len(found) >= 0.98 * len(exact) > 100
    np.testing.assert_allclose(found.scores, measured[tuple(found.pairs.T)], rtol=1e-9, atol=1e-9)


def test_a_stream_gives_the_same_pairs_as_one_answer(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vicinal.lsh.join.CHUNK", 10)
    sets = noisy_sets(rng)

    whole = lsh.pairs(sets, threshold=0.8)
    chunks = list(lsh.pairs(sets, threshold=0.8, stream=True))

    assert len(chunks) > 1
    assert sum(map(len, chunks)) == len(whole)
    assert {pair: s for chunk in chunks for pair, s in as_dict(chunk).items()} == as_dict(whole)


def test_pairs_beyond_the_memory_come_from_disk_and_are_the_same(rng: np.random.Generator) -> None:
    sets = noisy_sets(rng)

    held = lsh.pairs(sets, threshold=0.8)
    spilled = lsh.pairs(sets, threshold=0.8, memory=0)

    assert isinstance(spilled.pairs.base, np.memmap) or isinstance(spilled.pairs, np.memmap)
    assert spilled.pairs.tolist() == held.pairs.tolist()
    assert spilled.scores.tolist() == held.scores.tolist()


def test_pairs_are_the_same_for_any_number_of_threads(rng: np.random.Generator) -> None:
    sets = noisy_sets(rng)

    one, three = (list(lsh.pairs(sets, threshold=0.5, threads=n, stream=True)) for n in (1, 3))

    assert [chunk.pairs.tolist() for chunk in one] == [chunk.pairs.tolist() for chunk in three]


def test_without_verification_every_candidate_comes_once(rng: np.random.Generator) -> None:
    sets = noisy_sets(rng)
    verified = lsh.pairs(sets, threshold=0.8, bands=30, rows=2)

    found = lsh.pairs(sets, threshold=0.8, bands=30, rows=2, verify=False)

    assert len(as_dict(found)) == len(found) == found.stats["candidates"]
    assert set(as_dict(verified)) < set(as_dict(found))
    assert ((found.scores > 0) & (found.scores <= 1)).all()


@pytest.mark.parametrize("tables", [1, 2])
def test_a_full_bucket_warns_with_a_bound_on_the_pairs_it_loses(tables: int) -> None:
    copies = ["the same text every time"] * 50
    others = None if tables == 1 else copies[:30]
    every = 50 * 49 // 2 if tables == 1 else 50 * 30

    with pytest.warns(vicinal.DataWarning, match=r"at most \d+ pairs are lost"):
        found = lsh.pairs(copies, others, threshold=0.8, bucket_cap=10)

    # Copies meet in the first band as in every other, so each band loses the same pairs.
    bands = found.stats["bands"]
    assert found.stats["lost_at_most"] == bands * (every - len(found))
    assert len(as_dict(found)) == len(found) < every


def test_texts_are_compared_by_words_or_by_runs_of_characters() -> None:
    texts = ["Deep learning, in C++", "learning deep in c", "deep learnings in C++"]

    words = lsh.pairs(texts, threshold=0.9)
    runs = lsh.pairs(texts, threshold=0.6, shingle=3)

    assert words.pairs.tolist() == [[0, 1]]
    assert [0, 2] in runs.pairs.tolist()


def test_weighted_sets_are_compared_by_their_weights() -> None:
    family = lsh.MinHash(64, weighted=True)

    found = lsh.pairs([{"a": 2.0, "b": 1.0}, {"a": 2.0, "b": 0.9}, {"a": 0.1, "b": 1.0}], family=family, threshold=0.8)

    assert found.pairs.tolist() == [[0, 1]]
    assert found.scores == pytest.approx([2.9 / 3.0])


def test_empty_texts_warn_and_pair_with_nothing() -> None:
    with pytest.warns(vicinal.DataWarning, match="items row 1 has no tokens"):
        found = lsh.pairs(["a b", "", "a b", " ,"], threshold=0.5)

    assert found.pairs.tolist() == [[0, 2]]


def test_two_empty_tables_warn_and_have_no_pairs() -> None:
    with pytest.warns(vicinal.DataWarning, match="no rows"):
        found = lsh.pairs([], [], threshold=0.5)

    assert found.pairs.shape == (0, 2)
    assert found.scores.shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lsh.pairs(["a"], threshold=1.5), "threshold is 1.5"),
        (lambda: lsh.pairs(["a"], threshold=0), "threshold is 0"),
        (lambda: lsh.pairs(["a"], threshold=float("nan")), "threshold is nan"),
        (lambda: lsh.pairs(np.eye(3), family="pstable", threshold=-1), "threshold is -1"),
        (lambda: lsh.pairs(np.eye(3), family="simhash", threshold=1.01), "threshold is 1.01"),
        (lambda: lsh.pairs(["a"], family="md5", threshold=0.5), "family is 'md5'"),
        (lambda: lsh.pairs(["a"], family=lsh.MinHash(8), threshold=0.5, bands=3, rows=3), r"3 \* 3 = 9"),
        (lambda: lsh.pairs(["a"], threshold=0.5, bands=3), "expected both or neither"),
        (lambda: lsh.pairs([[1.0, float("nan")]], family="pstable", threshold=1), "items row 0 holds NaN"),
        (lambda: lsh.pairs(np.zeros((2, 3)), family="simhash", threshold=0.5), "items row 0 is zero"),
        (lambda: lsh.pairs(["a"], threshold=0.5, bucket_cap=0), "bucket_cap is 0"),
        (lambda: lsh.tune(0.8, 0.99, 2), "expected at most 0.96: that is what budget 2 reaches"),
    ],
)
def test_what_cannot_be_joined_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("items", ["one text", [["a"], 3], [["a", 1.5]], [["a", True]], ["a", None]])
def test_items_of_the_wrong_kind_are_a_type_error(items: Any) -> None:
    with pytest.raises(TypeError, match="items"):
        lsh.pairs(items, threshold=0.5)


def test_what_tune_predicts_is_what_a_join_does(rng: np.random.Generator) -> None:
    tokens = rng.integers(0, 2**40, (3_000, 10))
    tokens[1:, :3] = tokens[0, :3]  # any two share three of seventeen
    near = np.concatenate([tokens, tokens[:1000]])
    near[3000:, 9] = rng.integers(0, 2**40, 1000)  # nine of eleven are common: 0.818
    chosen = lsh.tune(9 / 11, 0.9, 256, similarities=[3 / 17] * 7_998 + [9 / 11], pairs=4000 * 3999 / 2)

    found = lsh.pairs(near.tolist(), threshold=9 / 11, bands=chosen.bands, rows=chosen.rows)

    assert chosen.recall - 0.03 <= len(found) / 1000 <= 1
    assert chosen.candidates is not None
    assert found.stats["candidates"] == pytest.approx(chosen.candidates, rel=0.5)


def test_pairs_of_an_index_are_those_within_the_threshold(rng: np.random.Generator) -> None:
    vectors = rng.random((300, 4), dtype=np.float32)
    index = vicinal.Index(4)
    index.add(vectors, ids=np.arange(300) + 50)
    distances = ((vectors[:, None].astype(float) - vectors[None]) ** 2).sum(axis=2)

    found = lsh.index_pairs(index, 0.02, 50)

    assert found.pairs.tolist() == (np.argwhere(np.triu(distances <= 0.02, 1)) + 50).tolist()
    assert found.stats["full"] == 0


def test_the_graph_of_neighbors_never_names_a_row_itself(rng: np.random.Generator) -> None:
    vectors = rng.random((200, 4), dtype=np.float32)
    vectors[:20] = vectors[0]  # copies, more than k

    neighbors, distances = lsh.knn_graph(vectors, 5)

    assert (neighbors != np.arange(200)[:, None]).all()
    assert (np.diff(distances, axis=1) >= 0).all()
    assert neighbors.shape == distances.shape == (200, 5)
