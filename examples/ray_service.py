"""An index in many files behind HTTP, on a cluster of Ray.

    pip install 'vicinal[ray]'
    python examples/ray_service.py                 # builds shards of the bundled texts, serves, and asks

On one machine this shows how the parts fit; there examples/service, a single process, is simpler and quicker. On a
cluster (``ray start``, a folder that every machine sees, and ``ray.init()`` below) the same lines spread over machines.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import ray

import vicinal.ray

BUNDLED = Path(__file__).resolve().parents[1] / "bench" / "data" / "minilm-5k.npz"


def near_pairs(folder: Path, texts: list[str]) -> None:
    """Say which texts nearly repeat each other, found by tasks."""
    pairs = vicinal.ray.self_join(folder, threshold=0.05)
    print(f"{len(pairs)} pairs at a cosine distance of 0.05 at most; the nearest:")
    for place in np.argsort(pairs.scores, kind="stable")[:3]:
        left, right = pairs.pairs[place]
        print(f"  {pairs.scores[place]:.4f}  {texts[left]!r} and {texts[right]!r}")


def ask(port: int, query: np.ndarray) -> dict[str, object]:
    """Ask the service for the three nearest."""
    body = json.dumps({"queries": query.tolist(), "k": 3, "ef": 64}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/search", data=body)
    with urllib.request.urlopen(request, timeout=10) as reply:
        return dict(json.load(reply))


def main() -> None:
    """Build, search a batch, join, serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    with np.load(BUNDLED) as arrays:
        base, queries, texts = arrays["base"], arrays["query"], [str(text) for text in arrays["base_text"]]
    ray.init("local", num_cpus=options.shards + 1, include_dashboard=False, log_to_driver=False)

    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "texts")
        vicinal.ray.build_sharded(base, folder, shards=options.shards, metric="cosine").close()
        found = vicinal.ray.search_sharded(ray.data.from_numpy(queries), folder, k=3, workers=2)
        print(f"{found.count()} queries have their neighbors")
        near_pairs(folder, texts)
        stop = vicinal.ray.serve(folder, port=options.port, timeout=2.0)
        answer = ask(options.port, queries[0])
        for number in answer["ids"]:
            print(f"  {texts[number]}")
        print("coverage:", answer["coverage"])
        stop()


if __name__ == "__main__":
    main()
