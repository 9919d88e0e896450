"""Groups ranked by sets of vectors: scores by their definition, engines beside each other, and what is refused."""

import pickle
import threading

import numpy as np
import pytest

import vicinal
from vicinal.multivector import GridShape, GroupIndex

DIM = 24


def pictures_of(n, each=40, seed=0):
    """Groups of vectors far from each other, and queries: some of a group's vectors, moved a little, and strangers."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((n * each, DIM)).astype(np.float32)
    groups = np.repeat(np.arange(n) * 3 + 5, each)
    return vectors, groups


def queries_of(vectors, groups, names, seed=1):
    rng = np.random.default_rng(seed)
    sets = []
    for name in names:
        own = rng.permutation(vectors[groups == name])[:8]
        moved = own + 0.25 * rng.standard_normal(own.shape)
        sets.append(np.concatenate([moved, 3 * rng.standard_normal((4, DIM))]).astype(np.float32))
    return sets


def by_definition(vectors, groups, query, radius, weight):
    """Return the score of each group in double precision."""
    names = np.unique(groups)
    far = ((query[:, None].astype(np.float64) - vectors[None]) ** 2).sum(axis=2)
    nearest = np.stack([far[:, groups == name].min(axis=1) for name in names], axis=1)
    weights = np.where(nearest <= radius, weight(np.sqrt(np.minimum(nearest / radius, 1))), 0)
    return dict(zip(names.tolist(), weights.mean(axis=0), strict=True))


@pytest.fixture(scope="module")
def photos():
    vectors, groups = pictures_of(60)
    index = GroupIndex(DIM)
    index.add(vectors, groups)
    names = np.unique(groups)[[3, 17, 31, 59]]
    return index, vectors, groups, names, queries_of(vectors, groups, names)


FALLOFFS = {
    "superellipse": lambda x: (1 - x ** (0.459 / 0.541)) ** (0.541 / 0.459),
    "linear": lambda x: 1 - x,
    "exp": lambda x: np.exp(-x / 0.3),
    "count": np.ones_like,
}


@pytest.mark.parametrize("falloff", FALLOFFS)
def test_the_score_counts_each_vector_of_the_query_once_by_its_nearest(photos, falloff):
    index, vectors, groups, names, queries = photos
    found = index.search_groups(queries, 60, falloff=falloff, radius=25.0, engine="exact")
    assert found.groups[:, 0].tolist() == names.tolist()
    for query, ranked, scores in zip(queries, found.groups, found.scores, strict=True):
        truth = by_definition(vectors, groups, query, 25.0, FALLOFFS[falloff])
        expected = sorted((-score, name) for name, score in truth.items() if score > 0)
        assert len(expected) > 5
        assert set(ranked[ranked >= 0].tolist()) == {name for _, name in expected}
        np.testing.assert_allclose(scores[ranked >= 0], [-score for score, _ in expected], rtol=2e-5, atol=1e-7)
        assert (np.diff(scores[ranked >= 0]) <= 0).all()
        assert np.isneginf(scores[ranked < 0]).all()


def test_many_vectors_alike_gain_a_group_nothing():
    index = GroupIndex(2)
    index.add([[1.0, 0.0]] * 50 + [[0.0, 1.0], [1.0, 0.1]], groups=[1] * 50 + [2, 2])
    groups, scores = index.search_groups([[1.0, 0.0], [0.0, 1.0]], 2, falloff="count", radius=0.1, engine="exact")
    assert groups.tolist() == [2, 1]
    assert scores.tolist() == [1.0, 0.5]


def test_a_walk_compares_fewer_vectors_than_the_exact_engine_and_ranks_alike(photos):
    index, vectors, groups, _, _ = photos
    many = queries_of(vectors, groups, np.unique(groups), seed=5)
    exact = index.search_groups(many, 5, engine="exact")
    walked = index.search_groups(many, 5, ef=16)
    np.testing.assert_allclose(walked.scores[:, 0], exact.scores[:, 0], atol=0.02)
    assert (walked.scores <= exact.scores + 1e-6).mean() > 0.99  # a walk may miss a vector, and finds none too near
    assert (exact.compared == 12 * len(vectors)).all()
    assert walked.compared.mean() < 0.5 * exact.compared.mean()
    assert (walked.groups[:, 0] == exact.groups[:, 0]).mean() == 1


def test_groups_shuffled_among_the_vectors_are_found_by_chance_only(photos):
    _, vectors, groups, names, queries = photos
    index = GroupIndex(DIM)
    index.add(vectors, np.random.default_rng(3).permutation(groups))
    ranked = index.search_groups(queries, 1).groups[:, 0]
    assert (ranked == names).mean() <= 0.25


def test_grids_find_what_shares_their_cells(photos):
    index, _, _, names, queries = photos
    found = index.search_groups(queries, 5, radius=25.0, engine="grids")
    assert found.groups[:, 0].tolist() == names.tolist()
    assert (found.compared == 0).all()
    again = index.search_groups(queries, 5, radius=25.0, engine="grids")
    assert np.array_equal(found.scores, again.scores)
    other = index.search_groups(queries, 5, radius=25.0, engine="grids", grids=GridShape(seed=1))
    assert other.groups[:, 0].tolist() == names.tolist()
    assert not np.array_equal(found.scores, other.scores)


def test_vectors_at_the_radius_share_a_cell_as_often_as_the_width_was_chosen_for():
    shape = GridShape(tables=6, dims=8, levels=1, chance=0.7)
    rng = np.random.default_rng(2)
    vectors = 50 * rng.standard_normal((400, DIM)).astype(np.float32)
    index = GroupIndex(DIM)
    index.add(vectors, np.arange(400))
    ways = rng.standard_normal((400, DIM)).astype(np.float32)
    moved = vectors + 3.0 * ways / np.linalg.norm(ways, axis=1, keepdims=True)
    met = [
        (index.search_groups(list(moved[:, None]), 400, radius=9.0, falloff="count", engine="grids", grids=one).groups
         == np.arange(400)[:, None]).any(axis=1).mean()
        for one in (GridShape(**{**vars(shape), "seed": seed}) for seed in range(8))
    ]  # fmt: skip
    assert abs(np.mean(met) - 0.7) < 0.06


def test_cells_on_both_sides_of_zero_are_told_apart():
    index = GroupIndex(1)
    index.add([[-300.0], [-0.4], [0.4], [300.0]], groups=[1, 2, 3, 4])
    shape = GridShape(tables=32, dims=1, levels=1)
    groups = index.search_groups([[-0.4]], 4, radius=0.01, falloff="count", engine="grids", grids=shape).groups
    assert groups.tolist() == [2, -1, -1, -1]


def test_the_default_radius_is_how_far_strangers_are(photos):
    index, vectors, groups, _, _ = photos
    some = np.linspace(0, len(vectors) - 1, 256).astype(int)
    far = ((vectors[some][:, None].astype(np.float64) - vectors[None]) ** 2).sum(axis=2)
    far[groups[some][:, None] == groups[None]] = np.inf
    assert abs(index.radius / np.median(far.min(axis=1)) - 1) < 0.02
    alone = GroupIndex(2)
    assert alone.radius == np.inf
    alone.add([[1.0, 2.0]], groups=[4])
    assert alone.search_groups([[9.0, 9.0]], 2).groups.tolist() == [4, -1]


@pytest.mark.parametrize("metric", ["cosine", "hamming", "jaccard"])
def test_other_metrics_rank_by_their_own_distances(metric):
    rng = np.random.default_rng(4)
    if metric == "cosine":
        vectors: np.ndarray = rng.standard_normal((900, 16)).astype(np.float32)
    else:
        vectors = rng.integers(0, 256, (900, 8), dtype=np.uint8)
    groups = np.arange(900) // 30
    index = GroupIndex(16 if metric == "cosine" else 64, metric)
    index.add(vectors, groups)
    found = index.search_groups([vectors[groups == one][:5] for one in range(30)], 1)
    assert found.groups[:, 0].tolist() == list(range(30))
    if metric == "cosine":
        sets = [7 * vectors[groups == one][:5] for one in range(30)]
        assert index.search_groups(sets, 1, engine="grids").groups[:, 0].tolist() == list(range(30))


def test_scores_are_the_same_on_any_number_of_threads(photos):
    index, _, _, _, queries = photos
    one, two = (index.search_groups(queries, 20, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.groups, two.groups)
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.compared, two.compared)


def test_removed_groups_are_not_found_by_any_engine(photos):
    _, vectors, groups, names, queries = photos
    index = GroupIndex(DIM)
    ids = index.add(vectors, groups)
    index.search_groups(queries, 1, engine="grids")
    index.remove(ids[groups == names[0]])
    index.remove_groups(names[1:3])
    assert not set(names[:3].tolist()) & set(index.groups.tolist())
    for engine in ("hnsw", "grids", "exact"):
        found = index.search_groups(queries, 5, radius=25.0, engine=engine)
        assert not np.isin(found.groups, names[:3]).any()
        assert found.groups[3, 0] == names[3]
    assert index.stats()["groups"] == 57
    assert len(index) == 57 * 40


def test_an_index_is_kept_in_a_file_and_pickled(photos, tmp_path):
    index, _, _, _, queries = photos
    expected = index.search_groups(queries, 5)
    index.save(tmp_path / "photos.vicinal")
    for again in (
        GroupIndex.load(tmp_path / "photos.vicinal"),
        GroupIndex.load(tmp_path / "photos.vicinal", mmap=True),
        pickle.loads(pickle.dumps(index)),
    ):
        found = again.search_groups(queries, 5)
        assert np.array_equal(found.groups, expected.groups)
        assert np.array_equal(found.scores, expected.scores)
    assert len(vicinal.Index.load(tmp_path / "photos.vicinal")) == len(index)


def test_files_of_something_else_are_refused(tmp_path):
    path = tmp_path / "one.vicinal"
    path.write_bytes(b"something else")
    with pytest.raises(vicinal.NotAnIndexError):
        GroupIndex.load(path)
    for metric, groups, says in (("l2", None, "no groups"), ("l2", [-4], "group -4"), ("ip", [4], "metric 'ip'")):
        index = vicinal.Index(2, metric)
        index.add([[1.0, 2.0]], groups=groups)
        index.save(path)
        with pytest.raises(vicinal.MismatchError, match=says):
            GroupIndex.load(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(vicinal.CorruptIndexError):
        GroupIndex.load(path)


def test_searches_run_beside_a_writer(photos):
    _, vectors, groups, names, queries = photos
    index = GroupIndex(DIM)
    index.add(vectors[groups == names[0]], groups[groups == names[0]])
    failed: list[BaseException] = []

    def ask(engine):
        try:
            for _ in range(40):
                assert index.search_groups(queries[0], 3, radius=25.0, engine=engine).groups[0] == names[0]
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=[engine]) for engine in ("hnsw", "grids", "exact")]
    for thread in threads:
        thread.start()
    for name in np.setdiff1d(groups, names)[:25]:
        index.add(vectors[groups == name], groups[groups == name])
        if name % 2:
            index.remove_groups([name])
    for thread in threads:
        thread.join()
    assert not failed


def test_an_add_that_is_ended_keeps_what_is_in_and_searches_go_on(photos):
    _, vectors, groups, _, _ = photos
    index = GroupIndex(DIM)

    def end(done, _):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        index.add(np.tile(vectors, (4, 1)), np.tile(groups, 4), progress=end)
    added = interrupted.value.added
    assert len(index) == len(added)
    assert index.search_groups(vectors[:3], 1, radius=1.0).groups.tolist()[0] in (5, -1)
    index.add(vectors, groups)
    assert index.search_groups(vectors[:3], 1, radius=1.0).groups.tolist() == [5]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda index: index.add(np.ones((2, DIM)), [1]), vicinal.DimensionError, r"groups has shape \(1,\)"),
        (lambda index: index.add(np.ones((2, DIM)), [1, -2]), ValueError, "groups row 1 is -2"),
        (lambda index: index.add(np.ones((2, DIM)), [1.0, 2.0]), TypeError, "expected integers"),
        (lambda index: index.add(np.ones((2, 3)), [1, 2]), vicinal.DimensionError, str(DIM)),
        (lambda index: index.add(np.ones((1, DIM)), [1], ids=[0]), vicinal.DuplicateIdError, "0"),
        (lambda index: index.add(np.full((1, DIM), np.nan), [1]), vicinal.InvalidVectorError, "row 0"),
        (lambda index: index.remove([10**6]), vicinal.UnknownIdError, "1000000"),
        (lambda index: index.remove_groups([5, 6]), vicinal.UnknownIdError, "no vector is of group 6"),
        (lambda index: index.search_groups(np.ones((0, DIM))), ValueError, "empty set"),
        (lambda index: index.search_groups([np.ones((1, DIM)), np.ones((0, DIM))]), ValueError, r"\[1\] is an empty"),
        (lambda index: index.search_groups(np.ones((2, 3))), vicinal.DimensionError, "query_set"),
        (lambda index: index.search_groups(np.ones(DIM)), vicinal.DimensionError, "query_set"),
        (lambda index: index.search_groups(np.full((1, DIM), np.inf)), vicinal.InvalidVectorError, "row 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), 0), ValueError, "k is 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), ef=0), ValueError, "ef is 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), per_vector=0), ValueError, "per_vector is 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), radius=0), ValueError, "radius is 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), radius=np.nan), ValueError, "radius is NaN"),
        (lambda index: index.search_groups(np.ones((1, DIM)), engine="best"), ValueError, "engine is 'best'"),
        (lambda index: index.search_groups(np.ones((1, DIM)), falloff="far"), ValueError, "superellipse"),
        (lambda index: index.search_groups(np.ones((1, DIM)), falloff=("superellipse", 1.0)), ValueError, "p1"),
        (lambda index: index.search_groups(np.ones((1, DIM)), falloff=("exp", 0.0)), ValueError, "above 0"),
        (lambda index: index.search_groups(np.ones((1, DIM)), falloff=("linear", 2.0)), ValueError, "superellipse"),
        (lambda index: index.search_groups(np.ones((1, DIM)), falloff=3), TypeError, "falloff"),
        (lambda index: index.search_groups(np.ones((1, DIM)), radius=1e9, falloff=np.sum), ValueError, "shape"),
        (
            lambda index: index.search_groups(np.ones((1, DIM)), engine="grids", grid_memory=1000),
            MemoryError,
            "take up to 3686400 bytes",
        ),
        (lambda _: GroupIndex(3, "ip"), ValueError, "metric is 'ip'"),
        (
            lambda _: GroupIndex(64, "hamming").search_groups(np.ones((1, 8), np.uint8), engine="grids"),
            ValueError,
            "gr",
        ),
        (lambda _: GridShape(tables=0), ValueError, "tables is 0"),
        (lambda _: GridShape(chance=1.0), ValueError, "chance"),
    ],
)
def test_a_refused_call_says_why_and_changes_nothing(photos, call, error, says):
    index, _, _, names, queries = photos
    with pytest.raises(error, match=says):
        call(index)
    assert len(index) == 2400
    assert index.search_groups(queries[0], 1, radius=25.0).groups.tolist() == [names[0]]


def test_an_empty_index_finds_nothing():
    index = GroupIndex(DIM)
    for engine in ("hnsw", "grids", "exact"):
        found = index.search_groups(np.ones((3, DIM)), 2, engine=engine)
        assert found.groups.tolist() == [-1, -1]
        assert index.search_groups([], 2, engine=engine).groups.shape == (0, 2)
    assert index.groups.tolist() == []
