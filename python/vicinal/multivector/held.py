"""The documents of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vicinal.multivector.sets import VectorSets

__all__ = ["Held"]


@dataclass(frozen=True)
class Held:
    """Documents by number: their vectors, ids, and which are there. Never changes, so that searches need no lock.

    What seems to change it makes another. Numbers are never used again.
    """

    pieces: tuple[VectorSets, ...]  # end to end; each more than twice as large as the next
    ids: NDArray[np.int64]
    live: NDArray[np.bool_]
    places: NDArray[np.int64]  # of each document among the sets; of some that are gone it says nothing

    @classmethod
    def of(cls, sets: VectorSets, ids: NDArray[np.int64]) -> Held:
        """Return documents that are all there, numbered from 0."""
        return cls((sets,), ids, np.ones(len(ids), np.bool_), np.arange(len(ids)))

    @cached_property
    def sets(self) -> VectorSets:
        """All of them in one piece: a copy of all vectors for the first search after an `add`."""
        whole = self.pieces[0]
        for piece in self.pieces[1:]:
            whole = whole.joined(piece)
        return whole

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Those that are there, ascending."""
        return np.flatnonzero(self.live)

    def of_numbers(self, numbers: NDArray[np.int64]) -> VectorSets:
        """Return some documents that are there."""
        return self.sets.take(self.places[numbers])

    def with_added(self, sets: VectorSets, ids: NDArray[np.int64]) -> Held:
        """These and more."""
        pieces = [*(self.pieces if "sets" not in self.__dict__ else (self.sets,)), sets]
        places = sum(map(len, self.pieces)) + np.arange(len(sets))
        while len(pieces) > 1 and len(pieces[-2].rows) <= 2 * len(pieces[-1].rows):
            last = pieces.pop()
            pieces[-1] = pieces[-1].joined(last)
        live = np.concatenate([self.live, np.ones(len(sets), np.bool_)])
        return Held(tuple(pieces), np.concatenate([self.ids, ids]), live, np.concatenate([self.places, places]))

    def without(self, numbers: NDArray[np.int64]) -> Held:
        """These but for some. Where half of all vectors are of documents that are gone, their memory is given back."""
        live = self.live.copy()
        live[numbers] = False
        there = np.flatnonzero(live)
        if 2 * int(self.sets.counts[self.places[there]].sum()) >= len(self.sets.rows):
            return Held((self.sets,), self.ids, live, self.places)
        places = np.zeros_like(self.places)
        places[there] = np.arange(len(there))
        return Held((self.sets.take(self.places[there]),), self.ids, live, places)

    def of_live(self, lists: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put -1 in place of numbers that came later, or are not there."""
        known = (lists >= 0) & (lists < len(self.ids))
        known[known] = self.live[lists[known]]
        return np.where(known, lists, -1)
