"""What codes keep of vectors: decoding, distances, recall, files, and the same bytes for the same seed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal import _core, codecs
from vicinal.codecs.comparison import nearest_codes, share_found

SEED = 20261125
METRICS = ("l2", "ip", "cosine")


def drawn(n: int, dim: int = 24, seed: int = SEED) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.standard_normal((dim, dim)) / np.sqrt(dim)
    return (rng.standard_normal((n, dim)) @ mixed + 0.3).astype(np.float32)


def kinds(metric: str) -> list[codecs.Code]:
    return [
        *(codecs.Recurrent(bits, metric=metric, seed=3) for bits in (1, 2, 4, 8)),
        codecs.Recurrent(1, metric=metric, code_dim=60),
        codecs.Recurrent(4, metric=metric, rotation="none"),
        codecs.RaBitQ(metric=metric),
        codecs.ITQ(16, metric=metric),
        codecs.PCA(12, 8, metric=metric),
        codecs.PQ(6, metric=metric),
        codecs.OPQ(6, metric=metric),
    ]


def true_distances(queries: np.ndarray, rows: np.ndarray, metric: str) -> np.ndarray:
    queries, rows = queries.astype(np.float64), rows.astype(np.float64)
    if metric == "l2":
        return np.square(queries[:, None] - rows[None]).sum(axis=2)
    return 1 - queries @ rows.T


def levels(code: Any, rows: np.ndarray) -> np.ndarray:
    """The numbers of the levels, one by one from the lowest bits of each byte."""
    packed = rows[:, :-12].astype(np.int64)
    shifts = np.arange(0, 8, code.bits)
    each = (packed[:, :, None] >> shifts) & (2**code.bits - 1)
    return each.reshape(len(rows), -1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("dim", [7, 24, 100])
def test_products_and_sums_are_those_of_the_levels_to_the_last_integer(bits: int, dim: int) -> None:
    vectors = drawn(300, dim)
    code = codecs.Recurrent(bits).fit(vectors)
    codes = code.encode(vectors)
    some = codes[:20]

    numbers, asked = levels(code, codes.rows), levels(code, some.rows)

    assert (code.products(some, codes) == asked @ numbers.T).all()
    assert (np.ascontiguousarray(codes.rows[:, -4:]).view("<u4")[:, 0] == numbers.sum(axis=1)).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_symmetric_distance_is_the_integer_formula_times_the_scales(metric: str, bits: int) -> None:
    vectors = drawn(300)
    code = codecs.Recurrent(bits, metric=metric).fit(vectors)
    codes = code.encode(vectors)
    some = codes[:9]
    t = 2**bits - 1
    scale, squares = np.ascontiguousarray(codes.rows[:, -12:-4]).view("<f4").astype(np.float64).T
    sums = levels(code, codes.rows).sum(axis=1)
    whole = 4 * (levels(code, some.rows) @ levels(code, codes.rows).T)
    whole += 24 * t * t - 2 * t * (sums[:9, None] + sums)

    products = scale[:9, None] * scale * whole
    wanted = 1 - products if metric == "ip" else squares[:9, None] + squares - 2 * products
    wanted = wanted / 2 if metric == "cosine" else wanted

    assert (code.distances(some, codes) == wanted.astype(np.float32)).all()


@pytest.mark.parametrize("metric", METRICS)
def test_distances_are_those_to_the_decoded_vectors(metric: str) -> None:
    vectors, queries = drawn(400), drawn(5, seed=4)
    for code in (codecs.Recurrent(2, metric=metric), codecs.PQ(6, metric=metric), codecs.OPQ(6, metric=metric)):
        codes = code.fit(vectors).encode(vectors)
        if metric == "cosine":  # decoded vectors are brought to length one, codes measure them as they lie
            continue
        decoded = code.decode(codes)

        found = code.distances(queries, codes)
        between = code.distances(codes[:5], codes)

        assert np.abs(found - true_distances(queries, decoded, metric)).max() < 2e-3, (code, SEED)
        assert np.abs(between - true_distances(decoded[:5], decoded, metric)).max() < 2e-3, (code, SEED)


@pytest.mark.parametrize("metric", METRICS)
def test_every_code_finds_more_than_half_of_what_is_near(metric: str) -> None:
    rows, queries = drawn(2000)[:1900], drawn(2000)[1900:]
    if metric == "cosine":
        rows, queries = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (rows, queries))
    truth = _core.exact_search(rows.astype(np.float32), queries.astype(np.float32), 10, metric)[0]
    for code in kinds(metric):
        codes = code.fit(rows).encode(rows)
        within = share_found(nearest_codes(code, queries, codes, 100), truth)
        between = share_found(nearest_codes(code, code.encode(queries), codes, 100), truth)

        assert codes.rows.shape == (1900, code.bytes_per_vector), code
        assert within > 0.6, (code, within)
        assert between > 0.5, (code, between)


def test_more_bits_lose_less_and_a_rotation_is_worth_having() -> None:
    rng = np.random.default_rng(SEED)
    vectors = (rng.standard_normal((1000, 32)) * np.geomspace(1, 0.01, 32)).astype(np.float32)

    def lost(code: codecs.Code) -> float:
        return float(np.square(code.decode(code.fit(vectors).encode(vectors)) - vectors).sum())

    turned = [lost(codecs.Recurrent(bits)) for bits in (1, 2, 4, 8)]

    assert sorted(turned, reverse=True) == turned
    assert turned[3] < 1e-3 * turned[0]
    assert lost(codecs.Recurrent(4, rotation="none")) > 1.5 * turned[2]


def test_embeddings_keep_their_neighbors_in_four_bits_and_in_one(bundled: Callable[[str], dict[str, Any]]) -> None:
    data = bundled("minilm-5k")
    base, queries = data["base"].astype(np.float32), data["query"][:200].astype(np.float32)
    truth = data["gt"][:200, :10].astype(np.int64)
    four = codecs.Recurrent(4, metric="cosine").fit(base)
    one = codecs.Recurrent(1, metric="cosine").fit(base)
    corrected = codecs.RaBitQ(metric="cosine").fit(base)

    near = nearest_codes(four, four.encode(queries), four.encode(base), 20)
    signs = nearest_codes(one, one.encode(queries), one.encode(base), 100)
    by_floats = nearest_codes(corrected, queries, corrected.encode(base), 10)

    assert four.bytes_per_vector == 204
    assert share_found(near[:, :10], truth) >= 0.93
    assert share_found(near, truth) >= 0.99
    assert share_found(signs, truth) >= 0.97
    assert share_found(by_floats, truth) > share_found(signs[:, :10], truth) + 0.05


def test_signs_turned_for_them_differ_less_than_signs_turned_at_random() -> None:
    rng = np.random.default_rng(SEED)
    centers = rng.standard_normal((6, 40))
    vectors = (centers[rng.integers(0, 6, 1500)] + 0.2 * rng.standard_normal((1500, 40))).astype(np.float32)

    def lost(code: codecs.Code) -> float:
        return float(np.square(code.decode(code.fit(vectors).encode(vectors)) - vectors).sum())

    assert lost(codecs.ITQ(8)) < lost(codecs.PCA(8, 1))


def test_hamming_counts_differing_bits() -> None:
    vectors = drawn(300)
    code = codecs.ITQ(13).fit(vectors)
    codes = code.encode(vectors)
    numbers = levels(code, codes.rows)

    assert (code.hamming(codes[:7], codes) == (numbers[:7, None] != numbers[None]).sum(axis=2)).all()
    four = codecs.Recurrent(4).fit(vectors)
    with pytest.raises(ValueError, match="this one has 4"):
        four.hamming(four.encode(vectors), four.encode(vectors))


def test_a_constant_element_and_a_vector_of_zeros_are_coded_like_any_other() -> None:
    vectors = drawn(400)
    vectors[:, 3] = 1.5
    vectors[7] = 0
    for code in kinds("l2"):
        codes = code.fit(vectors).encode(vectors)

        assert np.isfinite(code.distances(vectors[:9], codes)).all(), code
        assert np.isfinite(code.decode(codes)).all(), code


@pytest.mark.parametrize("metric", METRICS)
def test_a_code_comes_back_from_its_file_with_all_it_says(metric: str, tmp_path: Path) -> None:
    vectors, queries = drawn(600), drawn(3, seed=9)
    for place, code in enumerate(kinds(metric)):
        path = tmp_path / f"{place}.code"
        codes = code.fit(vectors).encode(vectors)
        code.save(path)
        codes.save(tmp_path / "rows")

        back, rows = codecs.load(path), codecs.Codes.load(tmp_path / "rows")

        assert type(code).load(path).signature == back.signature == code.signature
        assert (back.distances(queries, rows) == code.distances(queries, codes)).all(), code
        assert (back.encode(vectors).rows == codes.rows).all(), code


def test_the_same_seed_makes_the_same_bytes_on_any_number_of_threads() -> None:
    vectors = drawn(3000)
    for one, three in zip(kinds("l2"), kinds("l2"), strict=True):
        alone, together = one.fit(vectors, threads=1), three.fit(vectors, threads=3)
        codes = alone.encode(vectors, threads=1)

        assert alone.signature == together.signature
        assert (codes.rows == together.encode(vectors, threads=3).rows).all()
        assert (
            alone.distances(vectors[:5], codes, threads=1) == together.distances(vectors[:5], codes, threads=3)
        ).all()


def test_the_same_seed_makes_the_same_bytes_whatever_threads_numpy_has() -> None:
    program = (
        "import numpy as np; from vicinal import codecs; rng = np.random.default_rng(1);"
        "x = rng.standard_normal((2000, 96)).astype(np.float32); y = x[:400, :90] + np.float32(0.1);"
        "made = [codecs.Recurrent(2), codecs.ITQ(64), codecs.PCA(48), codecs.OPQ(12)];"
        "print(*[c.fit(x).signature for c in made], codecs.Compatible(made[0], x[:400], y).queries(y).tobytes().hex())"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for threads in ("1", "2")
    }

    assert len(said) == 1


def test_another_seed_makes_another_code() -> None:
    vectors = drawn(500)

    signatures = {codecs.Recurrent(2, seed=seed).fit(vectors).signature for seed in (0, 1, 2**64 - 1)}

    assert len(signatures) == 3
