"""A linear map learned from matches: whitened at the start, then moved by the loss of NLSHBlock.

Two steps, of which the first does half of the work in far less time. What matching records differ in tells nothing of
who they are, so the map starts as the inverse square root of the covariance of those differences (within-class
covariance normalization: Hatch, Kajarekar, Stolcke, 2006), shrunk to the identity. Then Adam lowers the loss of
NLSHBlock on triplets: a match and one of the records that the map of the moment ranks before or near it, drawn anew in
every epoch and from both tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vicinal.blocking.evaluation import components

__all__ = ["Recipe", "learned_map", "of_length_one"]

Vectors = NDArray[np.float32]
# queries, base, k -> rows of base, -1 where none; cosines
Nearest = Callable[[Vectors, Vectors, int], tuple[NDArray[np.int64], Vectors]]

_SHRINKAGE = 1.0  # of the covariance to the identity, in means of its eigenvalues; .3 to 1 do equally well
_NEGATIVES, _POOL = 4, 20  # drawn for each record of a match in an epoch, and of how many nearest
_BATCH, _RATE = 512, 2e-4  # triplets, and Adam's step: at 2e-3 some hundred matches are learned by heart
_REFRESH = 5  # epochs between maps that validation may choose, and between searches for near records
_PARTS = 4  # of the pairs, where none are set apart for validation
_ENOUGH = 250  # pairs ranked so
_LAST_RANK = 100  # places a validation match is looked for in, and a tenth of the table at most
_BEYOND_LUCK = 3.0  # standard errors; maps of matches of abt-buy gained 26, of shuffled ones -0.4


@dataclass(frozen=True)
class Recipe:
    """How a map is learned."""

    R: float
    c: float
    epochs: int
    seed: int


@dataclass(frozen=True)
class Task:
    """What a map is learned from: vectors of length one, and rows of both tables that match."""

    left: Vectors
    right: Vectors
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    one_table: bool

    def known(self) -> NDArray[np.int64]:
        """Return the numbers of the pairs that must not be pushed apart."""
        a, b = self.train[:, 0], self.train[:, 1]
        keys = self.key(a, b)
        if self.one_table:
            rows = np.arange(len(self.left))
            keys = np.concatenate([keys, self.key(b, a), self.key(rows, rows)])
        return np.unique(keys)

    def quarters(self) -> list[Task]:
        """Return up to four tasks, each with another quarter of the entities to validate by; fewer of many pairs."""
        part = components(self.train, one_table=self.one_table)
        fold = np.random.default_rng(0).permutation(part.max() + 1)[part] % _PARTS
        tasks: list[Task] = []
        for one in range(_PARTS):
            task = replace(self, train=self.train[fold != one], valid=self.train[fold == one])
            if len(task.train) and len(task.valid) and sum(len(before.valid) for before in tasks) < _ENOUGH:
                tasks.append(task)
        return tasks

    def key(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return one number for each pair."""
        return np.asarray(a * len(self.right) + b)


def learned_map(task: Task, recipe: Recipe, nearest: Nearest) -> Vectors:
    """Return the map that places matches best that it has not seen, or the identity where that may be luck.

    Those are the validation pairs. Without any, a quarter of the training pairs takes their place in turn, which tells
    how long to learn; then all of them are learned from for so long.
    """
    parts = [task] if len(task.valid) else task.quarters()
    if not parts:  # one entity: nothing could show a gain
        return np.eye(task.left.shape[1], dtype=np.float32)
    traces = [[places(part, W, nearest) for W in maps(part, recipe, nearest)] for part in parts]
    after = [np.concatenate(ranks) for ranks in zip(*traces, strict=True)]
    unlearned = np.eye(task.left.shape[1], dtype=np.float32)
    before = np.concatenate([places(part, unlearned, nearest) for part in parts])
    best = int(np.argmin([ranks.sum() for ranks in after]))
    if not beyond_luck(before, after[best]):
        return unlearned
    return next(itertools.islice(maps(task, recipe, nearest), best, None))


def maps(task: Task, recipe: Recipe, nearest: Nearest) -> Iterator[Vectors]:
    """Give the first map, then the map after every five epochs and after the last."""
    rng = np.random.default_rng(recipe.seed)
    known, steps = task.known(), Adam()
    W = whitened(task.left[task.train[:, 0]] - task.right[task.train[:, 1]])
    for epoch in range(recipe.epochs):
        if epoch % _REFRESH == 0:
            yield W
            pools = _near_records(task, W, nearest)
        p, q, r = _triplets(task, pools, known, rng)
        order = rng.permutation(len(p))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            W = steps.down(W, gradient(W, p[rows], q[rows], r[rows], recipe))
    yield W


def whitened(differences: Vectors) -> Vectors:
    """Return the map under which matches differ in every direction alike, nearly; of the identity's size."""
    dim = differences.shape[1]
    covariance = differences.T.astype(np.float64) @ differences
    total = float(np.trace(covariance))
    if total <= 0:  # matches are equal: no direction misleads
        return np.eye(dim, dtype=np.float32)
    values, directions = np.linalg.eigh(covariance * (dim / total) + _SHRINKAGE * np.eye(dim))
    W = (directions * values**-0.5) @ directions.T
    return np.asarray(W * np.sqrt(dim) / np.linalg.norm(W), np.float32)


