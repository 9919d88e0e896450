"""An index file whose writer is known, or told by its first bytes."""

from __future__ import annotations

import os
from pathlib import Path

from vicinal.compat.faiss_file import parse_faiss
from vicinal.compat.hnswlib_file import read_hnswlib
from vicinal.compat.usearch_file import is_usearch, read_usearch
from vicinal.errors import NotAnIndexError
from vicinal.index import Index

__all__ = ["FORMATS", "format_of", "read_any"]

FORMATS = ("vicinal", "faiss", "hnswlib", "usearch")
HNSWLIB_EF = 10  # which its load_index sets
USEARCH_EF = 64  # its default; the file does not say another


def format_of(path: str | os.PathLike[str]) -> str:
    """Say whose file it is, by how it begins.

    Raises
    ------
    NotAnIndexError
        It cannot be told. Nothing tells a file of hnswlib.
    OSError
        The file cannot be read.
    """
    with Path(os.fsdecode(path)).open("rb") as file:
        head = file.read(4)
    if head == b"\x89VCN":
        return "vicinal"
    if head[:1] == b"I" and head.isalnum() and len(head) == 4:
        return "faiss"
    if is_usearch(path):
        return "usearch"
    raise NotAnIndexError(
        f"{os.fsdecode(path)}: cannot tell what wrote it, expected vicinal, faiss or usearch; "
        "of hnswlib's files say so, since nothing in them does"
    )


def read_any(
    path: str | os.PathLike[str], kind: str | None = None, *, space: str | None = None, dim: int | None = None
) -> tuple[Index, str, int | None]:
    """Read an index of any of the `FORMATS`.

    Parameters
    ----------
    path : str or path-like
    kind : str, optional
        One of `FORMATS`; otherwise the file says.
    space, dim : optional
        As for `read_hnswlib`, which needs the first.

    Returns
    -------
    index : Index
    kind : str
    ef : int or None
        The width of beam that searches of the library have which wrote it, as far as the file or its defaults tell.

    Raises
    ------
    CorruptIndexError, NotAnIndexError, MismatchError, FormatTooNewError, OSError
        As of the readers.
    ValueError
        The file is hnswlib's, and `space` is not given or unknown.
    """
    kind = format_of(path) if kind is None else kind
    if kind == "vicinal":
        return Index.load(path), kind, None
    if kind == "faiss":
        graph, settings, metric = parse_faiss(path)
        index = graph.adopt(metric, settings["M"], settings["ef_construction"], os.fsdecode(path))
        return index, kind, settings["ef_search"]
    if kind == "usearch":
        return read_usearch(path), kind, USEARCH_EF
    if space is None:
        raise ValueError(f"{os.fsdecode(path)}: a file of hnswlib does not say its space, expected l2, ip or cosine")
    return read_hnswlib(path, space, dim), kind, HNSWLIB_EF
