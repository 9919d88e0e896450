"""Every vector of real sets can be reached, also where a tenth of them are copies."""

from pathlib import Path

import numpy as np
import pytest

import vicinal
from vicinal.measure import load_dataset

DATA = Path(__file__).resolve().parents[2] / "bench" / "data"


@pytest.mark.parametrize(("name", "rows"), [("sift-20k", 8000), ("minilm-5k", 4000)])
def test_real_vectors_and_copies_of_a_tenth_of_them_are_reached_and_found(name: str, rows: int) -> None:
    dataset = load_dataset(DATA / f"{name}.npz")
    rng = np.random.default_rng(0)
    base = dataset.base[:rows]
    copied = rng.choice(rows, rows // 10, replace=False)
    mixed = np.concatenate([base, base[copied]])
    places = rng.permutation(len(mixed))
    index = vicinal.Index(dataset.dim, dataset.metric)
    index.add(mixed[places])

    health = index.check()

    assert health.unreachable == 0
    assert health.zero_in_degree == 0
    assert health.duplicates == rows // 10
    assert health.recall > 0.95
    for ids, distances in zip(*index.search(base[copied[:100]], 2), strict=True):
        assert distances[0] == distances[1] <= 1e-6
        assert np.array_equal(*index.get(ids))
