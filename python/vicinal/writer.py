"""One writer at a time, whose wait Ctrl-C ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Writer"]


class Writer:
    """The right to change an index, or to save it as it is at one moment."""

    __slots__ = ("_holder", "_locks")

    def __init__(self) -> None:
        self._locks = {os.getpid(): threading.Lock()}
        self._holder: int | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others out.

        Raises
        ------
        RuntimeError
            This thread has the right already, as a progress callback has in the middle of an `add`; or another thread
            of the parent had it when this process was forked.

        Examples
        --------
        >>> writer = Writer()
        >>> with writer.alone():
        ...     pass
        """
        caller = threading.get_ident()
        if self._holder == caller:
            raise RuntimeError("this thread is already changing the index: it cannot add, remove or save meanwhile")
        with self._lock():
            self._holder = caller
            try:
                yield
            finally:
                self._holder = None

    def _lock(self) -> threading.Lock:
        lock = self._locks.get(os.getpid())
        if lock is None:  # we are a child
            if any(left.locked() for left in self._locks.values()):
                raise RuntimeError(
                    "this process was forked while another thread was changing or saving the index: here it can be "
                    "searched, but neither changed nor saved"
                )
            lock = self._locks.setdefault(os.getpid(), threading.Lock())
        return lock
