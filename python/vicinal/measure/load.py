"""Find a benchmark set by its name or its file, and bring it into the form engines take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal.errors import DimensionError, InvalidVectorError
from vicinal.measure.bundles import BUNDLE_READERS, Bundle
from vicinal.measure.dataset import BIT_METRICS, Dataset
from vicinal.measure.readers import read_matrix

# How texmex names the files of one set, and big-ann after it.
_COMPANIONS = (("_base.", "_query.", "_groundtruth."), ("base.", "query.", "groundtruth."))


def load_dataset(
    file: str | os.PathLike[str],
    *,
    queries: str | os.PathLike[str] | ArrayLike | None = None,
    truth: str | os.PathLike[str] | ArrayLike | None = None,
    metric: str | None = None,
    held_out: int = 1000,
    column: str | None = None,
    raw: bool = False,
    seed: int = 0,
) -> Dataset:
    """Load a benchmark set by its name or from a file.

    Parameters
    ----------
    file : str or path
        A name such as ``"sift-20k"``, looked for in ``VICINAL_DATA``, in the repository's
        ``bench/data`` and in the folder ``shared/data`` beside the repository; or a file:
        .npz, .hdf5, .npy, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, .parquet.
    queries, truth : path or array, optional
        Where the main file has none. For ``x_base.fvecs`` the files ``x_query.fvecs`` and
        ``x_groundtruth.ivecs`` beside it are found by themselves.
    metric : str, optional
        Overrides what the file says; ``"l2"`` where neither says anything.
    held_out : int
        Without any queries, so many rows are drawn from the base and taken out of it.
    column : str, optional
        For parquet: the column of the vectors.
    raw : bool
        Keep stored integers instead of widening them to float32. float16 is always widened.
    seed : int
        Of the draw of held-out rows.

    Returns
    -------
    Dataset
        For cosine, rows stored in float16 are brought back to length one.

    Raises
    ------
    FileNotFoundError
        There is neither a file nor a set of this name; the message lists the names there are.
    InvalidVectorError, DimensionError
        The file is damaged, or its parts do not fit together.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = os.path.join(folder, "line.npz")
    ...     points = np.arange(10, dtype=np.uint8)[:, None]
    ...     np.savez(name, base=points, query=points[:2], gt=[[0, 1], [1, 0]], metric="l2")
    ...     line = load_dataset(name)
    >>> line.name, line.base.shape, line.base.dtype, line.metric
    ('line', (10, 1), dtype('float32'), 'l2')
    """
    path = path_of(file)
    reader = BUNDLE_READERS.get(path.suffix)
    bundle = reader(path) if reader else Bundle(read_matrix(path, column=column))
    chosen = metric or bundle.metric or "l2"
    base = np.asarray(bundle.base)
    query_rows = _rows(queries, column) if queries is not None else bundle.query
    true_rows = _rows(truth, None) if truth is not None else bundle.truth
    distances = None if truth is not None or chosen != (bundle.metric or "l2") else bundle.truth_distances
    if query_rows is None:
        query_rows, true_rows = _companion(path, 1, column), _companion(path, 2, None)
    if query_rows is None:
        base, query_rows = _hold_out(base, held_out, seed, path)
    return Dataset(
        name=path.name.split(".")[0],
        base=_engine_type(base, chosen, raw),
        query=_engine_type(query_rows, chosen, raw),
        metric=chosen,
        truth=None if true_rows is None else np.ascontiguousarray(true_rows, dtype=np.int64),
        truth_distances=None if distances is None else np.ascontiguousarray(distances, dtype=np.float32),
    )


def load_base(
    file: str | os.PathLike[str], *, metric: str | None = None, column: str | None = None
) -> tuple[NDArray[Any], str]:
    """Load only the rows to index, in the type the file stores, and the metric they are meant for.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = os.path.join(folder, "three.npy")
    ...     np.save(name, np.eye(3, dtype=np.float16))
    ...     rows, metric = load_base(name)
    >>> rows.shape, rows.dtype, metric
    ((3, 3), dtype('float16'), 'l2')
    """
    path = path_of(file)
    reader = BUNDLE_READERS.get(path.suffix)
    bundle = reader(path) if reader else Bundle(read_matrix(path, column=column))
    if bundle.base.ndim != 2:
        raise DimensionError(f"{path}: base has shape {bundle.base.shape}, expected (rows, columns)")
    return bundle.base, metric or bundle.metric or "l2"


def dataset_names() -> list[str]:
    """List the names that `load_dataset` finds here.

    Examples
    --------
    >>> isinstance(dataset_names(), list)
    True
    """
    return sorted({path.stem for folder in _folders() for path in folder.glob("*.npz")})


def path_of(file: str | os.PathLike[str]) -> Path:
    """Find the file that a name or a path means."""
    path = Path(file)
    if path.is_file():
        return path
    if not path.suffix and len(path.parts) == 1:
        for folder in _folders():
            if (folder / f"{path.name}.npz").is_file():
                return folder / f"{path.name}.npz"
        raise FileNotFoundError(
            f"no data set and no file is called {path.name!r}; data sets here: {', '.join(dataset_names()) or 'none'}"
        )
    raise FileNotFoundError(f"{path}: no such file")


def _folders() -> Iterator[Path]:
    """Folders that may hold data sets, nearest first."""
    stated = os.environ.get("VICINAL_DATA")
    if stated:
        yield Path(stated)
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for root in (start, *start.parents):
            if (root / "bench" / "data").is_dir():
                yield root / "bench" / "data"
                yield root.parent / "shared" / "data"
                break


def _rows(source: str | os.PathLike[str] | ArrayLike, column: str | None) -> NDArray[Any]:
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        return read_matrix(path, column=column)
    return np.asarray(source)


def _companion(path: Path, part: int, column: str | None) -> NDArray[Any] | None:
    """Find the queries (part 1) or the truth (part 2) that lie beside a base file."""
    for names in _COMPANIONS:
        if names[0] not in path.name:
            continue
        beside = path.with_name(path.name.replace(names[0], names[part]))
        endings = [path.suffix] if part == 1 else [".ivecs", ".ibin"]
        for candidate in (beside.with_suffix(ending) for ending in endings):
            if candidate.is_file():
                return read_matrix(candidate, column=column)
    return None


def _hold_out(base: NDArray[Any], count: int, seed: int, path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    if base.ndim != 2 or not 1 <= count < len(base):
        raise DimensionError(f"{path}: cannot hold {count} queries out of an array of shape {base.shape}")
    drawn = np.zeros(len(base), dtype=bool)
    drawn[np.random.default_rng(seed).choice(len(base), size=count, replace=False)] = True
    return base[~drawn], base[drawn]


def _engine_type(rows: NDArray[Any], metric: str, raw: bool) -> NDArray[Any]:
    """Widen to float32 as engines take it; cosine rows that lost precision get length one again."""
    if metric in BIT_METRICS:
        if rows.dtype != np.uint8:
            raise InvalidVectorError(f"{metric} takes packed bits in uint8, found {rows.dtype}")
        return np.ascontiguousarray(rows)
    if raw and rows.dtype in (np.uint8, np.int8):
        return np.ascontiguousarray(rows)
    if rows.dtype.kind not in "fiu":
        raise InvalidVectorError(f"vectors must be numbers, found {rows.dtype}")
    widened = np.ascontiguousarray(rows, dtype=np.float32)
    if metric == "cosine" and rows.dtype == np.float16:
        lengths = np.linalg.norm(widened, axis=1, keepdims=True)
        zero = np.flatnonzero(lengths == 0)
        if zero.size:
            raise InvalidVectorError(f"row {int(zero[0])} is a zero vector, which has no direction under cosine")
        widened /= lengths
    return widened
