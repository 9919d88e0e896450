"""The engines that can be measured against one another, behind one face."""

from __future__ import annotations

from typing import Any

from vicinal.measure.engines.engine import Engine
from vicinal.measure.engines.faiss import FaissFlat, FaissRefined, FaissScalar
from vicinal.measure.engines.hnswlib import HnswlibEngine
from vicinal.measure.engines.usearch import UsearchEngine
from vicinal.measure.engines.vicinal import VicinalEngine, VicinalExactWalk

_KINDS: dict[str, type[Engine]] = {
    kind.name: kind
    for kind in (
        VicinalEngine,
        VicinalExactWalk,
        FaissFlat,
        FaissScalar,
        FaissRefined,
        HnswlibEngine,
        UsearchEngine,
    )
}

ENGINE_NAMES = tuple(_KINDS)


def make_engine(name: str, **settings: Any) -> Engine:
    """Make an engine by its name; nothing is imported or built yet.

    Examples
    --------
    >>> make_engine("hnswlib", M=24).settings()
    {'M': 24, 'ef_construction': 200}
    """
    if name not in _KINDS:
        raise ValueError(f"no engine is called {name!r}; known: {', '.join(ENGINE_NAMES)}")
    return _KINDS[name](**settings)


__all__ = ["ENGINE_NAMES", "Engine", "make_engine"]
