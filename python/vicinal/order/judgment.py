"""What ``order="auto"`` does with a batch, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import InvalidVectorError
from vicinal.order.neighborhoods import nearest_of
from vicinal.order.sequences import shuffled

__all__ = ["LEAST", "Judgment", "judge", "share_beside_nearer"]

LEAST = 4096  # rows; smaller batches keep their order: they come one after another, and what is near is in already
_PROBES = 256
_BESIDE = 32  # rows that arrive after a probe, and as many drawn from all
_SORTED = 0.75  # of 256 probes: eight standard errors above chance


@dataclass(frozen=True)
class Judgment:
    """What was chosen and why; `sequence` is None where the rows shall enter as they stand.

    `beside_nearer` is what `share_beside_nearer` found, None where nobody looked.
    """

    chosen: str
    why: str
    beside_nearer: float | None = None
    sequence: NDArray[np.int64] | None = None


def judge(rows: NDArray[Any], metric: str = "l2", *, seed: int = 0) -> Judgment:
    """Choose an order for a batch by looking at a sample of it.

    Parameters
    ----------
    rows : ndarray of float32, int8 or uint8, shape (n, dim); packed bits: uint8, shape (n, dim // 8)
    metric : str
    seed : int
        Of the sample and of the shuffle.

    Returns
    -------
    Judgment
        ``"random"`` where rows that arrive together are alike (see `share_beside_nearer`); otherwise ``"given"``, and
        always for fewer than 4096 rows, which nobody looks at.

    Notes
    -----
    Descending local intrinsic dimension is never chosen: what it gains on some data it does not gain on others, and
    nothing cheap has been shown to foretell which. Ask for ``"lid_desc"`` and measure.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.linspace(0, 1, 5000, dtype=np.float32)[:, None]
    >>> judge(line).chosen, judge(np.random.default_rng(0).permutation(line)).chosen, judge(line[:100]).chosen
    ('random', 'given', 'given')
    """
    n = len(rows)
    if n < LEAST:
        return Judgment(
            "given", f"{n} vectors are too few for their order to matter; from {LEAST} on, a sample is judged"
        )
    rng = np.random.default_rng(seed)
    try:
        nearer = share_beside_nearer(rows, metric, rng)
    except InvalidVectorError:  # add() refuses it anyway, and by the caller's number
        return Judgment("given", "a vector is not valid")
    told = (
        f"for {nearer:.0%} of {_PROBES} vectors, the nearest of the {_BESIDE} that follow is nearer than that of "
        f"{_BESIDE} others (by chance 50%; sorted from {_SORTED:.0%} on)"
    )
    if nearer >= _SORTED:
        return Judgment("random", f"the batch is sorted or clustered: {told}", nearer, shuffled(n, rng))
    return Judgment("given", f"the batch is mixed well enough: {told}", nearer)


def share_beside_nearer(rows: NDArray[Any], metric: str, rng: np.random.Generator) -> float:
    """Estimate how often one of the 32 rows that follow a row is nearer to it than any of 32 others: 0.5 by chance.

    Copies of a row, beside it and elsewhere, tell nothing and count half.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> share_beside_nearer(np.arange(5000, dtype=np.float32)[:, None], "l2", rng) > 0.95
    True
    """
    n = len(rows)
    probes = rng.choice(n - _BESIDE, min(_PROBES, n - _BESIDE), replace=False)
    others = rng.integers(n - 1, size=(len(probes), _BESIDE))
    others += others >= probes[:, None]  # never the probe itself
    measured = "l2" if metric == "ip" else metric
    nearer = 0.0
    for probe, drawn in zip(probes, others, strict=True):
        among = rows[np.concatenate([np.arange(probe + 1, probe + 1 + _BESIDE), drawn])]
        places, distances = nearest_of(among, rows[probe : probe + 1], len(among), measured, threads=1)
        follow = places[0] < _BESIDE
        beside, elsewhere = distances[0][follow][0], distances[0][~follow][0]
        nearer += 1.0 if beside < elsewhere else 0.5 if beside == elsewhere else 0.0
    return nearer / len(probes)
