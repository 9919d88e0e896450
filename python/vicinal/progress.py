"""How a long call shows how far it is."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Progress", "Report", "reporting"]

Report = Callable[[int, int], object]
Progress = bool | Report | None


@contextmanager
def reporting(progress: Progress, what: str) -> Iterator[Report | None]:
    """Give a callable that takes (done, total), or None when nobody wants to know.

    Parameters
    ----------
    progress : bool, callable or None
        True: a bar on a terminal or in a notebook, which needs tqdm; a callable: itself.
    what : str
        What the bar says it counts.

    Raises
    ------
    ImportError
        A bar is wanted and tqdm is not installed.
    TypeError
        `progress` is something else.

    Examples
    --------
    >>> with reporting(None, "vectors") as report:
    ...     report is None
    True
    """
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is True:
        with _bar(what) as report:
            yield report
    else:
        raise TypeError(f"progress is {progress!r}, expected True, False, None or a callable (done, total)")


@contextmanager
def _bar(what: str) -> Iterator[Report]:
    in_notebook = "ipykernel" in sys.modules
    try:
        tqdm = importlib.import_module("tqdm.auto" if in_notebook else "tqdm").tqdm
    except ImportError as error:
        raise ImportError('progress=True shows a bar with tqdm: pip install "vicinal[progress]"') from error

    with tqdm(unit=f" {what}", unit_scale=True, disable=not (in_notebook or sys.stderr.isatty())) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
