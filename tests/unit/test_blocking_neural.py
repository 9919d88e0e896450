"""The learned blocker: what it gains, what a control gains, what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vicinal import DataWarning, DimensionError, NotTunedError
from vicinal.blocking import Evaluation, NeuralLSHBlocker, VectorBlocker, evaluate, head, pseudo_pairs, split

Planted = tuple[Any, Any, Any]


@pytest.fixture
def planted(rng: np.random.Generator) -> Planted:
    """Records of which half of the dimensions tell who they are and half mislead."""
    told = rng.normal(size=(300, 12))
    left, right = (np.hstack([told, 1.5 * rng.normal(size=(300, 12))]) for _ in range(2))
    return left, right, np.column_stack([np.arange(300), np.arange(300)])


def recall(blocker: VectorBlocker, planted: Planted) -> float:
    left, right, matches = planted
    return evaluate(blocker.candidates(left, right, k=5), matches[200:]).completeness


def test_a_learned_map_finds_more_of_unseen_matches(planted: Planted) -> None:
    left, right, matches = planted

    raw = recall(VectorBlocker(), planted)
    learned = recall(NeuralLSHBlocker().fit(left, right, matches[:150], matches[150:200]), planted)

    assert learned >= raw + 0.1  # 0.48 beside 0.30


@pytest.mark.data
def test_on_products_a_learned_map_needs_fewer_candidates_and_shuffled_labels_gain_nothing(
    larger_set: Callable[[str], dict[str, Any]], rng: np.random.Generator
) -> None:
    tables = larger_set("er/abt-buy")
    left, right = tables["vectors_a"], tables["vectors_b"]
    fit, test = split(tables["matches"], 0)

    def unseen(blocker: VectorBlocker) -> Evaluation:
        pairs = blocker.candidates(left, right, k=50)
        return evaluate(pairs.take(~np.isin(pairs.indices[:, 0], fit[:, 0])), test)

    raw = unseen(VectorBlocker())
    learned = unseen(NeuralLSHBlocker(epochs=5).fit(left, right, fit))
    wrong = np.column_stack([fit[:, 0], rng.permutation(fit[:, 1])])
    control = unseen(NeuralLSHBlocker(epochs=5).fit(left, right, wrong))

    assert learned.candidates_at[0.95] is not None
    assert raw.candidates_at[0.95] is not None
    assert learned.candidates_at[0.95] <= 0.7 * raw.candidates_at[0.95]
    assert control.at(5) <= raw.at(5)
    assert control.completeness <= raw.completeness


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_labels_leave_the_identity(planted: Planted, seed: int) -> None:
    left, right, matches = planted
    shuffled = np.random.default_rng(seed)
    wrong = np.column_stack([matches[:, 0], shuffled.permutation(matches[:, 1])])

    blocker = NeuralLSHBlocker(seed=seed).fit(left, right, wrong[:150], wrong[150:200])

    assert np.array_equal(blocker.head, np.eye(left.shape[1])), f"seed {seed}"


def test_records_that_a_graph_does_not_find_are_no_hard_negatives(planted: Planted) -> None:
    left, right, matches = planted
    task = head.Task(left, right, matches, matches[:0], one_table=False)
    nothing = np.full((300, 5), -1)

    p, _, _ = head._triplets(task, (nothing, nothing), task.known(), np.random.default_rng(0))

    assert len(p) == 0


def test_the_slope_is_that_of_the_loss(rng: np.random.Generator) -> None:
    W, p, q, r = np.eye(4) + 0.1 * rng.normal(size=(4, 4)), *rng.normal(size=(3, 6, 4))
    recipe = head.Recipe(R=0.3, c=4.0, epochs=1, seed=0)

    def loss(W: Any) -> float:
        p_, q_, r_ = (head.of_length_one(x @ W).astype(float) for x in (p, q, r))
        near, far = np.linalg.norm(p_ - q_, axis=1), np.linalg.norm(p_ - r_, axis=1)
        return float((np.maximum(0.3, near) - np.minimum(1.2, far)).mean())

    slope = head.gradient(W, p, q, r, recipe)

    for cell in np.ndindex(4, 4):
        step = np.zeros((4, 4))
        step[cell] = 1e-2
        assert slope[cell] == pytest.approx((loss(W + step) - loss(W - step)) / 2e-2, abs=2e-3), cell


def test_known_matches_are_never_pushed_apart(planted: Planted) -> None:
    left, right, matches = planted
    task = head.Task(left, right, matches, matches[:0], one_table=False)
    only_matches = matches[:, 1][:, None]

    p, _, _ = head._triplets(task, (only_matches, only_matches), task.known(), np.random.default_rng(0))

    assert len(p) == 0


def test_without_validation_pairs_those_not_learned_from_choose_the_map(planted: Planted) -> None:
    left, right, matches = planted

    learned = recall(NeuralLSHBlocker(epochs=5).fit(left, right, matches[:200]), planted)

    assert learned >= recall(VectorBlocker(), planted) + 0.1


def test_two_tables_and_one_table_learn_from_the_same_entities(planted: Planted) -> None:
    left, right, matches = planted
    both = np.concatenate([left, right])
    one_table = matches + np.array([0, 300])

    blocker = NeuralLSHBlocker(epochs=5).fit(both, None, one_table[:200])
    pairs, raw = (some.candidates(both, k=5) for some in (blocker, VectorBlocker()))

    assert evaluate(pairs, one_table[200:]).completeness >= evaluate(raw, one_table[200:]).completeness + 0.1


def test_without_labels_what_reads_alike_teaches_the_embedding(rng: np.random.Generator) -> None:
    told = rng.normal(size=(200, 12))
    noise = {}

    def embed(texts: list[str]) -> Any:
        rows = [int("".join(filter(str.isdigit, text)) or 0) for text in texts]
        for text in texts:
            noise.setdefault(text, 1.5 * np.random.default_rng(len(noise)).normal(size=12))
        return np.hstack([told[rows], [noise[text] for text in texts]])

    left = [f"no{row} item" for row in range(200)]
    right = [f"no{row} thing" for row in range(200)]
    gold = np.column_stack([np.arange(200), np.arange(200)])

    learned = NeuralLSHBlocker(embed=embed, epochs=5).fit(left, right)

    raw, better = (
        evaluate(one.candidates(left, right, k=3), gold).completeness for one in (VectorBlocker(embed), learned)
    )
    assert better >= raw + 0.1


def test_without_labels_vectors_teach_by_their_mutual_neighbors(planted: Planted) -> None:
    left, right, _ = planted

    blocker = NeuralLSHBlocker().fit(left, right)

    assert blocker.head is not None
    assert blocker.head.shape == (24, 24)


def test_guessed_pairs_are_each_others_nearest_and_the_surest_stay() -> None:
    left = ["red lamp oak", "blue chair steel", "radio sony"]
    right = ["radio sony bose", "lamp red oak", "tv", "chair blue steel radio"]

    every, fewer = (pseudo_pairs(left, right, share=share) for share in (1, 0.3))

    assert every.tolist() == [[0, 1], [1, 3], [2, 0]]
    assert fewer.tolist() == [[0, 1]]
    assert pseudo_pairs(["a lamp", "lamp a", "tv"], share=1).tolist() == [[0, 1]]
    with pytest.raises(ValueError, match="share is 0"):
        pseudo_pairs(left, right, share=0)


def test_learning_twice_gives_the_same_map(planted: Planted) -> None:
    left, right, matches = planted
    once, again = (NeuralLSHBlocker(epochs=3, seed=4).fit(left, right, matches[:150]).head for _ in range(2))

    assert np.array_equal(once, again)


def test_an_entity_on_both_sides_of_the_validation_warns(planted: Planted) -> None:
    left, right, matches = planted

    with pytest.warns(DataWarning, match="1 entities have pairs in both train_pairs and valid_pairs"):
        NeuralLSHBlocker(epochs=1).fit(left, right, matches[:50], matches[49:60])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NeuralLSHBlocker(R=0), ValueError, "R is 0"),
        (lambda: NeuralLSHBlocker(c=1), ValueError, "c is 1"),
        (lambda: NeuralLSHBlocker(R=0.6, c=4), ValueError, r"c \* R is 2.4"),
        (lambda: NeuralLSHBlocker(epochs=0), ValueError, "epochs is 0"),
        (lambda: NeuralLSHBlocker().fit(np.eye(3), np.eye(3), []), ValueError, "no pair"),
        (lambda: NeuralLSHBlocker().fit(np.eye(3), np.eye(3), [[-1, 0]]), ValueError, r"train_pairs 0 is \(-1, 0\)"),
        (lambda: NeuralLSHBlocker().fit(np.eye(3), np.eye(3), [[0, 3]]), ValueError, "table B has 3 records"),
        (lambda: NeuralLSHBlocker().candidates(np.eye(3), np.eye(3)), NotTunedError, "call fit"),
        (
            lambda: NeuralLSHBlocker(epochs=1).fit(np.eye(3), np.eye(3), [[0, 1]]).candidates(np.eye(2)),
            DimensionError,
            "learned on 3",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
