"""All near pairs of a collection, or between two."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal.errors import DataWarning
from vicinal.lsh.families import FAMILIES, Family
from vicinal.lsh.tuning import check_threshold, family_of, tune
from vicinal.progress import Progress, reporting
from vicinal.settings import one_of, truth, whole_number

__all__ = ["Pairs", "pairs"]

CHUNK = 1 << 20  # pairs handed out at a time
MOST_HASHES = 512


@dataclass(frozen=True)
class Pairs:
    """Near pairs.

    Attributes
    ----------
    pairs : ndarray of int64, shape (m, 2)
        Row numbers: i < j in a self-join, else of the first and of the second table; ascending, none twice.
    scores : ndarray of float64, shape (m,)
        Similarity (minhash: Jaccard; simhash, crosspolytope: cosine) or distance (pstable: Euclidean; bitsample:
        differing bits). Without `verify` an estimate of the similarity from the share of bands that agree.
    stats : dict
        ``candidates`` (distinct pairs that shared a bucket), ``largest_bucket``, ``full_buckets`` (above the cap),
        ``lost_at_most`` (pairs that the cap left out), ``bands``, ``rows``.

    Examples
    --------
    >>> from vicinal import lsh
    >>> found = lsh.pairs(["a red rose", "a rose red", "a blue hat"], threshold=0.8)
    >>> found.pairs.tolist(), found.scores.tolist()
    ([[0, 1]], [1.0])
    """

    pairs: NDArray[np.int64]
    scores: NDArray[np.float64]
    stats: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    def to_arrow(self) -> Any:
        """Return an Arrow table with columns ``left``, ``right``, ``score``; needs pyarrow."""
        import pyarrow

        return pyarrow.table({"left": self.pairs[:, 0], "right": self.pairs[:, 1], "score": self.scores})


@overload
def pairs(
    items: Any,
    others: Any = ...,
    *,
    family: str | Family = ...,
    threshold: float,
    verify: bool = ...,
    stream: Literal[False] = ...,
    bands: int | None = ...,
    rows: int | None = ...,
    recall: float = ...,
    shingle: str | int = ...,
    bucket_cap: int | None = ...,
    memory: int = ...,
    seed: int = ...,
    threads: int = ...,
    progress: Progress = ...,
) -> Pairs: ...
@overload
def pairs(
    items: Any,
    others: Any = ...,
    *,
    family: str | Family = ...,
    threshold: float,
    verify: bool = ...,
    stream: Literal[True],
    bands: int | None = ...,
    rows: int | None = ...,
    recall: float = ...,
    shingle: str | int = ...,
    bucket_cap: int | None = ...,
    memory: int = ...,
    seed: int = ...,
    threads: int = ...,
    progress: Progress = ...,
) -> Iterator[Pairs]: ...
@overload
def pairs(
    items: Any,
    others: Any = ...,
    *,
    family: str | Family = ...,
    threshold: float,
    verify: bool = ...,
    stream: bool,
    bands: int | None = ...,
    rows: int | None = ...,
    recall: float = ...,
    shingle: str | int = ...,
    bucket_cap: int | None = ...,
    memory: int = ...,
    seed: int = ...,
    threads: int = ...,
    progress: Progress = ...,
) -> Pairs | Iterator[Pairs]: ...
def pairs(
    items: Any,
    others: Any = None,
    *,
    family: str | Family = "minhash",
    threshold: float,
    verify: bool = True,
    stream: bool = False,
    bands: int | None = None,
    rows: int | None = None,
    recall: float = 0.99,
    shingle: str | int = "words",
    bucket_cap: int | None = 2000,
    memory: int = 1 << 30,
    seed: int = 0,
    threads: int = 0,
    progress: Progress = None,
) -> Pairs | Iterator[Pairs]:
    """Find all pairs that are at least as near as `threshold`.

    Items whose keys agree in a band of hash values are candidates; each candidate is compared once and exactly.
    Memory is 4 bytes for each item and band, 16 an item, the sets or vectors themselves, and the pairs found.

    Parameters
    ----------
    items : list of texts, of token lists or sets, or vectors
        Texts are cut into words in lower case or, with `shingle`, into runs of characters. Tokens are str, bytes or
        int. Vectors as `vicinal.Index.add` takes them.
    others : the same, optional
        A second table: pairs are then of a row of `items` and a row of `others`.
    family : str or Family
        ``"minhash"``, ``"simhash"``, ``"pstable"``, ``"crosspolytope"``, ``"bitsample"``, or one that was made.
    threshold : float
        Similarity at least (minhash, simhash, crosspolytope) or distance at most (pstable, bitsample).
    verify : bool
        Compare exactly. False: all candidates, with estimated scores.
    stream : bool
        Return an iterator over `Pairs` of some million each, as they are found, in no particular order.
    bands, rows : int, optional
        By default those that `tune` chooses for `recall`.
    recall : float
        The share of pairs at the threshold that shall be found; nearer ones are found more surely.
    shingle : "words" or int
        For texts.
    bucket_cap : int or None
        In a bucket of more items, each meets only so many before and behind it; `DataWarning` bounds what is lost.
    memory : int
        Bytes of found pairs to hold; what is more goes to a temporary file, and the result is read from there.
    seed, threads : int
        The result is the same for any number of threads; 0 takes all cores.
    progress : bool or callable
        As in `vicinal.Index.add`; counts bands.

    Raises
    ------
    ValueError
        `threshold` is outside the family's range; bands times rows exceed the family's hashes.
    InvalidVectorError
        A vector holds NaN or an infinity, or is zero under a cosine.

    Warns
    -----
    DataWarning
        There is nothing to compare; an item is empty; a bucket held more than `bucket_cap`.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.array([[1, 0], [0, 1], [2, 0.01]], dtype=np.float32)
    >>> pairs(vectors, family="simhash", threshold=0.9).pairs.tolist()
    [[0, 2]]
    """
    verify, stream = truth("verify", verify), truth("stream", stream)
    if not isinstance(family, Family):
        one_of("family", family, FAMILIES)
    dim = None if family == "minhash" or isinstance(family, Family) else _dim_of(items, str(family))
    family_dim = family.dim if isinstance(family, Family) else dim or 0
    threshold = check_threshold(family, threshold, family_dim)
    cap = 0 if bucket_cap is None else whole_number("bucket_cap", bucket_cap, 1, 2**31)
    if (bands is None) != (rows is None):
        raise ValueError(f"bands is {bands} and rows is {rows}, expected both or neither")
    reader = family_of(family, dim, 1, threshold, seed, shingle)
    left = reader._read(items, "items")
    right = None if others is None else reader._read(others, "others")
    sizes = [_size(side) for side in (left, right) if side is not None]
    if bands is None or rows is None:
        most = family.hashes if isinstance(family, Family) else MOST_HASHES
        bands, rows = _narrow_enough(reader, threshold, recall, most, sum(sizes))
    bands, rows = whole_number("bands", bands, 1, 65_536), whole_number("rows", rows, 1, 65_536)
    made = family_of(family, dim, bands * rows, threshold, seed, shingle)
    if min(sizes) == 0:
        empty = "items has" if sizes[0] == 0 and sizes[-1] != 0 else "others has" if sizes[0] else "all tables have"
        warnings.warn(f"{empty} no rows: there are no pairs", DataWarning, stacklevel=2)
    join = _core.PairJoin(made._core, bands, rows, left, right, threshold, verify, cap, threads)
    chunks = _chunks(join, {"bands": bands, "rows": rows}, progress)
    return chunks if stream else _gathered(chunks, memory)


def _narrow_enough(family: Family, threshold: float, recall: float, most: int, n: int) -> tuple[int, int]:
    """Return bands and rows: bands narrow enough that few far items meet, and no more hashing than that takes."""
    far = _far_chance(family, threshold)
    for budget in (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, most):
        try:
            found = tune(threshold, recall, min(budget, most), family=family)
        except ValueError:
            if budget == most:
                raise
            continue
        if far**found.rows * found.bands * n <= _FAR_COMPARED or budget >= most:
            break
    return found.bands, found.rows


# To hash an item costs as much as some hundred comparisons of short sets.
_FAR_COMPARED = 100


def _far_chance(made: Family, threshold: float) -> float:
    """Return how often one value of two unrelated items agrees."""
    unrelated = {"minhash": 0.1, "pstable": 4 * threshold, "bitsample": made.dim / 2}.get(made.name, 0.1)
    return made.collision_probability(unrelated)


def _dim_of(items: Any, family: str) -> int:
    shape = np.shape(items)
    if len(shape) != 2:
        raise ValueError(f"items has shape {shape}, expected vectors of shape (n, dim) for family {family!r}")
    return int(shape[1]) * (8 if family == "bitsample" else 1)


def _size(side: Any) -> int:
    return len(side[0]) - 1 if isinstance(side, tuple) else len(side)


def _chunks(join: _core.PairJoin, settings: dict[str, int], progress: Progress) -> Iterator[Pairs]:
    with reporting(progress, "bands") as report:
        more = True
        while more:
            found, scores, more = join._next(CHUNK, report)
            yield Pairs(found, scores, {**join._report(), **settings})
    facts = join._report()
    if facts["full_buckets"]:
        warnings.warn(
            f"{facts['full_buckets']} buckets held more than bucket_cap, the largest {facts['largest_bucket']} items: "
            f"at most {facts['lost_at_most']} pairs are lost; a larger bucket_cap, or None, loses none",
            DataWarning,
            stacklevel=3,
        )


def _gathered(chunks: Iterator[Pairs], memory: int) -> Pairs:
    """Put the chunks together in order, in a temporary file where they outgrow `memory`."""
    held: list[Pairs] = []
    rows, on_disk = 0, False
    stats: dict[str, int] = {}
    with tempfile.TemporaryFile() as file:
        for chunk in chunks:
            stats = chunk.stats
            rows += len(chunk)
            held.append(chunk)
            on_disk = on_disk or rows * _ENTRY.itemsize > memory
            if on_disk:
                for part in held:
                    file.write(_as_entries(part).tobytes())
                held = []
        if on_disk:
            file.flush()
            return _sorted_on_disk(np.memmap(file, dtype=_ENTRY, mode="r+", shape=(rows,)), stats)
    found = np.concatenate([part.pairs for part in held]) if held else np.empty((0, 2), np.int64)
    scores = np.concatenate([part.scores for part in held]) if held else np.empty(0)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return Pairs(found[order], scores[order], stats)


def _sorted_on_disk(table: NDArray[Any], stats: dict[str, int]) -> Pairs:
    # Heapsort, because the others of numpy copy what they sort. The file is gone with the last array on it.
    table.sort(order=("left", "right"), kind="heapsort")
    flat = table.view(np.int64).reshape(len(table), 3)
    return Pairs(flat[:, :2], flat.view(np.float64)[:, 2], stats)


_ENTRY = np.dtype([("left", np.int64), ("right", np.int64), ("score", np.float64)])


def _as_entries(part: Pairs) -> NDArray[Any]:
    table = np.empty(len(part), dtype=_ENTRY)
    table["left"], table["right"], table["score"] = part.pairs[:, 0], part.pairs[:, 1], part.scores
    return table
