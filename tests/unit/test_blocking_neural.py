"""The learned blocker: what it gains, what a control gains, what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vicinal import DataWarning, DimensionError, NotTunedError
from vicinal.blocking import Evaluation, NeuralLSHBlocker, VectorBlocker, evaluate, split

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
    train, valid = split(fit, 1, test=0.3)

    def unseen(blocker: VectorBlocker) -> Evaluation:
        pairs = blocker.candidates(left, right, k=50)
        return evaluate(pairs.take(~np.isin(pairs.indices[:, 0], fit[:, 0])), test)

    raw = unseen(VectorBlocker())
    learned = unseen(NeuralLSHBlocker(epochs=15).fit(left, right, train, valid))
    wrong = [np.column_stack([some[:, 0], rng.permutation(some[:, 1])]) for some in (train, valid)]
    control = unseen(NeuralLSHBlocker(epochs=15).fit(left, right, *wrong))

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


def test_records_that_a_graph_does_not_find_are_no_hard_negatives(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right, matches = planted
    monkeypatch.setattr(NeuralLSHBlocker, "_nearest", lambda _self, queries, _base, k: np.full((len(queries), k), -1))

    blocker = NeuralLSHBlocker(epochs=2).fit(left, right, matches[:150])

    assert np.array_equal(blocker.head, np.eye(left.shape[1]))


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
        (lambda: NeuralLSHBlocker().fit(np.eye(3), np.eye(3)), ValueError, "no pair"),
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
