"""Searches that keep to some of the vectors: every form of a filter, and what it promises."""

import copy
import pickle
import sys
import types
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import vicinal
from vicinal import IdSet


@pytest.fixture(scope="module")
def drawn() -> tuple[vicinal.Index, NDArray[np.float32], NDArray[np.float32]]:
    """3000 vectors with ids in no order, and queries."""
    rng = np.random.default_rng(11)
    vectors = rng.random((3000, 8), dtype=np.float32)
    index = vicinal.Index(8)
    index.add(vectors, ids=rng.permutation(9000)[:3000])
    return index, vectors, rng.random((20, 8), dtype=np.float32)


class Bitmap:
    """What of a pyroaring bitmap is looked at, for where pyroaring is not installed."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids

    def to_array(self) -> NDArray[np.uint32]:
        return np.array(self.ids, dtype=np.uint32)


Bitmap.__module__ = "pyroaring"


def test_every_form_of_a_filter_is_answered_alike(drawn: Any) -> None:
    index, _, queries = drawn
    admitted = index.ids[index.ids % 3 == 0]
    expected = index.search(queries, 10, filter=admitted)

    forms = {
        "mask": index.ids % 3 == 0,
        "unsigned": admitted.astype(np.uint64),
        "tuple": tuple(admitted.tolist()),
        "set": set(admitted.tolist()),
        "range": range(0, 9000, 3),
        "IdSet": IdSet(admitted[::-1]),
        "bitmap": Bitmap(admitted.tolist()),
        "callable": lambda ids: ids % 3 == 0,
        "list": [admitted] * len(queries),
    }
    for name, form in forms.items():
        found = index.search(queries, 10, filter=form)
        assert np.array_equal(found.ids, expected.ids), name
        assert np.array_equal(found.distances, expected.distances), name
    assert (expected.ids % 3 == 0).all()
    assert (expected.counts == 10).all()


def test_a_real_bitmap_of_pyroaring_is_a_filter(drawn: Any) -> None:
    pyroaring = pytest.importorskip("pyroaring", reason="pyroaring is not installed")
    index, _, queries = drawn
    admitted = index.ids[::2]
    expected = index.search(queries, 5, filter=admitted).ids
    for kind in (pyroaring.BitMap, pyroaring.FrozenBitMap, pyroaring.BitMap64):
        assert np.array_equal(index.search(queries, 5, filter=kind(admitted.tolist())).ids, expected)


def test_a_list_holds_one_filter_for_each_query(drawn: Any) -> None:
    index, _, queries = drawn
    filters = [index.ids % 2 == 0, index.ids[index.ids % 2 == 1], IdSet(index.ids[:3]), None]
    with pytest.raises(TypeError, match=r"filter\[3\] is None"):
        index.search(queries[:4], 5, filter=filters)

    found = index.search(queries[:3], 5, filter=filters[:3])

    assert (found.ids[0] % 2 == 0).all()
    assert (found.ids[1] % 2 == 1).all()
    assert set(found.ids[2].tolist()) == {*index.ids[:3].tolist(), -1}


def test_a_single_query_with_an_id_set_finds_what_many_find(drawn: Any) -> None:
    index, _, queries = drawn
    some = IdSet(index.ids[::4])
    many = index.search(queries, 7, filter=some)
    for query, ids, distances in zip(queries, many.ids, many.distances, strict=True):
        one = index.search(query, 7, filter=some)
        assert one.ids.tolist() == ids.tolist()
        assert one.distances.tolist() == distances.tolist()
        assert index.search(query.tolist(), k=7, filter=some).ids.tolist() == ids.tolist()


def test_a_filter_of_none_admits_all(drawn: Any) -> None:
    index, _, queries = drawn
    assert np.array_equal(index.search(queries, 5, filter=None).ids, index.search(queries, 5).ids)
    assert index.search(queries[0], 5, filter=None).ids.tolist() == index.search(queries[0], 5).ids.tolist()


def test_a_callable_is_asked_once_about_all_ids(drawn: Any) -> None:
    index, _, queries = drawn
    asked: list[NDArray[np.int64]] = []

    def even(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        asked.append(ids)
        return np.asarray(ids % 2 == 0)

    index.search(queries, 5, filter=even)

    assert len(asked) == 1
    assert asked[0].tolist() == index.ids.tolist()


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("exact", [False, True])
def test_only_admitted_ids_are_found_and_as_many_as_there_are(drawn: Any, share: float, exact: bool) -> None:
    index, _, queries = drawn
    rng = np.random.default_rng(4)
    admitted = np.sort(rng.permutation(index.ids)[: int(share * len(index))])

    found = index.search(queries, 10, filter=admitted, exact=exact)

    assert (found.counts == min(10, len(admitted))).all()
    assert set(found.ids.ravel().tolist()) <= {*admitted.tolist(), -1}


def test_a_filtered_search_says_how_it_went(drawn: Any) -> None:
    index, _, queries = drawn
    strategies = {}
    for share in (0.01, 0.95):
        admitted = np.random.default_rng(1).permutation(index.ids)[: int(share * len(index))]
        stats = index.search(queries, 5, ef=10, filter=admitted, stats=True).stats
        strategies[share] = max(set(stats["strategy"]), key=stats["strategy"].count)
        assert (stats["distances"] < len(index)).all()
    assert strategies == {0.01: "scan", 0.95: "gated"}
    assert index.search(queries, 5, filter=index.ids, exact=True, stats=True).stats["strategy"] == ["scan"] * 20


def test_removed_vectors_are_not_admitted(drawn: Any) -> None:
    index, _, queries = drawn
    index = copy.deepcopy(index)
    some = IdSet(index.ids[: len(index) // 2])
    gone = index.search(queries, 10, filter=some).ids.ravel()

    index.remove(np.unique(gone))
    found = index.search(queries, 10, filter=some)

    assert (found.counts == 10).all()
    assert not set(found.ids.ravel().tolist()) & set(gone.tolist())


def test_an_id_set_is_a_set_of_numbers() -> None:
    some = IdSet([5, 1, 5, 2**63 - 1])
    assert len(some) == 3
    assert list(some) == some.ids.tolist() == [1, 5, 2**63 - 1]
    assert 5 in some
    assert 2 not in some
    assert -1 not in some
    assert some == IdSet([2**63 - 1, 5, 1]) != IdSet([1])
    assert len({some, IdSet(some.ids)}) == 1
    assert pickle.loads(pickle.dumps(some)) == copy.deepcopy(some) == some
    assert repr(some) == "<IdSet of 3 ids>"
    with pytest.raises(TypeError, match="expected an integer"):
        "5" in some  # noqa: B015


def test_an_id_set_knows_its_selectivity() -> None:
    index = vicinal.Index(1)
    assert IdSet([1]).selectivity(index) == 0.0
    index.add(np.arange(8)[:, None])
    assert IdSet([1, 2, 100]).selectivity(index) == 0.25


def test_an_id_set_that_was_never_initialized_is_refused(drawn: Any) -> None:
    index, _, queries = drawn
    empty = IdSet.__new__(IdSet)
    with pytest.raises(TypeError, match="IdSet was never initialized"):
        index.search(queries[0], 3, filter=empty)


def test_pyroaring_is_not_imported_for_a_filter(drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    index, _, queries = drawn
    monkeypatch.setitem(sys.modules, "pyroaring", None)  # an import would fail
    assert index.search(queries, 3, filter=Bitmap(index.ids[:9].tolist())).counts.tolist() == [3] * 20
    assert isinstance(sys.modules.get("pyroaring"), (types.NoneType, types.ModuleType))
