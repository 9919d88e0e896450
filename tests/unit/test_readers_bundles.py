"""Files that hold a whole benchmark set, and the names that stand for them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.measure import Dataset, dataset_names, load_dataset
from vicinal.measure.load import load_base

Arrays = dict[str, Any]


@pytest.fixture
def square() -> Arrays:
    """Four corners, one query near each of two of them."""
    return {
        "base": np.array([[0, 0], [0, 4], [4, 0], [4, 4]], dtype=np.uint8),
        "query": np.array([[0, 1], [4, 3]], dtype=np.uint8),
        "gt": np.array([[0, 1], [3, 2]], dtype=np.int32),
        "gt_dist": np.array([[1, 9], [1, 9]], dtype=np.float32),
        "metric": "l2",
    }


def test_a_set_of_bytes_comes_as_float32_for_engines_and_raw_on_request(square: Arrays, tmp_path: Path) -> None:
    np.savez(tmp_path / "square.npz", **square)

    widened, raw = load_dataset(tmp_path / "square.npz"), load_dataset(tmp_path / "square.npz", raw=True)

    assert (widened.name, widened.metric, widened.dim) == ("square", "l2", 2)
    assert widened.base.dtype == widened.query.dtype == np.float32
    assert raw.base.dtype == raw.query.dtype == np.uint8
    np.testing.assert_array_equal(widened.base, square["base"])
    assert widened.truth is not None
    assert widened.truth.dtype == np.int64
    np.testing.assert_array_equal(widened.truth_distances, square["gt_dist"])


def test_cosine_rows_in_half_precision_get_length_one_and_similarities_become_distances(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    rows = rng.normal(size=(20, 8))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    half = rows.astype(np.float16)
    np.savez(
        tmp_path / "text.npz", base=half, query=half[:3], gt=[[0], [1], [2]], gt_dist=[[1.0], [0.5], [0.25]],
        metric="cosine",
    )  # fmt: skip

    loaded = load_dataset(tmp_path / "text.npz")

    np.testing.assert_allclose(np.linalg.norm(loaded.base, axis=1), 1, atol=2e-7)
    assert np.abs(np.linalg.norm(half.astype(np.float32), axis=1) - 1).max() > 1e-5
    assert loaded.truth_distances is not None
    assert loaded.truth_distances.tolist() == [[0.0], [0.5], [0.75]]


def test_cosine_rows_in_full_precision_stay_as_they_are(rng: np.random.Generator, tmp_path: Path) -> None:
    rows = rng.normal(size=(5, 3)).astype(np.float32)
    np.savez(tmp_path / "text.npz", base=rows, query=rows, metric="cosine")

    np.testing.assert_array_equal(load_dataset(tmp_path / "text.npz").base, rows)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_an_npz_file_cut_short_is_refused(share: float, square: Arrays, tmp_path: Path) -> None:
    file = tmp_path / "square.npz"
    np.savez(file, **square)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(InvalidVectorError, match=r"square\.npz"):
        load_dataset(file)


def test_an_npz_file_without_a_base_lists_what_it_has(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", rows=np.zeros((2, 2)), words=np.zeros(2))

    with pytest.raises(InvalidVectorError, match="no array 'base'; found: rows, words"):
        load_dataset(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("change", "error", "complaint"),
    [
        ({"query": np.zeros((2, 3))}, DimensionError, r"query has shape \(2, 3\) and base \(4, 2\)"),
        ({"base": np.zeros(4)}, DimensionError, r"base has shape \(4,\)"),
        ({"gt": np.zeros((3, 1), dtype=int)}, DimensionError, r"truth has shape \(3, 1\), expected \(2, t\)"),
        ({"gt": np.array([[0, 1], [3, 4]])}, InvalidVectorError, "truth row 1 names base row 4, but base has 4 rows"),
        ({"gt_dist": np.zeros((2, 1))}, DimensionError, "truth_distances has shape"),
        ({"metric": "manhattan"}, ValueError, "'manhattan' is unknown"),
        ({"base": np.array([["a", "b"]])}, InvalidVectorError, "must be numbers"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    change: Arrays, error: type[Exception], complaint: str, square: Arrays, tmp_path: Path
) -> None:
    np.savez(tmp_path / "square.npz", **{**square, **change})

    with pytest.raises(error, match=complaint):
        load_dataset(tmp_path / "square.npz")


@pytest.mark.parametrize(
    ("stated", "metric", "distances"), [("euclidean", "l2", [[1.0, 9.0]]), ("angular", "cosine", [[1.0, 3.0]])]
)
def test_the_layout_of_ann_benchmarks_is_read(
    stated: str, metric: str, distances: list[list[float]], tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "set.hdf5", "w") as file:
        file.attrs["distance"] = stated
        file["train"], file["test"] = np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)[:1]
        file["neighbors"], file["distances"] = [[0, 1]], [[1.0, 3.0]]

    loaded = load_dataset(tmp_path / "set.hdf5")

    assert loaded.metric == metric
    assert loaded.truth is not None
    assert loaded.truth.tolist() == [[0, 1]]
    assert loaded.truth_distances is not None
    assert loaded.truth_distances.tolist() == distances


def test_bits_stored_as_booleans_are_packed(rng: np.random.Generator, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    bits = rng.random((6, 16)) < 0.5
    with h5py.File(tmp_path / "bits.hdf5", "w") as file:
        file.attrs["distance"] = "hamming"
        file["train"], file["test"] = bits, bits[:2]

    loaded = load_dataset(tmp_path / "bits.hdf5")

    assert (loaded.metric, loaded.base.shape, loaded.base.dtype, loaded.dim) == ("hamming", (6, 2), np.uint8, 16)


def test_a_damaged_hdf5_file_and_an_unserved_metric_are_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    for name in ("cut", "sets"):
        with h5py.File(tmp_path / f"{name}.hdf5", "w") as file:
            file.attrs["distance"] = "jaccard"
            file["train"] = np.zeros((500, 8), dtype=np.float32)
    (tmp_path / "cut.hdf5").write_bytes((tmp_path / "cut.hdf5").read_bytes()[:3000])

    with pytest.raises(InvalidVectorError, match="cut short"):
        load_dataset(tmp_path / "cut.hdf5")
    with pytest.raises(ValueError, match="'jaccard' is not served"):
        load_dataset(tmp_path / "sets.hdf5")


def test_queries_and_truth_beside_a_base_file_are_found(square: Arrays, tmp_path: Path) -> None:
    for part, rows, ending, kind in (
        ("base", square["base"], "bvecs", "u1"),
        ("query", square["query"], "bvecs", "u1"),
        ("groundtruth", square["gt"], "ivecs", "<i4"),
    ):
        lengths = np.full((len(rows), 1), rows.shape[1], dtype="<i4").view("u1")
        rows_as_bytes = np.ascontiguousarray(rows, dtype=kind).view("u1")
        (tmp_path / f"s_{part}.{ending}").write_bytes(np.hstack([lengths, rows_as_bytes]).tobytes())

    loaded = load_dataset(tmp_path / "s_base.bvecs")

    np.testing.assert_array_equal(loaded.query, square["query"])
    np.testing.assert_array_equal(loaded.truth, square["gt"])


def test_without_queries_some_rows_are_held_out_the_same_each_time(rng: np.random.Generator, tmp_path: Path) -> None:
    rows = rng.normal(size=(50, 3)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)

    first, again = (load_dataset(tmp_path / "rows.npy", held_out=10) for _ in range(2))

    assert (len(first.base), len(first.query)) == (40, 10)
    np.testing.assert_array_equal(first.query, again.query)
    together = np.concatenate([first.base, first.query])
    assert {row.tobytes() for row in together} == {row.tobytes() for row in rows}
    with pytest.raises(DimensionError, match="cannot hold 50 queries out"):
        load_dataset(tmp_path / "rows.npy", held_out=50)


def test_a_name_is_looked_for_where_vicinal_data_says(
    square: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "square.npz", **square)
    monkeypatch.setenv("VICINAL_DATA", str(tmp_path))

    assert "square" in dataset_names()
    assert load_dataset("square").name == "square"
    with pytest.raises(FileNotFoundError, match=r"'circle'; data sets here: .*square"):
        load_dataset("circle")


@pytest.mark.parametrize(("name", "rows", "metric"), [("sift-20k", 20_000, "l2"), ("minilm-5k", 5_000, "cosine")])
def test_the_bundled_sets_load_by_name(
    name: str, rows: int, metric: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    loaded = load_dataset(name)

    assert (len(loaded.base), loaded.metric, loaded.base.dtype) == (rows, metric, np.float32)
    assert loaded.truth is not None
    assert loaded.truth.shape == (len(loaded.query), 100)


def test_only_the_rows_to_index_are_read_in_their_own_type(square: Arrays, tmp_path: Path) -> None:
    np.savez(tmp_path / "square.npz", **square)

    rows, metric = load_base(tmp_path / "square.npz", metric="ip")

    assert (rows.dtype, metric) == (np.uint8, "ip")


def test_the_first_queries_keep_their_truth(square: Arrays, tmp_path: Path) -> None:
    np.savez(tmp_path / "square.npz", **square)

    first = load_dataset(tmp_path / "square.npz").first_queries(1)

    assert first.truth is not None
    assert (first.query.tolist(), first.truth.tolist()) == ([[0.0, 1.0]], [[0, 1]])
    with pytest.raises(ValueError, match="at least 1"):
        first.first_queries(0)


def test_a_data_set_cannot_be_changed_by_accident() -> None:
    line = Dataset("line", np.zeros((2, 1)), np.zeros((1, 1)))

    with pytest.raises(AttributeError):
        line.name = "other"  # type: ignore[misc]
