"""All near pairs of 100 000 real texts, beside datasketch's MinHashLSH; and of a million noisy copies.

    python bench/lsh.py
    python bench/lsh.py --n 20000 --million 0

The texts are titles of publications (er/dblp-scholar) and descriptions of packages (minilm-debian) of ../shared/data;
a tenth are near copies of others, with a word dropped, doubled or replaced. Pairs of word sets with a Jaccard
similarity of 0.8 or more are sought; the truth comes from an exact join by rarest words. Each join runs in a process of
its own, and its memory is the growth of that process's peak over what it held with the texts loaded. The table also
goes to bench/results/lsh.json. datasketch comes by itself: pip install datasketch.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
LARGER_SETS = Path(os.environ.get("VICINAL_DATA", HERE.parents[1] / "shared" / "data"))
THRESHOLD = 0.8
WORD = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")

Found = dict[tuple[int, int], float]


def real_texts(n: int) -> list[str]:
    """Return n texts: nine tenths as they are, one tenth near copies, shuffled."""
    spec = importlib.util.spec_from_file_location("larger_sets", LARGER_SETS / "data.py")
    assert spec is not None
    assert spec.loader is not None
    data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(data)
    scholar = data.load("er/dblp-scholar")
    debian = data.load("minilm-debian")
    texts = [*scholar["table_b"]["title"], *scholar["table_a"]["title"], *debian["base_text"]]
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    rng = np.random.default_rng(0)
    kept = [texts[i] for i in rng.permutation(len(texts))[: n - n // 10]]
    return [*kept, *(near_copy(kept[i], rng, kept) for i in rng.integers(0, len(kept), n // 10))]


def near_copy(text: str, rng: np.random.Generator, others: list[str]) -> str:
    """Return `text` with a word dropped, doubled or replaced."""
    words = text.split()
    at = int(rng.integers(0, len(words)))
    what = int(rng.integers(0, 3))
    other = others[int(rng.integers(0, len(others)))].split()[0]
    return " ".join([*words[:at], *([], [words[at]] * 2, [other])[what], *words[at + 1 :]])


def synthetic_texts(n: int) -> list[str]:
    """Return n texts of words drawn by Zipf's law, every second a near copy of the one before it."""
    rng = np.random.default_rng(1)
    texts: list[str] = []
    draws = np.minimum(rng.zipf(1.2, (n // 2, 12)), 200_000)
    swap, word = rng.integers(0, 12, n // 2), rng.integers(0, 200_000, n // 2)
    for row, at, other in zip(draws.tolist(), swap.tolist(), word.tolist(), strict=True):
        texts.append(" ".join(f"w{number}" for number in row))
        row[at] = other
        texts.append(" ".join(f"w{number}" for number in row))
    return texts


def words_of(texts: list[str]) -> list[set[bytes]]:
    return [set(WORD.findall(text.lower().encode())) for text in texts]


def jaccard(one: set[bytes], other: set[bytes]) -> float:
    both = len(one & other)
    return both / max(len(one) + len(other) - both, 1)


def exact_join(texts: list[str]) -> Found:
    """Join by the rarest words: two sets this near share one of so many of their rarest."""
    sets = words_of(texts)
    counts = Counter(word for item in sets for word in item)
    holders: dict[bytes, list[int]] = defaultdict(list)
    found: Found = {}
    for i, item in enumerate(sets):
        rarest = sorted(item, key=lambda word: (counts[word], word))
        prefix = rarest[: len(item) - math.ceil(THRESHOLD * len(item) - 1e-9) + 1]
        seen = {j for word in prefix for j in holders[word]}
        found.update({(j, i): s for j in seen if (s := jaccard(sets[j], item)) >= THRESHOLD})
        for word in prefix:
            holders[word].append(i)
    return found


def by_vicinal(texts: list[str]) -> Found:
    from vicinal import lsh

    result = lsh.pairs(texts, threshold=THRESHOLD)
    print(result.stats, file=sys.stderr)
    return dict(zip(map(tuple, result.pairs.tolist()), result.scores.tolist(), strict=True))


def by_vicinal_uncounted(texts: list[str]) -> Found:
    """The same, of which only the number of pairs is wanted."""
    from vicinal import lsh

    result = lsh.pairs(texts, threshold=THRESHOLD)
    print(len(result), result.stats, file=sys.stderr)
    return {}


def by_datasketch(texts: list[str], params: tuple[int, int] | None = None) -> Found:
    from datasketch import MinHash, MinHashLSH

    sets = words_of(texts)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128, params=params)
    signatures = list(MinHash.generator((list(item) for item in sets), num_perm=128))
    for i, signature in enumerate(signatures):
        index.insert(i, signature)
    found: Found = {}
    for i, signature in enumerate(signatures):
        found.update(
            {(j, i): s for j in index.query(signature) if j < i and (s := jaccard(sets[j], sets[i])) >= THRESHOLD}
        )
    return found


ENGINES: dict[str, Callable[[list[str]], Found]] = {
    "exact": exact_join,
    "vicinal": by_vicinal,
    "vicinal-million": by_vicinal_uncounted,
    "datasketch": by_datasketch,
    "datasketch-recall": lambda texts: by_datasketch(texts, (16, 6)),  # bands that reach 0.99 at the threshold
}


def status(field: str) -> int:
    """Return VmRSS or VmHWM of this process in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def child(engine: str, n: int, answer: Path) -> None:
    """Join in this process and write down the pairs and what they took."""
    texts = synthetic_texts(n) if engine.endswith("million") else real_texts(n)
    if "vicinal" in engine:  # the library itself is no memory of the join
        import vicinal.lsh  # noqa: F401
    else:
        import datasketch  # noqa: F401
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, begin, worked = status("VmRSS"), time.perf_counter(), time.process_time()
    found = ENGINES[engine](texts)
    facts = {
        "seconds": time.perf_counter() - begin,
        "processor_seconds": time.process_time() - worked,
        "bytes": status("VmHWM") - before,
        "peak_bytes": status("VmHWM"),
        "pairs": [[i, j, s] for (i, j), s in sorted(found.items())],
    }
    answer.write_text(json.dumps(facts))


def measured(engine: str, n: int, folder: Path) -> dict[str, Any]:
    answer = folder / f"{engine}.json"
    subprocess.run([sys.executable, __file__, "--child", engine, "--n", str(n), "--answer", str(answer)], check=True)
    facts: dict[str, Any] = json.loads(answer.read_text())
    return facts


def main() -> None:
    """Measure and print."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--million", type=int, default=1_000_000, help="synthetic texts; 0: none")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.n, arguments.answer)
        return
    with tempfile.TemporaryDirectory() as folder:
        results = {engine: measured(engine, arguments.n, Path(folder)) for engine in ENGINES if "million" not in engine}
        truth = {(i, j): s for i, j, s in results["exact"]["pairs"]}
        for facts in results.values():
            found = {(i, j): s for i, j, s in facts.pop("pairs")}
            facts["pairs"] = len(found)
            facts["recall"] = len(found.keys() & truth.keys()) / max(len(truth), 1)
            facts["false"] = len(found.keys() - truth.keys())
        if arguments.million:
            results["vicinal-million"] = measured("vicinal-million", arguments.million, Path(folder))
            del results["vicinal-million"]["pairs"]
    for name, facts in results.items():
        rest = (
            f"{facts['pairs']:,} pairs, recall {facts['recall']:.4f}, {facts['false']} false"
            if "pairs" in facts
            else ""
        )
        megabytes = facts["bytes"] / 1e6
        print(
            f"{name:16} {facts['seconds']:8.2f} s {megabytes:8.0f} MB  peak {facts['peak_bytes'] / 1e6:.0f} MB  {rest}"
        )
    ours = results["vicinal"]
    for name in ("datasketch", "datasketch-recall"):
        by = {key: results[name][key] / ours[key] for key in ("seconds", "processor_seconds", "bytes")}
        print(
            f"{name} by vicinal: {by['seconds']:.1f} of time, {by['processor_seconds']:.1f} of processor time, "
            f"{by['bytes']:.1f} of memory"
        )
    (HERE / "results" / "lsh.json").write_text(json.dumps({"n": arguments.n, **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
