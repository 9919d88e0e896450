"""An index of buckets: items whose hash values agree with a query's, then exact distances."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal import _core
from vicinal._core import ALWAYS_ALLOWED_K, MAX_THREADS
from vicinal.arrays import IdsLike, id_numbers, one_id, query_rows
from vicinal.errors import DataWarning, DimensionError, Interrupted, RecallError
from vicinal.lsh.families import BitSample, CrossPolytope, Family, MinHash, PStable, SimHash
from vicinal.lsh.items import characters_of
from vicinal.progress import Progress, reporting
from vicinal.result import SearchResult
from vicinal.settings import truth, whole_number
from vicinal.writer import Writer

__all__ = ["LSHIndex"]

_METRICS = {"simhash": "cosine", "crosspolytope": "cosine", "pstable": "l2", "bitsample": "hamming"}
_MANY = 2**31 - 1
_MOST_PROBES = 65_536  # a query that looks further is a scan, and holds what it has looked at
_NO_IDS = np.empty(0, dtype=np.int64)


class LSHIndex:
    """Items in buckets of hash values, to be found by a query that falls into the same or a neighboring bucket.

    A signature is cut into `bands` of `rows` values; an item is a candidate when all values of a band are those of the
    query. For SimHash and PStable a query may look into further buckets, the likeliest first (multi-probe: Lv,
    Josephson, Wang, Charikar, Li 2007), which takes the place of many more bands. Candidates are then compared exactly,
    all of them or, with `rerank`, those with the nearest sketches.

    Distances are smaller-is-closer: ``"cosine"`` for `SimHash` and `CrossPolytope`, ``"l2"`` (squared) for `PStable`,
    ``"hamming"`` for `BitSample`, ``"jaccard"`` (one minus the similarity) for `MinHash`.

    Parameters
    ----------
    family : Family
        The hash functions; `bands` times `rows` of them at least. Sketches have one bit for each function.
    bands, rows : int
        More bands find more, more rows find less and look at less; see `tune`.
    bucket_cap : int or None
        Of a bucket with more items a query looks at the oldest `bucket_cap`.
    keep : bool
        False, for `MinHash` only: keep signatures in place of sets, and estimate distances from them.

    Raises
    ------
    ValueError
        `bands` times `rows` exceeds the hashes of the family; `keep` is False with vectors.

    Notes
    -----
    An item takes 4 bytes for each band, some 12 for each bucket that it is alone in, its sketch and itself; `stats`
    counts them. Any number of threads may search while one adds, removes or saves; searches wait for nobody.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal import lsh
    >>> index = lsh.LSHIndex(lsh.SimHash(3, 32), bands=4, rows=8)
    >>> index.add(np.eye(3)).tolist()
    [0, 1, 2]
    >>> ids, distances = index.search([0.0, 2.0, 0.0], k=1)
    >>> ids.tolist(), distances.tolist()
    ([1], [0.0])
    """

    __slots__ = ("_core", "_family", "_writer")

    def __init__(
        self, family: Family, *, bands: int, rows: int, bucket_cap: int | None = 10_000, keep: bool = True
    ) -> None:
        if not isinstance(family, Family):
            raise TypeError(f"family is {family!r}, expected a family of vicinal.lsh, such as SimHash(dim)")
        shingle = characters_of(family.shingle) if isinstance(family, MinHash) else 0
        self._hold(
            family,
            _core.LshIndex(
                family._core,
                whole_number("bands", bands, 1, 65_536),
                whole_number("rows", rows, 1, 65_536),
                0 if bucket_cap is None else whole_number("bucket_cap", bucket_cap, 1, _MANY),
                truth("keep", keep),
                shingle,
            ),
        )

    def _hold(self, family: Family, core: _core.LshIndex) -> None:
        self._family = family
        self._core = core
        self._writer = Writer()

    @property
    def family(self) -> Family:
        """The hash functions."""
        return self._family

    @property
    def metric(self) -> str:
        """What distances measure."""
        return _METRICS.get(self._family.name, "jaccard")

    @property
    def ids(self) -> NDArray[np.int64]:
        """All ids, ascending."""
        return self._core._ids()

    def __len__(self) -> int:
        return len(self._core)

    def __contains__(self, id: object) -> bool:  # noqa: A002
        number = one_id(id)
        return number is not None and self._core._contains(number)

    def __repr__(self) -> str:
        known = self._core._settings()
        return f"LSHIndex({known['family']}, bands={known['bands']}, rows={known['rows']}, {len(self)} items)"

    def add(
        self, items: Any, ids: IdsLike | None = None, *, threads: int = 0, progress: Progress = None
    ) -> NDArray[np.int64]:
        """Add items, all or none.

        Parameters
        ----------
        items : vectors, texts, or token lists or sets
            As the family's `hash` takes them.
        ids : array_like of int, shape (n,), optional
            By default consecutive numbers from the largest ever used + 1 on.
        threads : int
            0 takes all cores. The index is the same for any number.
        progress : bool or callable, optional
            As in `vicinal.Index.add`.

        Returns
        -------
        ndarray of int64, shape (n,)

        Raises
        ------
        DimensionError, InvalidVectorError, DuplicateIdError, OverflowError, TypeError, ValueError, MemoryError
            As `vicinal.Index.add` raises them. The index is unchanged.
        Interrupted
            Ctrl-C; its ``added`` is empty, and so the index is unchanged.

        Warns
        -----
        DataWarning
            A set is empty, and near nothing; a bucket holds more than `bucket_cap`: the message bounds what is lost.
            Where warnings are errors, the second is raised after the items are in.

        Examples
        --------
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4)
        >>> index.add(["a rose is a rose", "an onion"], ids=[7, 9]).tolist()
        [7, 9]
        >>> index.search("a rose is a flower", k=1).ids.tolist()
        [7]
        """
        rows = self._family._read(items, "items")
        numbers = _NO_IDS if ids is None else id_numbers(ids)
        count = len(rows[0]) - 1 if isinstance(rows, tuple) else len(rows)
        if ids is not None and len(numbers) != count:
            raise DimensionError(f"ids has shape {numbers.shape}, expected ({count},): one for each item")
        workers = whole_number("threads", threads, 0, MAX_THREADS)
        with reporting(progress, "items") as report, self._writer.alone():
            try:
                added, overflow = self._core._add(rows, numbers, workers, report)
            except KeyboardInterrupt as error:
                raise Interrupted(_NO_IDS) from error
        if overflow["hidden"]:
            warnings.warn(
                f"{overflow['full_buckets']} buckets hold more than bucket_cap, the largest "
                f"{overflow['largest_bucket']} items: queries do not look at {overflow['hidden']} places in them, and "
                f"at most {overflow['lost_at_most']} pairs are lost; a larger bucket_cap, or None, loses none",
                DataWarning,
                stacklevel=2,
            )
        return added

    def remove(self, ids: IdsLike) -> None:
        """Remove items. A search that starts afterwards never reports them.

        Raises
        ------
        UnknownIdError, DuplicateIdError
            An id is not in the index, or named twice. Nothing has been removed.

        Examples
        --------
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.PStable(2, 8, width=4.0), bands=2, rows=4)
        >>> _ = index.add([[1.0, 2.0], [3.0, 4.0]])
        >>> index.remove(0)
        >>> 0 in index, len(index)
        (False, 1)
        """
        number = one_id(ids)
        numbers = id_numbers(ids) if number is None else np.array([number], dtype=np.int64)
        with self._writer.alone():
            self._core._remove(numbers, 0)

    def search(
        self,
        queries: Any,
        k: int = 10,
        *,
        probes: int = 1,
        max_candidates: int | None = None,
        rerank: int | None = None,
        threads: int = 0,
        stats: bool = False,
        strict: bool = False,
    ) -> SearchResult:
        """Find the nearest candidates of each query.

        Parameters
        ----------
        queries : as items in `add`; or one vector, text or weighted set, for results of one dimension
        k : int
            Neighbors per query, 1 to max(len(index), 10 000).
        probes : int
            Buckets to look into for each band, on average: the query's own in each, then the likeliest others over all
            bands. Above 1 for `SimHash` and `PStable` only.
        max_candidates : int, optional
            Look no further when there are so many candidates.
        rerank : int, optional
            Compare only so many, those whose sketches are nearest (and whoever ties with the last of them).
        threads : int
            0 takes all cores; results are the same for any number.
        stats : bool
            Report the work in the result's ``stats``: int64 arrays of shape (m,), ``"buckets"`` looked into,
            ``"candidates"`` met, ``"estimates"`` (sketches compared) and ``"distances"``.
        strict : bool
            Raise `RecallError` where a query has fewer than k candidates.

        Returns
        -------
        SearchResult
            Unpacks as ``ids, distances``: int64 and float32, shape (m, k), nearest first, equal distances in the order
            of ids; short rows are padded with id -1 and distance +inf.

        Raises
        ------
        DimensionError, InvalidVectorError, TypeError
            As for `vicinal.Index.search`.
        ValueError
            A number is out of range; `probes` is above 1 with a family that knows no likely buckets.
        RecallError
            With ``strict=True``.

        Examples
        --------
        >>> import numpy as np
        >>> from vicinal import lsh
        >>> vectors = np.random.default_rng(0).standard_normal((500, 16))
        >>> index = lsh.LSHIndex(lsh.SimHash(16, 64), bands=4, rows=8)
        >>> _ = index.add(vectors)
        >>> found = index.search(vectors[:2] + 0.1, k=1, probes=5, stats=True)
        >>> found.ids.ravel().tolist(), found.stats["buckets"].tolist()
        ([0, 1], [20, 20])
        """
        rows, is_single = self._queries(queries)
        wanted = whole_number("k", k, 1, max(len(self), ALWAYS_ALLOWED_K))
        ids, distances, work = self._core._search(
            rows,
            wanted,
            whole_number("probes", probes, 1, _MOST_PROBES),
            _limit("max_candidates", max_candidates),
            _limit("rerank", rerank),
            whole_number("threads", threads, 0, MAX_THREADS),
            truth("stats", stats),
        )
        if is_single:
            ids, distances = ids[0], distances[0]
        result = SearchResult(ids, distances, self.metric, work)
        if truth("strict", strict) and (result.counts < wanted).any():
            row = int(np.flatnonzero(result.counts < wanted)[0])
            raise RecallError(
                f"queries row {row} has {int(result.counts[row])} candidates, expected k={wanted} (strict=True); more "
                "probes or more bands find more"
            )
        return result

    query = search

    def candidates(
        self, queries: Any, *, probes: int = 1, max_candidates: int | None = None, threads: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return what is in the buckets of each query, compared with nothing.

        Returns
        -------
        lims : ndarray of int64, shape (m + 1,)
            The candidates of query i are ``ids[lims[i]:lims[i + 1]]``.
        ids : ndarray of int64
            Ascending for each query.

        Examples
        --------
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4)
        >>> _ = index.add([["a", "b", "c"], ["a", "b", "c", "d"], ["x"]])
        >>> lims, ids = index.candidates([["a", "b", "c"]])
        >>> lims.tolist(), ids.tolist()
        ([0, 2], [0, 1])
        """
        rows, _ = self._queries(queries)
        return self._core._candidates(
            rows,
            whole_number("probes", probes, 1, _MOST_PROBES),
            _limit("max_candidates", max_candidates),
            whole_number("threads", threads, 0, MAX_THREADS),
        )

    def _queries(self, queries: Any) -> tuple[Any, bool]:
        if isinstance(self._family, MinHash):
            is_single = isinstance(queries, (str, bytes, Mapping))
            return self._family._read([queries] if is_single else queries, "queries"), is_single
        return query_rows(queries, self._family.dim, "b1" if isinstance(self._family, BitSample) else "f32")

    def stats(self) -> dict[str, Any]:
        """Say what the index is made of.

        Returns
        -------
        dict
            ``"items"``: how many; ``"memory"``: bytes by part (the items themselves, their sketches, buckets, ids, and
            the family's random numbers) and ``"resident"``, their sum; ``"per_item"``: the same without the family,
            by item; ``"buckets"``: how many, and ``"by_size"``: of 1, of 2 to 3, of 4 to 7 items, and so on;
            ``"overflow"``: buckets beyond `bucket_cap`, places in them that are not looked at, and how many pairs are
            lost at most; ``"kernels"``: the instruction set in use.

        Examples
        --------
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4)
        >>> _ = index.add([["a", "b"], ["a", "b"]])
        >>> index.stats()["buckets"]
        {'count': 16, 'by_size': [0, 16]}
        """
        memory = self._core._memory()
        shape = self._core._shape(0)
        items = len(self)
        per_item = {part: held / max(items, 1) for part, held in memory.items() if part != "family"}
        memory["resident"] = sum(memory.values())
        return {
            "items": items,
            "memory": memory,
            "per_item": per_item,
            "buckets": {"count": shape["buckets"], "by_size": shape["by_size"]},
            "overflow": shape["overflow"],
            "kernels": _core.kernels_in_use(),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file, all or nothing, as `vicinal.Index.save` does.

        Raises
        ------
        OSError
            With the error's number and the file's name. An old file is untouched.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4)
        >>> _ = index.add([["a", "b"]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "sets.vicinal")
        ...     index.save(path)
        ...     len(lsh.LSHIndex.load(path))
        1
        """
        with self._writer.alone():
            self._core._save(os.fsencode(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LSHIndex:
        """Read an index from a file that `save` wrote.

        Raises
        ------
        CorruptIndexError, NotAnIndexError, FormatTooNewError
            What is in the file is no such index that can be trusted. Any bytes may be given.
        OSError
            The file cannot be read.

        Examples
        --------
        >>> from vicinal import lsh
        >>> lsh.LSHIndex.load("nowhere.vicinal")
        Traceback (most recent call last):
            ...
        FileNotFoundError: ...
        """
        return cls._holding(_core.load_lsh(os.fsencode(path)))

    def to_bytes(self) -> bytes:
        """Return what `save` would write; `pickle` and `copy.deepcopy` go by it."""
        with self._writer.alone():
            return self._core._to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> LSHIndex:
        """Make an index of what `to_bytes` returned.

        Raises
        ------
        CorruptIndexError, NotAnIndexError, FormatTooNewError
            As for `load`.

        Examples
        --------
        >>> from vicinal import lsh
        >>> index = lsh.LSHIndex(lsh.MinHash(64), bands=16, rows=4)
        >>> _ = index.add([["a", "b"]])
        >>> lsh.LSHIndex.from_bytes(index.to_bytes()).to_bytes() == index.to_bytes()
        True
        """
        return cls._holding(_core.lsh_from_bytes(memoryview(data).cast("B")))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)

    @classmethod
    def _holding(cls, core: _core.LshIndex) -> LSHIndex:
        index = cls.__new__(cls)
        index._hold(_family_of(core._settings()), core)
        return index


def _limit(name: str, value: int | None) -> int:
    return 0 if value is None else whole_number(name, value, 1, _MANY)


def _family_of(known: dict[str, Any]) -> Family:
    dim, hashes, seed = known["dim"], known["hashes"], known["seed"]
    axes = known["axes"].reshape(-1, dim) if len(known["axes"]) else None
    if known["family"] == "simhash":
        center = known["center"]
        return SimHash(dim, hashes, center=center if len(center) else None, axes=axes, seed=seed)
    if known["family"] == "pstable":
        return PStable(dim, hashes, width=known["width"], axes=axes, seed=seed)
    if known["family"] == "crosspolytope":
        return CrossPolytope(dim, hashes, seed=seed)
    if known["family"] == "bitsample":
        return BitSample(dim, hashes, seed=seed)
    return MinHash(hashes, shingle=known["shingle"] or "words", weighted=known["weighted"], seed=seed)
