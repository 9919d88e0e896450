"""Files of other libraries that are odd and right, and such as would take more memory than they are worth."""

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal.compat import read_faiss, read_hnswlib, read_usearch, write_hnswlib
from vicinal.compat.foreign import ForeignGraph
from vicinal.measure import recall

DIM = 8
HEAD = 4 + 4 + 24 + 1 + 4  # bytes of a faiss index's letters and header


@pytest.fixture
def vectors(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(300, DIM)).astype(np.float32)


def graph_of(rows: list[list[int]], width: int) -> ForeignGraph:
    """One level, in which row i leads to `rows[i]`."""
    n = len(rows)
    targets = np.zeros((n, width), np.uint32)
    for row, links in enumerate(rows):
        targets[row, : len(links)] = links
    return ForeignGraph(
        vectors=np.arange(2 * n, dtype=np.float32).reshape(n, 2),
        ids=np.arange(n),
        levels=np.zeros(n, np.int64),
        counts=np.array([len(links) for links in rows]),
        targets=targets,
        upper_counts=np.zeros(0, np.int64),
        upper_targets=np.zeros((0, 1), np.uint32),
        entry=0,
        gone=np.zeros(n, np.bool_),
    )


def test_a_link_that_stands_twice_in_a_row_stands_there_once() -> None:
    graph = graph_of([[1, 2, 1, 2], [0, 0], [1, 0]], 4)

    index = graph.adopt("l2", 2, 10, "three")

    assert index._arrays()["links"].tolist() == [[1, 2, 0, 0], [0, 1, 1, 1], [1, 0, 2, 2]]
    assert index.check().ok


