"""Built indexes of rivals, kept in a folder between runs.

A change of ours leaves the rivals as they were: measuring them again needs their indexes, not their
builds. An index is found by a hash of everything it was made from, so a new version of a library, a
setting or a row builds it anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vicinal.measure.engines import Engine
from vicinal.measure.task import Built, Task

_FORMAT = 1
_FACTS = "built.json"


def kept_folder(root: Path, engine: Engine, task: Task) -> Path:
    """Name the folder of the index that `engine` builds of this task.

    Examples
    --------
    >>> from vicinal.measure.engines import make_engine
    >>> rows = np.eye(2, dtype=np.float32)
    >>> task = Task(rows, rows, "l2", 1, build_threads=1, search_threads=1)
    >>> here, there = (kept_folder(Path("kept"), make_engine("hnswlib", M=M), task) for M in (8, 16))
    >>> here.parent.name, here == there
    ('kept', False)
    """
    made_of = {
        "format": _FORMAT,
        "engine": f"{type(engine).__module__}.{type(engine).__qualname__}",
        "version": engine.version(),
        "settings": engine.settings(),
        "metric": task.metric,
        "rows": [*task.base.shape, str(task.base.dtype)],
        "threads": task.build_threads,
    }
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(task.base).data)
    return root / f"{engine.name}-{digest.hexdigest()[:20]}"


def keep(folder: Path, engine: Engine, built: Built) -> None:
    """Store a built index; a folder is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    try:
        engine.store(unfinished)
        (unfinished / _FACTS).write_text(json.dumps(asdict(built)), encoding="utf-8")
        unfinished.rename(folder)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not folder.is_dir():  # another run may have been quicker
            raise


def bring_back(folder: Path, engine: Engine, task: Task) -> Built | None:
    """Restore a kept index and what its build cost; None if it is not there."""
    if not (folder / _FACTS).is_file():
        return None
    engine.restore(folder, task.base, task.metric)
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return Built(**{**facts, "kept": True})
