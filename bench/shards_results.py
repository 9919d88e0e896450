"""What the benches of shards share: the sets of texts together, and the file their figures go to."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vicinal.measure import load_dataset
from vicinal.measure.environment import describe_environment

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "shards.json"


def shared_sets() -> tuple[np.ndarray, np.ndarray, str]:
    """Return base, queries and metric of minilm-debian and dblp-scholar's records together: 119 297 × 384."""
    texts = load_dataset("minilm-debian")
    with np.load(ROOT.parent / "shared" / "data" / "er" / "dblp-scholar" / "vectors.npz") as arrays:
        names = sorted(arrays.files)
        records, other = (arrays[name].astype(np.float32) for name in names[::-1])
    return np.concatenate([texts.base, records]), np.concatenate([texts.query, other]), "cosine"


def keep(name: str, found: dict[str, Any]) -> None:
    """Write figures under their name, beside those of other runs."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept[name] = {**found, "environment": asdict(describe_environment())}
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
