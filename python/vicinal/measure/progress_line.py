"""One line on a terminal that says how far a long measurement is."""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

logger = logging.getLogger("vicinal.measure")

_BAR_CELLS = 24
_SECONDS_BETWEEN_DRAWS = 0.1


class ProgressLine(logging.Handler):
    """A bar, the share done and the latest log message, redrawn in place.

    It draws on a terminal only: a log file of a batch job gets nothing but what the job logs.
    Use it as a context manager; leaving it clears the line.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(level=logging.INFO)
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._label = ""
        self._done, self._total = 0, 0
        self._drawn_at = 0.0

    def __enter__(self) -> ProgressLine:
        """Start listening to the measurement's log."""
        self._level_before = logger.level
        if self._is_terminal:
            logger.addHandler(self)
            logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        logger.removeHandler(self)
        logger.setLevel(self._level_before)
        self._write("")

    def __call__(self, done: int, total: int) -> None:
        """Take `done` of `total` steps as done."""
        self._done, self._total = done, total
        if done >= total or time.monotonic() - self._drawn_at >= _SECONDS_BETWEEN_DRAWS:
            self._draw()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a log message as what is going on now."""
        self._label = record.getMessage()
        self._draw()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        share = self._done / self._total if self._total else 0.0
        filled = int(share * _BAR_CELLS)
        self._write(f"{'━' * filled}{'─' * (_BAR_CELLS - filled)} {share:4.0%}  {self._label}")

    def _write(self, text: str) -> None:
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
