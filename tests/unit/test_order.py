"""Orders by name: each is a permutation, the same every time, and what its name says."""

from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal import order
from vicinal.errors import DataWarning, DimensionError, InvalidVectorError

N, DIM = 600, 8
NEED_LABELS = ("category", "interleave")
LABELS = np.array(["net", "admin", "games"])[np.arange(N) * 7 % 3]


@pytest.fixture
def rows() -> Any:
    return np.random.default_rng(3).standard_normal((N, DIM), dtype=np.float32)


def in_order(rows: Any, name: str, **options: Any) -> Any:
    return order.permutation(rows, name, labels=LABELS if name in NEED_LABELS else None, **options)


@pytest.mark.parametrize("name", order.NAMES)
def test_every_order_is_a_permutation_and_the_same_every_time(rows: Any, name: str) -> None:
    found = in_order(rows, name, seed=4)

    assert found.dtype == np.int64
    assert np.sort(found).tolist() == list(range(N))
    assert (found == in_order(rows, name, seed=4)).all()
    assert (found == in_order(rows, name, seed=4, threads=1)).all()


@pytest.mark.parametrize("name", ["random", "block", "cluster", "farthest"])
def test_orders_that_draw_depend_on_the_seed(rows: Any, name: str) -> None:
    assert (in_order(rows, name, seed=4) != in_order(rows, name, seed=5)).any()


@pytest.mark.parametrize("name", order.NAMES)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_every_order_takes_hardly_any_rows(rows: Any, name: str, count: int) -> None:
    found = order.permutation(rows[:count], name, labels=LABELS[:count])

    assert np.sort(found).tolist() == list(range(count))


def test_given_leaves_rows_as_they_stand_and_block_keeps_them_together(rows: Any) -> None:
    assert order.permutation(rows, "given").tolist() == list(range(N))
    steps = np.diff(order.permutation(rows, "block"))
    assert (steps == 1).mean() > 0.8
    assert (steps != 1).sum() > 50


def test_category_puts_one_label_after_the_other_and_interleave_takes_turns(rows: Any) -> None:
    together = LABELS[in_order(rows, "category")]
    in_turn = LABELS[in_order(rows, "interleave")]

    assert together.tolist() == sorted(LABELS.tolist())
    assert in_turn[:6].tolist() == ["admin", "games", "net"] * 2


def test_lid_orders_are_each_others_reverse_and_put_the_undefined_last(rows: Any) -> None:
    lid = np.random.default_rng(1).random(N) * 20
    lid[[5, 9]] = np.inf

    falling, rising = order.permutation(rows, "lid_desc", lid=lid), order.permutation(rows, "lid_asc", lid=lid)

    assert falling[-2:].tolist() == rising[-2:].tolist() == [5, 9]
    assert (np.diff(lid[falling[:-2]]) <= 0).all()
    assert falling[:-2].tolist() == rising[:-2][::-1].tolist()


def test_lid_desc_puts_rows_of_many_dimensions_before_rows_of_few() -> None:
    rng = np.random.default_rng(2)
    line = np.outer(rng.standard_normal(300), rng.standard_normal(16)) + 100
    rows = np.concatenate([line, rng.standard_normal((300, 16))]).astype(np.float32)

    found = order.permutation(rows, "lid_desc")

    assert (found[:300] >= 300).mean() > 0.95


def test_cluster_goes_cluster_by_cluster_and_farthest_visits_all_of_them_first() -> None:
    rng = np.random.default_rng(5)
    centers = rng.standard_normal((8, DIM)) * 50
    member = rng.integers(0, 8, N)
    rows = (centers[member] + rng.standard_normal((N, DIM))).astype(np.float32)

    assert (np.diff(member[order.permutation(rows, "cluster")]) != 0).sum() < 60  # by chance 525
    assert len(set(member[order.permutation(rows, "farthest")][:24].tolist())) == 8


@pytest.mark.parametrize(("metric", "dtype"), [("l2", np.float32), ("cosine", np.float32), ("l2", np.int8)])
@pytest.mark.parametrize("name", ["lid_desc", "cluster", "farthest"])
def test_orders_that_look_at_vectors_take_every_type(name: str, metric: str, dtype: Any) -> None:
    rows = (np.random.default_rng(8).standard_normal((300, DIM)) * 20).astype(dtype)

    assert np.sort(order.permutation(rows, name, metric=metric)).tolist() == list(range(300))


def test_packed_bits_have_orders_too() -> None:
    rows = np.random.default_rng(8).integers(0, 256, (300, 16), dtype=np.uint8)

    for name in ("lid_desc", "cluster", "farthest"):
        assert np.sort(order.permutation(rows, name, metric="hamming")).tolist() == list(range(300))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "sorted"}, ValueError, "order is 'sorted', expected one of 'auto', 'given'"),
        ({"name": "category"}, ValueError, "order 'category' needs labels, one category for each of the 600 vectors"),
        ({"name": "interleave", "labels": [1, 2]}, DimensionError, r"labels has shape \(2,\), expected \(600,\)"),
        ({"name": "given", "labels": [1, 2]}, DimensionError, r"labels has shape \(2,\), expected \(600,\)"),
        ({"name": "lid_desc", "lid": [1.0]}, DimensionError, r"lid has shape \(1,\), expected \(600,\)"),
        ({"name": "lid_asc", "metric": "ip"}, ValueError, "metric is 'ip', expected"),
        ({"name": np.zeros(N, dtype=np.int64)}, ValueError, "order is no permutation of 0 ... 599: row 1 is not in it"),
        ({"name": np.arange(N - 1)}, ValueError, r"order has shape \(599,\)"),
        ({"name": lambda *_: [0]}, ValueError, r"the order returned by the callable has shape \(1,\)"),
        ({"name": "random", "seed": -1}, ValueError, "seed is -1"),
    ],
)
def test_what_is_no_order_is_refused(rows: Any, options: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        order.permutation(rows, **options)


def test_a_vector_that_holds_nan_is_named(rows: Any) -> None:
    rows[17, 3] = np.nan

    with pytest.raises(InvalidVectorError, match="vectors row 17 holds NaN"):
        order.permutation(rows, "cluster")


@pytest.mark.parametrize("name", [name for name in order.NAMES if name != "auto"])
def test_ids_stay_with_their_rows_whatever_the_order(rows: Any, name: str) -> None:
    index = vicinal.Index(DIM, seed=2)

    ids = index.add(rows, ids=np.arange(N) * 3, order=name, labels=LABELS)

    assert ids.tolist() == (np.arange(N) * 3).tolist()
    assert (index.get(ids) == rows).all()
    assert index.search(rows[:50], k=1).ids[:, 0].tolist() == ids[:50].tolist()
    assert index.stats()["order"]["chosen"] == name


def test_labels_of_the_wrong_length_change_nothing(rows: Any) -> None:
    index = vicinal.Index(DIM)

    for name in ("category", "auto"):
        with pytest.raises(DimensionError, match="labels"):
            index.add(rows, order=name, labels=LABELS[:-1])
    assert len(index) == 0


def test_copies_only_are_warned_of() -> None:
    with pytest.warns(DataWarning, match="local intrinsic dimension of 200 of 200 vectors is undefined"):
        found = order.permutation(np.ones((200, 4), dtype=np.float32), "lid_desc")
    assert found.tolist() == list(range(200))
