"""Read a whole benchmark set from one file: base, queries and, where it is there, the truth.

Two layouts: ``.npz`` with the arrays ``base``, ``query``, ``gt``, ``gt_dist`` and ``metric``, and
ann-benchmarks' ``.hdf5`` with ``train``, ``test``, ``neighbors``, ``distances`` and the attribute
``distance``. Distances come out as vicinal reports them: squared for l2, one minus the similarity
for cosine and ip.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import InvalidVectorError
from vicinal.measure.readers import require

# What ann-benchmarks calls a metric, and what we call it.
_ANN_BENCHMARKS_METRICS = {"euclidean": "l2", "angular": "cosine", "dot": "ip", "hamming": "hamming"}


@dataclass(frozen=True)
class Bundle:
    """What one file holds, in the types it stores; parts that are not there are None."""

    base: NDArray[Any]
    query: NDArray[Any] | None = None
    truth: NDArray[Any] | None = None
    truth_distances: NDArray[Any] | None = None
    metric: str | None = None


def read_npz(path: Path) -> Bundle:
    """Read the arrays ``base``, ``query``, ``gt``, ``gt_dist`` and ``metric`` of an .npz file."""
    try:
        # NumPy leaves a file open that it opened by name and could not read.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if "base" not in file.files:
                raise InvalidVectorError(f"{path}: no array 'base'; found: {', '.join(sorted(file.files)) or 'none'}")
            known = {key: file[key] for key in ("base", "query", "gt", "gt_dist", "metric") if key in file.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise InvalidVectorError(f"{path}: not a readable .npz file, perhaps cut short: {error}") from error
    except ValueError as error:
        if isinstance(error, InvalidVectorError):
            raise
        raise InvalidVectorError(f"{path}: not a readable .npz file: {error}") from error
    metric = str(known["metric"]) if "metric" in known else None
    distances = known.get("gt_dist")
    if distances is not None and metric in ("cosine", "ip"):
        distances = 1.0 - distances  # the file holds similarities
    return Bundle(known["base"], known.get("query"), known.get("gt"), distances, metric)


def read_hdf5(path: Path) -> Bundle:
    """Read ann-benchmarks' layout; bit vectors stored as booleans come out packed."""
    h5py = require("h5py", "reading .hdf5")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            if "train" not in file:
                raise InvalidVectorError(f"{path}: no array 'train'; found: {', '.join(sorted(file)) or 'none'}")
            known = {key: file[key][...] for key in ("train", "test", "neighbors", "distances") if key in file}
            stated = file.attrs.get("distance")
    except OSError as error:
        raise InvalidVectorError(f"{path}: not a readable .hdf5 file, perhaps cut short: {error}") from error
    if isinstance(stated, bytes):
        stated = stated.decode()
    if stated is not None and stated not in _ANN_BENCHMARKS_METRICS:
        raise ValueError(f"{path}: distance {stated!r} is not served; known: {', '.join(_ANN_BENCHMARKS_METRICS)}")
    metric = None if stated is None else _ANN_BENCHMARKS_METRICS[stated]
    base, query = known["train"], known.get("test")
    if base.dtype == np.bool_:
        base = np.packbits(base, axis=1)
        query = None if query is None else np.packbits(query.astype(np.bool_), axis=1)
    distances = known.get("distances")
    if distances is not None:
        distances = _as_we_report(distances, metric)
    return Bundle(base, query, known.get("neighbors"), distances, metric)


def _as_we_report(distances: NDArray[Any], metric: str | None) -> NDArray[Any] | None:
    """Convert ann-benchmarks' distances; None where its convention is not ours (dot, hamming)."""
    if metric == "l2":
        return np.asarray(np.square(distances))
    return distances if metric == "cosine" else None


BUNDLE_READERS = {".npz": read_npz, ".hdf5": read_hdf5, ".h5": read_hdf5}
