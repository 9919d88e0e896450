"""What a library warns of, as a command says it: in one line, without the place in our source."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def warnings_in_one_line(command: str) -> Iterator[None]:
    """Write warnings to standard error as the errors of a command are written."""

    def show(message: Warning | str, *_: object) -> None:
        sys.stderr.write(f"vicinal {command}: warning: {' '.join(str(message).split())}\n")

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield
