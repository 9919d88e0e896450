"""Making an index: its settings, and what it says about itself."""

import inspect
from typing import Any

import numpy as np
import pytest

import vicinal


def test_settings_are_kept_as_given() -> None:
    index = vicinal.Index(8, "ip", dtype="f16", M=5, ef_construction=33, lift="off", seed=7)

    assert (index.dim, index.metric, index.dtype) == (8, "ip", "f16")
    assert (index.M, index.ef_construction, index.lift, index.seed) == (5, 33, "off", 7)


def test_the_default_type_is_float32_and_bits_for_the_metrics_of_bits() -> None:
    assert [vicinal.Index(8, metric).dtype for metric in ("l2", "ip", "cosine")] == ["f32"] * 3
    assert [vicinal.Index(8, metric).dtype for metric in ("hamming", "jaccard")] == ["b1"] * 2


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [("space", "metric", "ip"), ("connectivity", "M", 8), ("expansion_add", "ef_construction", 50)],
)
def test_settings_go_by_the_names_of_other_libraries(alias: str, name: str, value: Any) -> None:
    index = vicinal.Index(4, **{alias: value})

    assert getattr(index, name) == value
    with pytest.raises(TypeError, match=f"both {name} and {alias}"):
        vicinal.Index(4, **{alias: value, name: value})


def test_a_positional_argument_counts_as_given_its_name() -> None:
    with pytest.raises(TypeError, match="both metric and space"):
        vicinal.Index(4, "l2", space="l2")  # type: ignore[call-arg]


def test_an_unknown_setting_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="shape"):
        vicinal.Index(4, shape="round")  # type: ignore[call-arg]


def test_numbers_of_numpy_are_numbers() -> None:
    index = vicinal.Index(np.int64(4), M=np.uint8(6), seed=np.uint64(2**64 - 1))  # type: ignore[arg-type]
    index.add(np.eye(4))

    assert (index.M, index.seed) == (6, 2**64 - 1)
    assert index.search(np.eye(4), np.int32(2), ef=np.int64(9)).ids.shape == (4, 2)  # type: ignore[arg-type]


def test_the_signature_shows_the_names_of_this_library_only() -> None:
    expected = [
        "self",
        "queries",
        "k",
        "ef",
        "recall",
        "filter",
        "radius",
        "per_group",
        "rerank",
        "exact",
        "threads",
        "stats",
        "strict",
    ]

    assert list(inspect.signature(vicinal.Index.search).parameters) == expected
    assert "space" not in inspect.signature(vicinal.Index).parameters
    assert "Parameters" in (inspect.getdoc(vicinal.Index.search) or "")


def test_an_index_describes_itself() -> None:
    index = vicinal.Index(4, "cosine")
    index.add(np.eye(4))

    assert repr(index).startswith("<Index of 4 vectors: dim=4, metric='cosine', dtype='f32'")


def test_statistics_tell_memory_order_kernels_and_graph() -> None:
    index = vicinal.Index(16)
    assert index.stats()["order"] is None
    index.add(np.random.default_rng(0).random((500, 16), dtype=np.float32))
    index.remove([0, 1])

    stats = index.stats()

    memory = stats["memory"]
    assert memory["resident"] == sum(size for part, size in memory.items() if part != "resident")
    assert memory["vectors"] >= 500 * 16 * 4
    assert stats["order"]["chosen"] == "given"
    assert stats["kernels"] in {"scalar", "avx2", "avx512", "neon"}
    assert stats["graph"]["size"] == 498
    assert stats["graph"]["removed"] == 2
    assert stats["graph"]["level_counts"][0] >= 498
    assert 0 < stats["graph"]["mean_degree"] <= 32
    assert stats["tuned"] is None


def test_an_index_that_was_never_initialized_is_a_type_error_and_no_crash() -> None:
    index = vicinal.Index.__new__(vicinal.Index)

    with pytest.raises(TypeError):
        index.search(np.zeros(4, dtype=np.float32), 1)
    with pytest.raises((TypeError, AttributeError)):
        index.add(np.zeros((1, 4)))


def test_a_subclass_keeps_its_methods_and_its_attributes() -> None:
    class Named(vicinal.Index):
        def __init__(self, name: str, dim: int) -> None:
            super().__init__(dim)
            self.name = name

        def search(self, *args: Any, **options: Any) -> vicinal.SearchResult:
            return super().search(*args, **options)

    index = Named("colors", 3)
    index.add(np.eye(3))

    assert index.search(np.eye(3, dtype=np.float32)[1], 1).ids.tolist() == [1]
    assert index.name == "colors"
