"""Searches that take so many hits of a group: documents of many passages."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal.measure import load_dataset

DATA = Path(__file__).resolve().parents[2] / "bench" / "data"


def best_of_groups(index: vicinal.Index, query: NDArray[Any], k: int, most: int, admitted: Any = None) -> list[int]:
    """Go down the list of all neighbors and take what each group still has room for."""
    ids = index.search(query, len(index), exact=True, filter=admitted).ids
    taken: dict[int, int] = {}
    chosen = []
    ids = ids[ids >= 0]
    for number, group in zip(ids.tolist(), index.groups(ids).tolist(), strict=True):
        if taken.get(group, 0) < most and len(chosen) < k:
            taken[group] = taken.get(group, 0) + 1
            chosen.append(number)
    return chosen


def passages(metric: str = "l2", documents: int = 300, seed: int = 2) -> tuple[vicinal.Index, NDArray[np.float64]]:
    """Documents of ten passages each, close together; and queries near some of them."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(documents, 8))
    vectors = np.repeat(centers, 10, axis=0) + rng.normal(scale=0.05, size=(10 * documents, 8))
    groups = np.repeat(rng.permutation(documents) - 50, 10)
    order = rng.permutation(len(vectors))
    index = vicinal.Index(8, metric)
    index.add(vectors[order], groups=groups[order])
    return index, centers[:20] + rng.normal(scale=0.1, size=(20, 8))


@pytest.mark.parametrize("metric", ["l2", "cosine", "ip"])
@pytest.mark.parametrize("most", [1, 3])
def test_no_group_has_more_hits_than_asked_for_and_the_best_are_found(metric: str, most: int) -> None:
    index, queries = passages(metric)
    found = index.search(queries, 12, per_group=most)
    exact = index.search(queries, 12, per_group=most, exact=True)

    both = 0
    for query, row, truth in zip(queries, found.ids.tolist(), exact.ids.tolist(), strict=True):
        assert truth == best_of_groups(index, query, 12, most)
        assert np.unique(index.groups(row), return_counts=True)[1].max() <= most
        both += len(set(row) & set(truth))
    assert both >= 0.95 * 12 * 20
    assert (found.counts == 12).all()
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_with_filter_the_best_of_the_admitted_are_found() -> None:
    index, queries = passages()
    for share in (0.02, 0.4, 0.9):
        admitted = np.random.default_rng(9).permutation(index.ids)[: int(share * len(index))]
        found = index.search(queries, 5, per_group=1, filter=admitted, stats=True)
        both = 0
        for query, row in zip(queries, found.ids.tolist(), strict=True):
            truth = best_of_groups(index, query, 5, 1, admitted)
            assert set(row) <= set(admitted.tolist())
            both += len(set(row) & set(truth))
        assert both >= 0.95 * 100
        one = index.search(queries[0].astype(np.float32), 5, per_group=1, filter=vicinal.IdSet(admitted))
        assert one.ids.tolist() == found.ids[0].tolist()


