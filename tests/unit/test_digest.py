"""The hash of what is in an index."""

import numpy as np
import pytest

import vicinal

KINDS = [("l2", "f32"), ("cosine", "f16"), ("ip", "i8"), ("hamming", "b1")]


def filled(metric: str, dtype: str, rng: np.random.Generator, **options: int) -> vicinal.Index:
    index = vicinal.Index(16, metric, dtype=dtype, **options)
    rows = rng.integers(1, 100, (300, 2 if dtype == "b1" else 16)).astype(np.uint8)
    index.add(rows, threads=options.get("M", 16) % 2 + 1)
    return index


@pytest.mark.parametrize(("metric", "dtype"), KINDS)
def test_equal_contents_have_equal_digests_however_they_came_in(
    metric: str, dtype: str, rng: np.random.Generator
) -> None:
    index = filled(metric, dtype, rng)
    sequence = rng.permutation(300)
    rows = index.get(index.ids)
    other = vicinal.Index(16, metric, dtype=dtype, M=5, seed=9)

    other.add(rows, ids=np.arange(300) + 1000, threads=1)
    other.remove(other.ids)
    other.add(rows[sequence], ids=sequence, threads=2)

    assert other.digest() == index.digest()
    assert vicinal.Index.from_bytes(other.to_bytes()).digest() == index.digest()


@pytest.mark.parametrize(("metric", "dtype"), KINDS)
def test_another_vector_id_or_kind_has_another_digest(metric: str, dtype: str, rng: np.random.Generator) -> None:
    index = filled(metric, dtype, rng)
    rows = index.get(index.ids)
    changed = rows.copy()
    changed[123, 1] += 1
    digests = {index.digest()}

    for vectors, ids in ((changed, np.arange(300)), (rows, np.arange(300) + 1), (rows[:299], np.arange(299))):
        other = vicinal.Index(16, metric, dtype=dtype)
        other.add(vectors, ids=ids)
        digests.add(other.digest())
    digests.add(vicinal.Index(16, metric, dtype=dtype).digest())
    digests.add(vicinal.Index(24, metric, dtype=dtype).digest())

    assert len(digests) == 6


def test_groups_are_part_of_the_digest(rng: np.random.Generator) -> None:
    rows = rng.random((20, 4))
    digests = set()

    for groups in (None, np.zeros(20, int), np.arange(20)):
        index = vicinal.Index(4)
        index.add(rows, groups=groups)
        digests.add(index.digest())

    assert len(digests) == 3


def test_a_digest_is_the_same_in_every_version() -> None:
    index = vicinal.Index(2)
    index.add([[1.0, 2.0], [3.0, 4.0]], ids=[5, 1])

    assert index.digest() == "dad95d26e08c15394cf1c74105b3db181ca9344058b2821d7bbd0065975013dd"
