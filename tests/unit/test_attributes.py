"""Searches that keep to a range or a ball of attributes: a second metric as part of the walk."""

import pickle

import numpy as np
import pytest

import vicinal


@pytest.fixture(scope="module")
def world():
    """4000 vectors with ids in no order, and a place and a time for each."""
    rng = np.random.default_rng(21)
    vectors = rng.standard_normal((4000, 16)).astype(np.float32)
    ids = rng.permutation(9000)[:4000]
    index = vicinal.Index(16)
    index.add(vectors, ids=ids)
    values = np.column_stack([rng.random((4000, 2)) * 100, 1.7e9 + rng.integers(0, 1000, 4000)])
    return index, ids, values, vicinal.Attributes(values, ids), rng.standard_normal((30, 16)).astype(np.float32)


@pytest.mark.parametrize("radius", [0.0, 3.0, 25.0, 60.0, np.inf])
def test_what_lies_within_a_ball_is_found_as_by_a_mask(world, radius):
    index, ids, values, _, queries = world
    attributes = vicinal.Attributes(values[:, :2], ids)
    inside = ids[((values[:, :2] - [40.0, 60.0]) ** 2).sum(axis=1) <= radius**2]
    expected = index.search(queries, 10, exact=True, filter=inside)

    exact = index.search(queries, 10, exact=True, filter=attributes.within([40.0, 60.0], radius))
    found = index.search(queries, 10, filter=attributes.within([40, 60], radius))

    assert np.array_equal(exact.ids, expected.ids)
    assert np.array_equal(found.counts, expected.counts)
    hits = sum(len(np.intersect1d(a[a >= 0], b)) for a, b in zip(found.ids, expected.ids, strict=True))
    assert hits >= 0.95 * expected.counts.sum()


def test_bounds_are_inclusive_exact_to_the_second_and_open_where_none_is_given(world):
    index, ids, values, attributes, queries = world
    second = values[0, 2]
    for low, high, inside in (
        ([None, None, second], [None, None, second], values[:, 2] == second),
        ([None, None, second], None, values[:, 2] >= second),
        (None, [50, None, None], values[:, 0] <= 50),
        (None, None, np.ones(len(ids), bool)),
    ):
        found = index.search(queries, 50, exact=True, filter=attributes.between(low, high))
        assert np.array_equal(found.ids, index.search(queries, 50, exact=True, filter=ids[inside]).ids)


def test_each_query_has_a_region_of_its_own(world):
    index, ids, values, _, queries = world
    attributes = vicinal.Attributes(values[:, 0], ids)
    centers = np.linspace(5, 95, len(queries))
    found = index.search(queries, 5, filter=[attributes.within(center, 5.0) for center in centers])
    place = dict(zip(ids.tolist(), values[:, 0].tolist(), strict=True))
    for center, row in zip(centers, found.ids, strict=True):
        assert len(row) == 5
        assert all(abs(place[one] - center) <= 5 for one in row.tolist())


def test_a_walk_in_a_region_compares_fewer_than_lie_there(world):
    index, _, values, attributes, queries = world
    region = attributes.between([30.0, None, None], None)
    stats = index.search(queries, 5, ef=16, filter=region, stats=True).stats
    assert stats["strategy"] == ["gated"] * len(queries)
    assert stats["distances"].max() < (values[:, 0] >= 30).sum() / 2


def test_vectors_without_attributes_are_not_admitted_and_ids_of_nobody_admit_nothing():
    index = vicinal.Index(1)
    index.add([[0.0], [1.0], [2.0]])
    attributes = vicinal.Attributes([1.0, 1.0, 1.0], [1, 2, 77])
    assert index.search([0.0], k=3, filter=attributes.between(None, None)).ids.tolist() == [1, 2, -1]
    index.add([[0.5]], ids=[77])
    assert index.search([0.0], k=3, filter=attributes.between(None, None)).ids.tolist() == [77, 1, 2]
    assert vicinal.Index(1).search([0.0], k=2, filter=attributes.within(1.0, 1)).ids.tolist() == [-1, -1]


def test_one_set_of_attributes_serves_several_indexes_and_snapshots(world):
    _, ids, values, attributes, queries = world
    other = vicinal.Index(16, "cosine")
    other.add(queries, ids=ids[:30])
    region = attributes.between([50.0, None, None], None)
    before = other.snapshot()
    other.remove(ids[:10])
    admitted = ids[:30][values[:30, 0] >= 50]
    assert set(before.search(queries[0], 30, filter=region).ids.tolist()) - {-1} == set(admitted.tolist())
    left = set(ids[10:30][values[10:30, 0] >= 50].tolist())
    assert set(other.search(queries[0], 30, filter=region).ids.tolist()) - {-1} == left


def test_attributes_are_pickled_with_their_ids(world):
    _, ids, values, attributes, _ = world
    again = pickle.loads(pickle.dumps(attributes))
    assert np.array_equal(again.ids, ids)
    assert np.array_equal(again.values, values)
    assert len(again) == 4000


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: vicinal.Attributes([[1.0, np.nan]]), vicinal.InvalidVectorError, "row 0 holds NaN"),
        (lambda: vicinal.Attributes([[1.0]], ids=[1, 2]), vicinal.DimensionError, r"ids has shape \(2,\)"),
        (lambda: vicinal.Attributes([1.0, 2.0], ids=[4, 4]), vicinal.DuplicateIdError, "id 4 comes twice"),
        (lambda: vicinal.Attributes([1.0], ids=[-1]), OverflowError, "-1"),
        (lambda: vicinal.Attributes(np.zeros((2, 2, 2))), vicinal.DimensionError, r"\(2, 2, 2\)"),
        (lambda: vicinal.Attributes(np.zeros((2, 65))), vicinal.DimensionError, "1 to 64"),
        (lambda: vicinal.Attributes(["a"]), TypeError, "expected numbers"),
        (lambda: vicinal.Attributes([True]), TypeError, "bool"),
        (lambda: vicinal.Attributes([[1.0], [1.0, 2.0]]), ValueError, "different lengths"),
        (lambda: vicinal.Attributes([[1.0, 2.0]]).within([1.0], 1), vicinal.DimensionError, "one for each column"),
        (lambda: vicinal.Attributes([1.0]).within([np.inf], 1), ValueError, "finite"),
        (lambda: vicinal.Attributes([1.0]).within(1.0, -1), ValueError, "radius is -1"),
        (lambda: vicinal.Attributes([1.0]).within(1.0, np.nan), ValueError, "radius is nan"),
        (lambda: vicinal.Attributes([1.0]).within(1.0, "far"), TypeError, "radius"),
        (lambda: vicinal.Attributes([1.0]).between(2.0, 1.0), ValueError, r"low\[0\] is 2"),
        (lambda: vicinal.Attributes([1.0]).between([np.nan], None), ValueError, r"low\[0\] is NaN"),
        (lambda: vicinal.Attributes([1.0]).between([1, 2], None), vicinal.DimensionError, "one for each column"),
    ],
)
def test_what_makes_no_region_is_refused(make, error, says):
    with pytest.raises(error, match=says):
        make()
