"""Hash families agree on near items as often as their formulas say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vicinal import lsh

SEEDS = 24
TEN = [0.05, 0.15, 0.25, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97]


def normals(rng: np.random.Generator, n: int, dim: int, correlation: float) -> tuple[Any, Any]:
    one, other = rng.standard_normal((2, n, dim))
    return one.astype(np.float32), (correlation * one + np.sqrt(1 - correlation**2) * other).astype(np.float32)


def at_cosine(rng: np.random.Generator, cosine: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    one, other = rng.standard_normal((2, 100, 32))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other -= (one * other).sum(axis=1, keepdims=True) * one
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    near = cosine * one + np.sqrt(1 - cosine**2) * other
    return lsh.SimHash(32, 64, seed=seed), one.astype(np.float32), near.astype(np.float32), cosine


def at_distance(rng: np.random.Generator, share: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    one, way = rng.standard_normal((2, 100, 32))
    way *= 5 * share / np.linalg.norm(way, axis=1, keepdims=True)
    family = lsh.PStable(32, 64, width=2.0, seed=seed)
    return family, one.astype(np.float32), (one + way).astype(np.float32), 5 * share


def at_correlation(rng: np.random.Generator, cosine: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    return lsh.CrossPolytope(64, 16, seed=seed), *normals(rng, 100, 64, cosine), cosine


def at_jaccard(rng: np.random.Generator, share: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    both = round(100 * share)
    tokens = rng.integers(0, 2**62, (60, 100))
    half = both + (100 - both) // 2
    one = [row[:half].tolist() for row in tokens]
    other = [row[:both].tolist() + row[half:].tolist() for row in tokens]
    return lsh.MinHash(48, seed=seed), one, other, both / 100


def at_weighted_jaccard(rng: np.random.Generator, share: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    tokens = rng.integers(0, 2**62, (60, 12))
    weights = rng.uniform(0.1, 3.0, (60, 12))
    one = [dict(zip(row.tolist(), weight.tolist(), strict=True)) for row, weight in zip(tokens, weights, strict=True)]
    other = [{token: weight * share for token, weight in item.items()} for item in one]
    return lsh.MinHash(48, weighted=True, seed=seed), one, other, share


def at_bits(rng: np.random.Generator, share: float, seed: int) -> tuple[lsh.Family, Any, Any, float]:
    bits = rng.integers(0, 2, (100, 200), dtype=np.uint8)
    differing = round(200 * (1 - share))
    flip = rng.permuted(np.arange(200)[None].repeat(100, axis=0) < differing, axis=1)
    return lsh.BitSample(200, 64, seed=seed), np.packbits(bits, 1), np.packbits(bits ^ flip, 1), float(differing)


@pytest.mark.parametrize("share", TEN)
@pytest.mark.parametrize(
    "draw", [at_cosine, at_distance, at_correlation, at_jaccard, at_weighted_jaccard, at_bits], ids=lambda f: f.__name__
)
def test_a_family_agrees_as_often_as_its_formula_says(
    rng: np.random.Generator, draw: Callable[..., tuple[lsh.Family, Any, Any, float]], share: float
) -> None:
    shares = []
    for seed in range(SEEDS):
        family, one, other, similarity = draw(rng, share, seed)
        shares.append((family.hash(one) == family.hash(other)).mean(axis=1))
    expected = family.collision_probability(similarity)

    # Pairs of one seed share its functions: what varies between seeds is the error.
    means = np.mean(shares, axis=1)
    error = max(means.std(ddof=1) / np.sqrt(SEEDS), 1e-9)

    assert abs(means.mean() - expected) <= 3 * error


def test_a_family_has_the_same_values_for_any_number_of_threads_and_others_for_another_seed(
    rng: np.random.Generator,
) -> None:
    vectors = rng.standard_normal((200, 16), dtype=np.float32)

    values = lsh.SimHash(16, 32, seed=1).hash(vectors, threads=1)

    assert (values == lsh.SimHash(16, 32, seed=1).hash(vectors, threads=3)).all()
    assert (values != lsh.SimHash(16, 32, seed=2).hash(vectors)).any()


def test_a_centered_simhash_tells_apart_what_lies_to_one_side(rng: np.random.Generator) -> None:
    vectors = (rng.standard_normal((50, 16)) + 20).astype(np.float32)

    plain = lsh.SimHash(16, 256).hash(vectors)
    centered = lsh.SimHash(16, 256, center=vectors.mean(axis=0)).hash(vectors)

    assert (plain[0] == plain[1:]).mean() > 0.9
    assert (centered[0] == centered[1:]).mean() < 0.7


def test_values_do_not_depend_on_the_order_or_the_repetition_of_tokens() -> None:
    family = lsh.MinHash(32)

    values = family.hash([["a", "b", "c"], ["c", "b", "a", "a"], {"b", "c", "a"}, ["a", "b"]])

    assert (values[0] == values[1]).all()
    assert (values[0] == values[2]).all()
    assert (values[0] != values[3]).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lsh.MinHash(0), "hashes is 0"),
        (lambda: lsh.SimHash(0, 8), "dim is 0"),
        (lambda: lsh.PStable(4, 8, width=0), "width is 0"),
        (lambda: lsh.PStable(4, 8, width=float("nan")), "width is nan"),
        (lambda: lsh.BitSample(12, 8), "multiple of 8"),
        (lambda: lsh.MinHash(8, shingle=0).hash(["a"]), "shingle is 0"),
        (lambda: lsh.SimHash(3, 8, center=[0, np.nan, 0]), "center row 0 holds NaN"),
        (lambda: lsh.PStable(3, 8, width=1).hash([[0, 0, 0], [0, np.inf, 0]]), "items row 1 holds NaN or an infinity"),
        (lambda: lsh.SimHash(3, 8).hash([[1, 0, 0]], threads=-1), "threads is -1"),
        (lambda: lsh.MinHash(8, weighted=True).hash([{"a": -1.0}]), "items row 0 gives 'a' the weight -1.0"),
    ],
)
def test_a_family_out_of_its_range_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