def test_19_of_20_photographs_are_found_among_descriptors() -> None:
    dataset = load_dataset(DATA / "sift-20k.npz")
    base, queries = dataset.base[:8000], dataset.query[:50]
    index = vicinal.Index(dataset.dim, ef_construction=100)
    index.add(base, groups=np.arange(len(base)) // 100)
    found = index.search(queries, 10, per_group=1, stats=True)
    truth = index.search(queries, 10, per_group=1, exact=True)

    both = sum(len(set(a) & set(b)) for a, b in zip(found.ids.tolist(), truth.ids.tolist(), strict=True))
    assert both >= 0.95 * 500
    assert found.stats is not None
    assert found.stats["strategy"].count("graph") > 25
    assert found.stats["distances"].mean() < len(base) / 2


def test_k_are_found_when_one_group_fills_the_neighborhood() -> None:
    index = vicinal.Index(1)
    index.add(np.arange(5000)[:, None], groups=np.where(np.arange(5000) < 4990, 1, np.arange(5000)))
    found = index.search([0.0], 8, per_group=1, stats=True)
    assert found.ids.tolist() == [0, *range(4990, 4997)]
    assert found.stats is not None
    assert found.stats["strategy"] == ["starved"]
    assert index.search([0.0], 20, per_group=1).counts.tolist() == [11]
    with pytest.raises(vicinal.RecallError):
        index.search([0.0], 20, per_group=1, strict=True)


def test_groups_follow_their_rows_through_orders_files_and_removals() -> None:
    rng = np.random.default_rng(3)
    vectors, groups = rng.random((500, 4)), rng.integers(-(2**63), 2**63 - 1, 500)
    plain = vicinal.Index(4)
    plain.add(vectors[:300], groups=groups[:300])
    plain.add(vectors[300:], groups=groups[300:])
    shuffled = vicinal.Index(4)
    shuffled.add(vectors, groups=groups, order="random")
    for index in (plain, shuffled):
        assert index.groups(np.arange(500)).tolist() == groups.tolist()
        index.remove(np.arange(0, 500, 3))
        again = pickle.loads(pickle.dumps(index))
        assert again.groups(again.ids).tolist() == groups[again.ids].tolist()
        assert again.to_bytes() == index.to_bytes()
        again.add(vectors[:1], groups=[5])
        assert again.groups([500]).tolist() == [5]
    assert plain.stats()["memory"]["ids"] > 500 * 17


def test_an_index_without_groups_stores_none() -> None:
    with_groups, without = vicinal.Index(2), vicinal.Index(2)
    without.add(np.ones((3, 2)))
    with_groups.add(np.ones((3, 2)), groups=[1, 2, 3])
    assert len(with_groups.to_bytes()) > len(without.to_bytes())
    assert vicinal.Index.from_bytes(without.to_bytes()).to_bytes() == without.to_bytes()


def test_all_vectors_have_groups_or_none_has() -> None:
    grouped, plain = vicinal.Index(1), vicinal.Index(1)
    grouped.add([[1.0]], groups=[1])
    plain.add([[1.0]])
    with pytest.raises(ValueError, match="groups: found none, expected one for each vector"):
        grouped.add([[2.0]])
    with pytest.raises(ValueError, match="groups: found some, expected none"):
        plain.add([[2.0]], groups=[1])
    with pytest.raises(ValueError, match="per_group needs groups"):
        plain.search([[1.0]], 1, per_group=1)
    with pytest.raises(ValueError, match="filled without groups"):
        plain.groups([0])
    assert len(grouped) == len(plain) == 1


def test_a_failed_add_does_not_decide_whether_there_are_groups() -> None:
    index = vicinal.Index(1)
    empty = index.to_bytes()
    with pytest.raises(vicinal.DuplicateIdError):
        index.add([[1.0], [2.0]], ids=[3, 3], groups=[1, 2])
    assert index.to_bytes() == empty
    index.add([[1.0]])
    assert index.search([[1.0]], 1).ids.tolist() == [[0]]


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        ([1], vicinal.DimensionError),
        ([[1, 2]], vicinal.DimensionError),
        ([1.0, 2.0], TypeError),
        ([True, False], TypeError),
        (["a", "b"], TypeError),
        (np.array([1, 2**63], dtype=np.uint64), OverflowError),
        ([1, 2**70], OverflowError),
    ],
)
def test_groups_are_one_integer_for_each_vector(groups: Any, error: type) -> None:
    index = vicinal.Index(1)
    with pytest.raises(error, match="groups"):
        index.add([[1.0], [2.0]], groups=groups)
    assert len(index) == 0


@pytest.mark.parametrize(("given", "error"), [(0, ValueError), (-1, ValueError), (1.5, ValueError), (True, ValueError)])
def test_per_group_is_a_whole_number_from_1(given: Any, error: type) -> None:
    index = vicinal.Index(1)
    index.add([[1.0]], groups=[1])
    with pytest.raises(error, match="per_group is"):
        index.search([[1.0]], 1, per_group=given)


def test_per_group_on_an_empty_index_gives_padded_rows() -> None:
    assert vicinal.Index(1).search([[1.0]], 2, per_group=1).ids.tolist() == [[-1, -1]]
    assert vicinal.Index(1).groups([]).tolist() == []
