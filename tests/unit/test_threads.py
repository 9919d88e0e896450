"""Python threads that search, add and remove at once."""

import threading
from collections.abc import Callable

import numpy as np

import vicinal

DIM = 12


def run_together(*calls: Callable[[], None]) -> None:
    """Run calls on threads of their own; raise what the first of them raised."""
    errors: list[BaseException] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_searches_run_beside_an_add(rng: np.random.Generator) -> None:
    vectors = rng.random((20_000, DIM), dtype=np.float32)
    index = vicinal.Index(DIM, M=8, ef_construction=40)
    index.add(vectors[:1000])
    done = threading.Event()
    searches = [0, 0]

    def add() -> None:
        try:
            index.add(vectors[1000:], threads=1)
        finally:
            done.set()

    def search(who: int) -> None:
        while not done.is_set():
            ids, distances = index.search(vectors[searches[who] % 1000], 5)
            assert ids[0] == searches[who] % 1000
            assert distances[0] == 0
            assert len(index) >= 1000
            searches[who] += 1

    run_together(add, lambda: search(0), lambda: search(1))

    assert min(searches) > 0
    assert len(index) == 20_000
    assert (index.search(vectors, 1, ef=100).ids[:, 0] == np.arange(20_000)).mean() > 0.99


def test_adds_from_several_threads_all_arrive_with_ids_of_their_own(rng: np.random.Generator) -> None:
    vectors = rng.random((4, 500, DIM), dtype=np.float32)
    index = vicinal.Index(DIM, M=8, ef_construction=40)
    got: list[np.ndarray] = [np.empty(0, dtype=np.int64)] * 4

    def add(who: int) -> None:
        pieces = [
            index.add(vectors[who, at : at + 50], order="random" if at % 100 else "given") for at in range(0, 500, 50)
        ]
        got[who] = np.concatenate(pieces)

    run_together(*[lambda who=who: add(who) for who in range(4)])  # type: ignore[misc]

    assert sorted(np.concatenate(got).tolist()) == list(range(2000))
    for who in range(4):
        assert np.array_equal(index.get(got[who]), vectors[who])


def test_a_search_that_starts_after_a_removal_never_reports_it(rng: np.random.Generator) -> None:
    vectors = rng.random((3000, DIM), dtype=np.float32)
    index = vicinal.Index(DIM, M=8, ef_construction=40)
    index.add(vectors)
    removed = 0
    done = threading.Event()

    def remove() -> None:
        nonlocal removed
        try:
            for number in range(1500):
                index.remove(number)
                removed = number + 1
        finally:
            done.set()

    def search() -> None:
        while not done.is_set():
            gone = removed
            ids, _ = index.search(vectors[max(gone - 1, 0)], 10)
            assert not ((ids >= 0) & (ids < gone)).any()

    run_together(remove, search, search)

    assert index.ids.tolist() == list(range(1500, 3000))


def test_saving_beside_an_add_sees_one_moment(rng: np.random.Generator) -> None:
    vectors = rng.random((5000, DIM), dtype=np.float32)
    index = vicinal.Index(DIM, M=8, ef_construction=40)
    done = threading.Event()

    def add() -> None:
        try:
            for at in range(0, 5000, 250):
                index.add(vectors[at : at + 250])
        finally:
            done.set()

    def save() -> None:
        while not done.is_set():
            twin = vicinal.Index.from_bytes(index.to_bytes())
            assert len(twin) % 250 == 0
            assert np.array_equal(twin.get(twin.ids), vectors[: len(twin)])

    run_together(add, save)

    assert len(vicinal.Index.from_bytes(index.to_bytes())) == 5000


def test_many_threads_share_one_index_on_the_short_way(rng: np.random.Generator) -> None:
    vectors = rng.random((2000, DIM), dtype=np.float32)
    index = vicinal.Index(DIM)
    index.add(vectors)
    expected = index.search(vectors, 3, ef=50).ids

    def search(who: int) -> None:
        for row in range(who, 2000, 8):
            assert index.search(vectors[row], 3, ef=50).ids.tolist() == expected[row].tolist()

    run_together(*[lambda who=who: search(who) for who in range(8)])  # type: ignore[misc]
