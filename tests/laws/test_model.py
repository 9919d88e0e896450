"""An index against a dict and brute force: any sequence of calls gives what the simple model gives.

Vectors hold small whole numbers, so that every stored type holds them exactly, distances of l2 and ip are exact in
float32, and many hits are at one distance, which puts the order by (distance, id) to the test.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from numpy.typing import NDArray

import vicinal

FLOATING = ("f32", "f16", "bf16")
KINDS = [
    *[(metric, dtype, "auto") for metric in ("l2", "ip", "cosine") for dtype in (*FLOATING, "i8", "u8")],
    *[(metric, dtype, "sq8") for metric in ("l2", "ip", "cosine") for dtype in FLOATING],
    *[(metric, dtype, "u8") for metric in ("l2", "ip") for dtype in FLOATING],
    *[("hamming", "b1", "auto"), ("jaccard", "b1", "exact")],
]
DIM = 8


def true_distances(metric: str, rows: NDArray[Any], query: NDArray[Any]) -> NDArray[np.float64]:
    if metric in ("hamming", "jaccard"):
        bits, asked = np.unpackbits(rows, axis=1), np.unpackbits(query)
        differing = (bits ^ asked).sum(axis=1).astype(np.float64)
        return differing if metric == "hamming" else differing / np.maximum((bits | asked).sum(axis=1), 1)
    left, right = rows.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.square(left - right).sum(axis=1))
    products = left @ right
    if metric == "cosine":
        products = products / np.linalg.norm(left, axis=1) / np.linalg.norm(right)
    return np.asarray(1 - products)


class IndexModel(RuleBasedStateMachine):
    """The dict knows every vector that is in; `next_id` the number that comes next."""

    known = Bundle("known")

    @initialize(
        kind=st.sampled_from(KINDS),
        M=st.sampled_from([2, 4, 16]),
        ef_construction=st.sampled_from([1, 20, 200]),
        lift=st.sampled_from(["auto", "on", "off"]),
        seed=st.integers(0, 2**64 - 1),
        grouped=st.booleans(),
    )
    def make(
        self, kind: tuple[str, str, str], M: int, ef_construction: int, lift: str, seed: int, grouped: bool
    ) -> None:
        self.metric, self.dtype, self.traversal = kind
        self.dim = 8 * DIM if self.dtype == "b1" else DIM
        self.index = vicinal.Index(
            self.dim,
            self.metric,
            dtype=self.dtype,
            M=M,
            ef_construction=ef_construction,
            traversal=self.traversal,
            lift=lift if self.metric == "ip" else "auto",
            seed=seed,
        )
        self.model: dict[int, NDArray[Any]] = {}
        self.grouped = grouped
        self.id_sets: dict[frozenset[int], vicinal.IdSet] = {}  # kept, so that they remember
        self.kept: tuple[vicinal.Index, list[int], list[NDArray[Any]]] | None = None  # a snapshot, and what it shows
        self.next_id = 0

    def draw(self, seed: int, n: int) -> NDArray[Any]:
        rng = np.random.default_rng(seed)
        if self.dtype == "b1":
            rows = rng.integers(0, 256, (n, DIM), dtype=np.uint8)
            rows[rng.random(n) < 0.1] = 0  # empty sets
            return self.some_alike(rows, rng)
        rows = rng.integers(0 if "u8" in (self.dtype, self.traversal) else -3, 4, (n, DIM))
        if self.metric == "cosine":
            rows[:, 0] = rng.integers(1, 4, n)
        return self.some_alike(rows, rng).astype({"i8": np.int8, "u8": np.uint8}.get(self.dtype, np.float32))

    def some_alike(self, rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
        """Give a third of the rows one of two values, which other calls give to others."""
        alike = rng.random(len(rows)) < 1 / 3
        rows[alike] = rng.integers(1, 3, (int(alike.sum()), 1))
        return rows

    def groups_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return numbers % 7 - 3 if self.grouped else None

    def take(self, ids: NDArray[np.int64], rows: NDArray[Any]) -> Any:
        for number, row in zip(ids.tolist(), rows, strict=True):
            self.model[number] = row
            self.next_id = max(self.next_id, number + 1)
        return multiple(*ids.tolist())

    @rule(
        target=known,
        seed=st.integers(0, 10**6),
        n=st.integers(0, 40),
        order=st.sampled_from(["auto", "given", "random"]),
        threads=st.integers(0, 3),
    )
    def add(self, seed: int, n: int, order: str, threads: int) -> Any:
        rows = self.draw(seed, n)
        ids = self.index.add(rows, order=order, threads=threads, groups=self.groups_of(self.next_id + np.arange(n)))
        assert ids.tolist() == list(range(self.next_id, self.next_id + n))
        return self.take(ids, rows)

    @rule(target=known, seed=st.integers(0, 10**6), wanted=st.sets(st.integers(0, 3000), max_size=10))
    def add_with_ids(self, seed: int, wanted: set[int]) -> Any:
        numbers = np.array(sorted(wanted - self.model.keys(), key=lambda number: number % 7), dtype=np.int64)
        rows = self.draw(seed, len(numbers))
        assert self.index.add(rows, ids=numbers, groups=self.groups_of(numbers)).tolist() == numbers.tolist()
        return self.take(numbers, rows)

    @rule(number=known, seed=st.integers(0, 10**6))
    def add_an_id_that_is_there(self, number: int, seed: int) -> None:
        if number in self.model:
            numbers = np.array([self.next_id + 5, number])
            rows, groups = self.draw(seed, 2), self.groups_of(numbers)
            with pytest.raises(vicinal.DuplicateIdError):
                self.index.add(rows, ids=numbers, groups=groups)

    @rule(numbers=st.lists(consumes(known), max_size=12))
    def remove(self, numbers: list[int]) -> None:
        gone = list(dict.fromkeys(numbers))
        if missing := [number for number in gone if number not in self.model]:
            with pytest.raises(vicinal.UnknownIdError, match=str(missing[0])):
                self.index.remove(gone)
            gone = [number for number in gone if number in self.model]
        self.index.remove(gone)
        for number in gone:
            del self.model[number]

    @precondition(lambda self: self.model)
    @rule(share=st.floats(0.5, 1.0), seed=st.integers(0, 10**6))
    def remove_most(self, share: float, seed: int) -> None:
        numbers = np.random.default_rng(seed).permutation(sorted(self.model))[: int(share * len(self.model))]
        self.index.remove(numbers)
        for number in numbers.tolist():
            del self.model[number]

    @rule(numbers=st.lists(known, max_size=12, unique=True), seed=st.integers(0, 10**6), regroup=st.booleans())
    def update(self, numbers: list[int], seed: int, regroup: bool) -> None:
        rows = self.draw(seed, len(numbers))
        if missing := [number for number in numbers if number not in self.model]:
            with pytest.raises(vicinal.UnknownIdError, match=str(missing[0])):
                self.index.update(numbers, rows)
            return
        ids = np.array(numbers, dtype=np.int64)
        self.index.update(ids, rows, groups=self.groups_of(ids) if regroup else None)
        self.take(ids, rows)

    @rule(target=known, seed=st.integers(0, 10**6), wanted=st.sets(st.integers(0, 300), max_size=10))
    def upsert(self, seed: int, wanted: set[int]) -> Any:
        numbers = np.array(sorted(wanted, key=lambda number: number % 7), dtype=np.int64)
        rows = self.draw(seed, len(numbers))
        self.index.upsert(numbers, rows, groups=self.groups_of(numbers))
        return self.take(numbers, rows)

    @rule(locally=st.booleans())
    def compact(self, locally: bool) -> None:
        (self.index.optimize if locally else self.index.compact)()
        graph = self.index.stats()["graph"]
        assert (graph["size"], graph["removed"], graph["vacant"]) == (len(self.model), 0, 0)
        assert self.index.check().unreachable == 0

    @rule()
    def snapshot(self) -> None:
        self.kept = (self.index.snapshot(), sorted(self.model), [self.model[number] for number in sorted(self.model)])

    @precondition(lambda self: self.kept is not None)
    @rule(drop=st.booleans())
    def look_at_the_snapshot(self, drop: bool) -> None:
        assert self.kept is not None
        snapshot, numbers, rows = self.kept
        assert snapshot.ids.tolist() == numbers
        assert snapshot.get(numbers).tolist() == [row.tolist() for row in rows]
        if numbers:
            found = snapshot.search(self.draw(0, 1)[0], len(numbers), ef=5000)
            assert sorted(found.ids.tolist()) == numbers
        if drop:
            self.kept = None

    @rule(
        seed=st.integers(0, 10**6),
        m=st.integers(0, 4),
        k=st.integers(1, 60),
        how=st.sampled_from([{"exact": True}, {"ef": 5000}, {"ef": 5000, "threads": 2}]),
    )
    def search(self, seed: int, m: int, k: int, how: dict[str, Any]) -> None:
        queries = self.draw(seed, m)
        result = self.index.search(queries, k, **how)
        assert result.ids.shape == result.distances.shape == (m, k)
        assert result.counts.tolist() == [min(k, len(self.model))] * m
        for query, ids, distances in zip(queries, result.ids, result.distances, strict=True):
            self.check_hits(query, ids, distances, k)

    @rule(
        seed=st.integers(0, 10**6),
        k=st.integers(1, 60),
        admitted=st.sets(st.integers(0, 60), max_size=50),
        form=st.sampled_from(["ids", "IdSet", "mask", "callable", "each"]),
        how=st.sampled_from([{"exact": True}, {"ef": 5000}]),
    )
    def search_filtered(self, seed: int, k: int, admitted: set[int], form: str, how: dict[str, Any]) -> None:
        query = self.draw(seed, 1)[0]
        numbers = np.array(sorted(admitted), dtype=np.int64)
        mask = np.isin(self.index.ids, numbers)
        filters: dict[str, Any] = {
            "ids": numbers,
            "IdSet": self.id_sets.setdefault(frozenset(admitted), vicinal.IdSet(numbers)),
            "mask": mask,
            "callable": lambda ids: np.isin(ids, numbers),
            "each": [mask],
        }
        result = self.index.search(query, k, filter=filters[form], **how)
        self.check_hits(query, result.ids, result.distances, k, among=admitted)

    @precondition(lambda self: self.grouped)
    @rule(
        seed=st.integers(0, 10**6),
        k=st.integers(1, 30),
        most=st.integers(1, 4),
        admitted=st.none() | st.sets(st.integers(0, 60), max_size=50),
        how=st.sampled_from([{"exact": True}, {"ef": 5000}, {"ef": 1}]),
    )
    def search_grouped(self, seed: int, k: int, most: int, admitted: set[int] | None, how: dict[str, Any]) -> None:
        query = self.draw(seed, 1)[0]
        among = np.array(
            sorted(self.model.keys() if admitted is None else self.model.keys() & admitted), dtype=np.int64
        )
        numbers = None if admitted is None else np.array(sorted(admitted), dtype=np.int64)
        ids = self.index.search(query, k, per_group=most, filter=numbers, **how).ids
        ids = ids[ids >= 0]
        taken = np.bincount(among % 7, minlength=7)
        assert len(ids) == min(k, int(np.minimum(taken, most).sum()))
        assert set(ids.tolist()) <= set(among.tolist())
        assert np.bincount(ids % 7, minlength=7).max(initial=0) <= most
        if "ef" not in how or how["ef"] > 1:
            everything = self.index.search(query, max(1, len(among)), exact=True, filter=among).ids
            chosen: list[int] = []
            for number in everything[everything >= 0].tolist():
                if sum(other % 7 == number % 7 for other in chosen) < most and len(chosen) < k:
                    chosen.append(number)
            assert ids.tolist() == chosen

    @rule(seed=st.integers(0, 10**6), rank=st.integers(0, 100), exact=st.booleans())
    def search_within(self, seed: int, rank: int, exact: bool) -> None:
        query = self.draw(seed, 1)[0]
        everything = self.index.search(query, max(1, len(self.model)), exact=True)
        found = everything.ids >= 0
        radius = float(everything.distances[min(rank, len(found) - 1)]) if found.any() else 1.0
        lims, ids, distances = self.index.range_search(query, radius, exact=exact)
        within = found & (everything.distances <= np.float32(radius))
        assert lims.tolist() == [0, len(ids)]
        assert list(zip(distances, ids, strict=True)) == sorted(zip(distances, ids, strict=True))
        if exact or len(self.model) <= 64:
            assert ids.tolist() == everything.ids[within].tolist()
        assert set(ids.tolist()) <= set(everything.ids[within].tolist())

    @rule(seed=st.integers(0, 10**6), k=st.integers(1, 60))
    def search_one(self, seed: int, k: int) -> None:
        query = self.draw(seed, 1)[0]
        result = self.index.search(query, k, ef=5000)
        assert result.ids.shape == (k,)
        self.check_hits(query, result.ids, result.distances, k)

    @rule(seed=st.integers(0, 10**6), k=st.integers(1, 5), ef=st.integers(1, 20), threads=st.integers(0, 2))
    def search_narrowly(self, seed: int, k: int, ef: int, threads: int) -> None:
        queries = self.draw(seed, 3)
        ids, distances = self.index.search(queries, k, ef=ef, threads=threads)
        found = min(k, len(self.model))
        assert ((ids >= 0).sum(axis=1) == found).all()
        for query, row, near in zip(queries, ids[:, :found].tolist(), distances[:, :found].tolist(), strict=True):
            assert len(set(row)) == found
            assert list(zip(near, row, strict=True)) == sorted(zip(near, row, strict=True))
            if found:
                truth = true_distances(self.metric, np.stack([self.model[number] for number in row]), query)
                np.testing.assert_allclose(near, truth, rtol=1e-5, atol=2e-6)

    def check_hits(
        self, query: NDArray[Any], ids: NDArray[Any], distances: NDArray[Any], k: int, among: set[int] | None = None
    ) -> None:
        there = self.model.keys() if among is None else self.model.keys() & among
        numbers = np.array(sorted(there), dtype=np.int64)
        found = min(k, len(numbers))
        assert ids[found:].tolist() == [-1] * (k - found)
        assert np.isposinf(distances[found:]).all()
        if found == 0:
            return
        truth = true_distances(self.metric, np.stack([self.model[number] for number in numbers.tolist()]), query)
        nearest = np.lexsort((numbers, np.round(truth, 6)))[:found]
        by_number = dict(zip(numbers.tolist(), truth.tolist(), strict=True))
        np.testing.assert_allclose(distances[:found], truth[nearest], rtol=1e-5, atol=2e-6)
        np.testing.assert_allclose([by_number[number] for number in ids[:found].tolist()], distances[:found], atol=2e-6)
        assert len(set(ids[:found].tolist())) == found
        pairs = list(zip(distances.tolist(), ids.tolist(), strict=True))[:found]
        assert pairs == sorted(pairs)
        if self.metric != "cosine":  # whose rounding may turn a tie into an order
            assert ids[:found].tolist() == numbers[nearest].tolist()

    @rule(numbers=st.lists(known, max_size=10))
    def get(self, numbers: list[int]) -> None:
        there = [number for number in numbers if number in self.model]
        rows = self.index.get(there)
        assert rows.tolist() == [self.model[number].tolist() for number in there]
        if missing := [number for number in numbers if number not in self.model]:
            with pytest.raises(vicinal.UnknownIdError):
                self.index.get([*there, missing[0]])

    @rule(through=st.sampled_from(["file", "bytes"]))
    def save_and_load(self, through: str) -> None:
        data = self.index.to_bytes()
        if through == "bytes":
            self.index = vicinal.Index.from_bytes(data)
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "an.index")
                self.index.save(path)
                assert path.read_bytes() == data
                assert vicinal.Index.info(path)["size"] == len(self.model)
                self.index = vicinal.Index.load(path)
        assert self.index.to_bytes() == data

    @rule(number=st.integers(-5, 3000))
    def ask_for_a_number(self, number: int) -> None:
        assert (number in self.index) == (number in self.model)

    @invariant()
    def same_members(self) -> None:
        if hasattr(self, "model"):
            assert len(self.index) == len(self.model)
            assert self.index.ids.tolist() == sorted(self.model)


steps = int(os.environ.get("VICINAL_MODEL_STEPS", "50"))
IndexModel.TestCase.settings = settings(stateful_step_count=steps)
TestIndexModel = IndexModel.TestCase