def test_repeated_links_in_a_file_of_faiss_change_no_answer(vectors: np.ndarray, tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    theirs = faiss.IndexHNSWFlat(DIM, 8)
    theirs.add(vectors)
    faiss.write_index(theirs, str(tmp_path / "right"))
    data = bytearray((tmp_path / "right").read_bytes())
    neighbors = faiss.vector_to_array(theirs.hnsw.neighbors)
    place = data.index(neighbors.tobytes())
    free = int(np.flatnonzero(neighbors[:16] < 0)[0])  # of node 0, on level 0
    data[place + 4 * free : place + 4 * free + 4] = neighbors[:1].tobytes()
    (tmp_path / "odd").write_bytes(data)

    right, odd = read_faiss(tmp_path / "right"), read_faiss(tmp_path / "odd")

    assert odd.to_bytes() == right.to_bytes()


def test_a_node_that_leads_to_itself_is_refused() -> None:
    with pytest.raises(vicinal.CorruptIndexError, match="from a node to itself"):
        graph_of([[1], [1], [0]], 2).adopt("l2", 2, 10, "three")


def refused_in_little_memory(read: object, data: bytes, path: Path) -> str:
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises((vicinal.CorruptIndexError, vicinal.NotAnIndexError)) as refusal:
            read(path)  # type: ignore[operator]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(data) + 2**26
    return str(refusal.value)


def faiss_bytes(places: list[int], levels: list[int]) -> bytes:
    """An index whose nodes have these levels, and levels these places; all links lead to node 0."""
    n = len(levels)
    ends = np.cumsum([places[level] for level in levels])
    header = struct.pack("<iqqqBi", 1, n, 0, 0, 1, 1)
    tables = [
        np.zeros(0),
        np.array(places, "<i4"),
        np.array(levels, "<i4"),
        np.concatenate([[0], ends]).astype("<u8"),
        np.zeros(int(ends[-1]), "<i4"),
    ]
    graph = b"".join(struct.pack("<Q", len(table)) + table.tobytes() for table in tables)
    top = int(np.argmax(levels))
    settings = struct.pack("<5i", top, levels[top] - 1, 40, 16, 1)
    rows = np.arange(n, dtype="<f4")
    return b"IHNf" + header + graph + settings + b"IxF2" + header + struct.pack("<Q", n) + rows.tobytes()


@pytest.mark.parametrize(
    ("places", "levels", "complaint"),
    [
        ([0, 1, 2, 400_000], [2] * 20_000 + [3], "room for 399998 links"),  # one wide row among many narrow ones
        ([0] * 200_000, [150_000] * 2_000, "a level is out of range"),  # levels that take no room in the file
        ([0, 1, 2, 4_098], [1] * 60_000 + [3], "times as large as in the file"),
    ],
    ids=["a wide level", "many levels", "a wide row"],
)
def test_a_small_file_of_faiss_takes_little_memory(
    places: list[int], levels: list[int], complaint: str, tmp_path: Path
) -> None:
    assert complaint in refused_in_little_memory(read_faiss, faiss_bytes(places, levels), tmp_path / "hostile")


def test_a_small_file_of_hnswlib_takes_little_memory(tmp_path: Path) -> None:
    n = 50_000
    record = np.zeros(n, np.dtype([("count", "<u4"), ("link", "<u4"), ("vector", "<f4"), ("label", "<u8")]))
    record["label"] = np.arange(n)
    head = struct.pack("<6QiI3QdQ", 0, n, n, 20, 12, 8, 0, 0, 4096, 1, 4096, 0.5, 40)

    said = refused_in_little_memory(
        lambda path: read_hnswlib(path, "l2"), head + record.tobytes() + bytes(4 * n), tmp_path / "hostile"
    )

    assert "the graph would be 8192 times as large as in the file" in said


def test_the_vectors_of_a_faiss_index_are_of_its_own_shape_and_metric(vectors: np.ndarray, tmp_path: Path) -> None:
    faiss = pytest.importorskip("faiss")
    theirs = faiss.IndexIDMap(faiss.IndexHNSWFlat(DIM, 4))
    theirs.add_with_ids(vectors, np.arange(300))
    data = faiss.serialize_index(theirs).tobytes()
    inner, storage = data.index(b"IHNf"), data.index(b"IxF2")

    for place in (0, inner, storage):
        for field, value in ((4, struct.pack("<i", DIM + 1)), (HEAD - 4, struct.pack("<i", 0))):
            odd = bytearray(data)
            odd[place + field : place + field + 4] = value
            (tmp_path / "odd").write_bytes(odd)
            with pytest.raises(vicinal.CorruptIndexError, match="of"):
                read_faiss(tmp_path / "odd")


@pytest.mark.parametrize(("quantizer", "odd"), [("QT_8bit", b"\x7f\x7f\x7f\x7f"), ("QT_fp16", b"\x01\x7d\x01\x7d")])
def test_vectors_that_are_not_finite_when_decoded_are_refused_without_a_warning(
    quantizer: str, odd: bytes, vectors: np.ndarray, tmp_path: Path
) -> None:
    faiss = pytest.importorskip("faiss")
    theirs = faiss.IndexHNSWSQ(DIM, getattr(faiss.ScalarQuantizer, quantizer), 4)
    theirs.train(vectors)
    theirs.add(vectors)
    data = faiss.serialize_index(theirs).tobytes()
    place = data.index(b"IxSQ") + HEAD + 4 + 4 + 4 + 8 + 8 + 8  # what was trained, or what is the codes' count without
    size = 2 * DIM if quantizer == "QT_8bit" else 2
    place += 0 if quantizer == "QT_8bit" else 8
    (tmp_path / "odd").write_bytes(data[:place] + odd * size + data[place + 4 * size :])

    with pytest.raises(vicinal.CorruptIndexError, match="row 0"):
        read_faiss(tmp_path / "odd")


def test_kinds_of_faiss_index_that_are_not_read_are_named_in_words() -> None:
    faiss = pytest.importorskip("faiss")
    graph = faiss.IndexHNSWFlat(DIM, 4)

    for index, word in [
        (faiss.IndexRefineFlat(graph), r"IndexRefine: hand in its \.base_index"),
        (faiss.IndexFlatL2(DIM), "IndexFlatL2, which has no graph"),
        (faiss.IndexIDMap(faiss.IndexFlatIP(DIM)), "IndexFlatIP, which has no graph"),
    ]:
        with pytest.raises(vicinal.NotAnIndexError, match=word):
            read_faiss(index)
    with pytest.raises(vicinal.NotAnIndexError, match="metric 2"):
        read_faiss(faiss.IndexHNSWFlat(DIM, 4, faiss.METRIC_L1))
    with pytest.raises(TypeError, match="got int, expected a path or an index of faiss"):
        read_faiss(3)


def test_an_odd_number_of_links_on_level_0_fits(vectors: np.ndarray) -> None:
    faiss = pytest.importorskip("faiss")
    theirs = faiss.IndexHNSWFlat(DIM, 5)
    theirs.hnsw.set_nb_neighbors(0, 7)
    theirs.add(vectors)

    ours = read_faiss(theirs)

    theirs.hnsw.efSearch = 50
    assert ours.M == 5
    assert (ours.search(vectors, 5, ef=50).ids == theirs.search(vectors, 5)[1]).mean() > 0.99


def test_bits_that_usearch_compares_by_tanimoto_are_compared_by_jaccard(tmp_path: Path) -> None:
    usearch = pytest.importorskip("usearch.index")
    theirs = usearch.Index(ndim=16, metric="tanimoto", dtype="b1", connectivity=6)
    bits = np.random.default_rng(0).integers(1, 256, size=(300, 2), dtype=np.uint8)
    theirs.add(np.arange(300), bits, threads=1)
    theirs.save(tmp_path / "bits")

    ours = read_usearch(tmp_path / "bits")

    asked = np.random.default_rng(1).integers(0, 256, size=(50, 2), dtype=np.uint8)
    assert ours.metric == "jaccard"
    assert np.allclose(
        ours.search(asked, 5, ef=300).distances, theirs.search(asked, 5, exact=True).distances, atol=1e-6
    )


def test_usearch_files_with_sizes_of_64_bits_are_read(vectors: np.ndarray, tmp_path: Path) -> None:
    usearch = pytest.importorskip("usearch.index")
    theirs = usearch.Index(ndim=DIM, metric="l2sq", dtype="f32")
    theirs.add(np.arange(300), vectors, threads=1)
    theirs.save(tmp_path / "narrow")
    data = (tmp_path / "narrow").read_bytes()
    (tmp_path / "wide").write_bytes(struct.pack("<2Q", *struct.unpack("<2I", data[:8])) + data[8:])

    assert read_usearch(tmp_path / "wide").to_bytes() == read_usearch(tmp_path / "narrow").to_bytes()


@pytest.mark.parametrize("kind", ["flat", "coded", "usearch"])
def test_what_walks_on_the_same_vectors_finds_the_same(
    kind: str, bundled: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    """At an equal beam but for the last of it: walks of ours look at the links of two nodes at a time."""
    data = bundled("sift-20k")
    base, asked = data["base"][:5000].astype(np.float32), data["query"][:300].astype(np.float32)
    if kind == "usearch":
        theirs = pytest.importorskip("usearch.index").Index(ndim=128, metric="l2sq", dtype="f32", expansion_search=64)
        theirs.add(np.arange(5000), base, threads=1)
        theirs.save(tmp_path / "index")
        found, ours = (
            theirs.search(asked, 10).keys.astype(np.int64),
            read_usearch(tmp_path / "index", traversal="exact"),
        )
    else:
        faiss = pytest.importorskip("faiss")
        flat = kind == "flat"
        theirs = faiss.IndexHNSWFlat(128, 16) if flat else faiss.IndexHNSWSQ(128, faiss.ScalarQuantizer.QT_8bit, 16)
        theirs.train(base)
        theirs.add(base)
        theirs.hnsw.efSearch = 64
        found, ours = theirs.search(asked, 10)[1], read_faiss(theirs, traversal="exact")

    mine = ours.search(asked, 10, ef=64).ids

    truth = ours.search(asked, 10, exact=True).ids
    assert recall(mine, truth).value >= recall(found, truth).value - 0.002
    assert recall(mine, found).value > 0.995


def test_empty_indexes_of_all_are_read(tmp_path: Path) -> None:
    faiss, usearch = pytest.importorskip("faiss"), pytest.importorskip("usearch.index")
    usearch.Index(ndim=DIM, metric="cos", dtype="f32").save(tmp_path / "none")
    write_hnswlib(vicinal.Index(DIM), tmp_path / "none.bin")

    empty = [
        read_faiss(faiss.IndexIDMap2(faiss.IndexHNSWFlat(DIM, 4))),
        read_usearch(tmp_path / "none"),
        read_hnswlib(tmp_path / "none.bin", "ip"),
    ]

    for index in empty:
        assert len(index) == 0
        assert index.add(np.eye(DIM)).tolist() == list(range(DIM))
