"""The engines that can be measured against one another, behind one face."""

from __future__ import annotations

import re
from typing import Any

from vicinal.measure.engines.engine import Engine
from vicinal.measure.engines.faiss import FaissFlat, FaissRefined, FaissScalar
from vicinal.measure.engines.faiss_lists import FaissFastScan
from vicinal.measure.engines.glass import GlassEngine
from vicinal.measure.engines.hnswlib import HnswlibEngine
from vicinal.measure.engines.scann import ScannEngine
from vicinal.measure.engines.svs import SvsEngine, SvsLvq
from vicinal.measure.engines.symphonyqg import SymphonyEngine
from vicinal.measure.engines.usearch import UsearchEngine, UsearchHalf
from vicinal.measure.engines.vicinal import VicinalAvx2, VicinalEngine, VicinalExactWalk

_KINDS: dict[str, type[Engine]] = {
    kind.name: kind
    for kind in (
        VicinalEngine,
        VicinalExactWalk,
        VicinalAvx2,
        FaissFlat,
        FaissScalar,
        FaissRefined,
        FaissFastScan,
        HnswlibEngine,
        UsearchEngine,
        UsearchHalf,
        SymphonyEngine,
        GlassEngine,
        ScannEngine,
        SvsEngine,
        SvsLvq,
    )
}

ENGINE_NAMES = tuple(_KINDS)

# What may follow a name: "hnswlib-m32-c300" is hnswlib at M = 32 and ef_construction = 300.
_VARIANT = re.compile(r"(?P<kind>.+?)(?:-m(?P<M>\d+))?(?:-c(?P<ef_construction>\d+))?")


def make_engine(name: str, **settings: Any) -> Engine:
    """Make an engine by its name; nothing is imported or built yet.

    Parameters
    ----------
    name : str
        One of `ENGINE_NAMES`, which may be followed by ``-m`` and M, and by ``-c`` and
        ef_construction, so that several configurations of an engine can take part.
    **settings
        M and ef_construction where the name does not say, and what else the engine takes.

    Raises
    ------
    ValueError
        No engine has this name.

    Examples
    --------
    >>> make_engine("hnswlib", M=24).settings()
    {'M': 24, 'ef_construction': 200}
    >>> make_engine("faiss-sq-m32-c300").settings()
    {'M': 32, 'ef_construction': 300, 'codes': 'QT_8bit'}
    """
    found = _VARIANT.fullmatch(name)
    if found is None or found["kind"] not in _KINDS:
        raise ValueError(f"no engine is called {name!r}; known: {', '.join(ENGINE_NAMES)}")
    stated = {key: int(found[key]) for key in ("M", "ef_construction") if found[key] is not None}
    engine = _KINDS[found["kind"]](**{**settings, **stated})
    engine.name = name
    return engine


__all__ = ["ENGINE_NAMES", "Engine", "make_engine"]