def gradient(W: Vectors, p: Vectors, q: Vectors, r: Vectors, recipe: Recipe) -> Vectors:
    """Return the slope of ``max(R, |h(p) - h(q)|) - min(c R, |h(p) - h(r)|)``, its mean over triplets."""
    mapped = [x @ W for x in (p, q, r)]
    lengths = [np.linalg.norm(y, axis=1, keepdims=True) for y in mapped]
    zp, zq, zr = (y / length for y, length in zip(mapped, lengths, strict=True))
    near = np.linalg.norm(zp - zq, axis=1, keepdims=True)
    far = np.linalg.norm(zp - zr, axis=1, keepdims=True)
    pull = np.where(near > recipe.R, (zp - zq) / np.maximum(near, 1e-9), 0)
    push = np.where(far < recipe.c * recipe.R, (zr - zp) / np.maximum(far, 1e-9), 0)
    total = np.zeros_like(W)
    for x, z, length, g in zip((p, q, r), (zp, zq, zr), lengths, (pull + push, -pull, -push), strict=True):
        total += x.T @ ((g - (g * z).sum(axis=1, keepdims=True) * z) / length)
    return np.asarray(total / len(p), np.float32)


class Adam:
    """Steps downhill (Kingma and Ba, 2015)."""

    def __init__(self) -> None:
        self.step = 0
        self.first = self.second = np.zeros((), np.float32)

    def down(self, W: Vectors, slope: Vectors) -> Vectors:
        """Return `W` one step further."""
        self.step += 1
        self.first = 0.9 * self.first + 0.1 * slope
        self.second = 0.999 * self.second + 0.001 * slope * slope
        first, second = self.first / (1 - 0.9**self.step), self.second / (1 - 0.999**self.step)
        return np.asarray(W - _RATE * first / (np.sqrt(second) + 1e-8), np.float32)


def of_length_one(vectors: Vectors) -> Vectors:
    """Return the vectors' directions."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _near_records(task: Task, W: Vectors, nearest: Nearest) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each match the rows of B near its record of A, and the rows of A near its record of B."""
    left, right = of_length_one(task.left @ W), of_length_one(task.right @ W)
    a, b = task.train[:, 0], task.train[:, 1]
    return nearest(left[a], right, _POOL)[0], nearest(right[b], left, _POOL)[0]


def _triplets(
    task: Task,
    pools: tuple[NDArray[np.int64], NDArray[np.int64]],
    known: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[Vectors, Vectors, Vectors]:
    """Draw records, their matches, and near records that do not match, as far as is known."""
    a, b = (np.repeat(task.train[:, side], _NEGATIVES) for side in (0, 1))
    drawn = [
        pool[np.arange(len(pool))[:, None], rng.integers(0, pool.shape[1], (len(pool), _NEGATIVES))].ravel()
        for pool in pools
    ]
    in_b = ~np.isin(task.key(a, drawn[0]), known) & (drawn[0] >= 0)  # a graph may find fewer: -1
    in_a = ~np.isin(task.key(drawn[1], b), known) & (drawn[1] >= 0)
    left, right = task.left, task.right
    return (
        np.concatenate([left[a[in_b]], right[b[in_a]]]),
        np.concatenate([right[b[in_b]], left[a[in_a]]]),
        np.concatenate([right[drawn[0][in_b]], left[drawn[1][in_a]]]),
    )


def places(task: Task, W: Vectors, nearest: Nearest) -> NDArray[np.float64]:
    """Return how far down each validation match stands, by logarithms: the tail weighs as much as the first places.

    Added are its rank among its own record's neighbors, which is what `k` costs, and the pairs ahead of it in all lists
    that do not match, which is what a threshold costs. Where almost every match is first, only the second can fall.
    """
    if len(task.valid) == 0:
        return np.zeros(0)
    a, b = task.valid[:, 0], task.valid[:, 1]
    left, right = of_length_one(task.left @ W), of_length_one(task.right @ W)
    depth = min(_LAST_RANK, 1 + len(right) // 10)
    found, scores = nearest(left[a], right, depth + task.one_table)
    others = (found != b[:, None]) & (found >= 0)
    if task.one_table:
        others &= found != a[:, None]
    own = np.einsum("ij,ij->i", left[a], right[b])
    rank = 1 + (others & (scores > own[:, None])).sum(axis=1)
    in_all = np.sort(scores[others & ~np.isin(task.key(a[:, None], found), task.key(a, b))])
    ahead = len(in_all) - np.searchsorted(in_all, own, side="right")
    # What is in no list counts as last whatever its score: else a map that only lowers the scores of lists would seem
    # to bring random pairs nearer.
    last = np.log(1 + depth) + np.log(1 + depth * len(own))
    return np.asarray(np.where(rank <= depth, np.log(rank) + np.log(1 + ahead), last))


def beyond_luck(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Say whether ranks have fallen by more than chance lets them: a paired test."""
    gain = before - after
    if not gain.any():
        return False
    return float(gain.mean()) > _BEYOND_LUCK * float(gain.std(ddof=1)) / np.sqrt(len(gain)) if len(gain) > 1 else False
