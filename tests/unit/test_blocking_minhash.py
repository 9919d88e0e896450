"""Blocking by shared shingles."""

import numpy as np
import pytest

from vicinal import blocking


def shingles(text: str) -> set[str]:
    text = text.lower()
    return {text[i : i + 3] for i in range(len(text) - 2)}


def similarity(one: str, other: str) -> float:
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


def texts(rng: np.random.Generator, n: int) -> list[str]:
    words = ["walkman", "speaker", "camera", "sony", "bose", "canon", "black", "white", "mk2", "pro"]
    return [" ".join(rng.permutation(words)[:4]) for _ in range(n)]


def test_scores_are_jaccard_similarities_and_nearly_all_above_the_floor_are_found(rng: np.random.Generator) -> None:
    left, right = texts(rng, 60), texts(rng, 80)

    pairs = blocking.MinHashBlocker(floor=0.5, recall=0.99).candidates(left, right, threshold=0.5)

    truth = {(a, b) for a in range(60) for b in range(80) if similarity(left[a], right[b]) >= 0.5}
    found = {(int(a), int(b)) for a, b in pairs.indices}
    assert found <= truth
    assert len(found) >= 0.95 * len(truth) > 20
    for (a, b), score in zip(pairs.indices, pairs.scores, strict=True):
        assert score == pytest.approx(similarity(left[a], right[b]), abs=1e-6)


def test_the_likeliest_k_of_each_are_kept(rng: np.random.Generator) -> None:
    left, right = texts(rng, 30), texts(rng, 200)

    pairs = blocking.MinHashBlocker(floor=0.2, recall=0.99).candidates(left, right, k=2)

    assert np.bincount(pairs.indices[:, 0], minlength=30).max() <= 2
    for a, b in pairs.indices[:10]:
        better = sum(similarity(left[a], other) > similarity(left[a], right[b]) + 1e-6 for other in right)
        assert better <= 2


def test_a_table_compared_with_itself_names_each_pair_once() -> None:
    pairs = blocking.MinHashBlocker(floor=0.5).candidates(["sony walkman", "bose speaker", "sony walkman!"], k=2)

    assert pairs.indices.tolist() == [[0, 2]]


@pytest.mark.parametrize("floor", [0, -0.1, 1.1, float("nan")])
def test_a_floor_that_is_no_similarity_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match="expected a similarity above 0, at most 1"):
        blocking.MinHashBlocker(floor=floor)
