"""All near pairs of 100 000 real texts, beside datasketch's MinHashLSH; of other texts; and of a million noisy copies.

    python bench/lsh.py
    python bench/lsh.py --n 20000 --million 0
    python bench/lsh.py --n 0               # the other texts and the million only

The texts are titles of publications (er/dblp-scholar) and descriptions of packages (minilm-debian) of ../shared/data;
a tenth are near copies of others, with a word dropped, doubled or replaced. Pairs of word sets with a Jaccard
similarity of 0.8 or more are sought; the truth comes from an exact join by rarest words. Each join runs in a process of
its own, and its memory is the growth of that process's peak over what it held with the texts loaded. The table also
goes to bench/results/lsh.json.

The rule by which `lsh.pairs` chooses bands was made on those texts, so the join is measured on others besides: records
of products and publications (the other sets of er/), abstracts of aerodynamics (ir/cranfield) cut into sentences, and
first paragraphs of package descriptions. Of the million, every second text is a copy of the one before it with a word
replaced: the recall is that of the planted pairs that are as near as the threshold, all compared exactly.
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


def other_texts(n: int) -> list[str]:
    """Return n texts from other sources, of other lengths, nine tenths as they are, one tenth near copies."""
    spec = importlib.util.spec_from_file_location("larger_sets", LARGER_SETS / "data.py")
    assert spec is not None
    assert spec.loader is not None
    data = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(data)
    texts: list[str] = []
    for name in ("er/abt-buy", "er/amazon-google", "er/dblp-acm"):
        for table in ("table_a", "table_b"):
            columns = [column for key, column in data.load(name)[table].items() if key not in ("id", "url_id")]
            texts += [" ".join(str(value) for value in row) for row in zip(*columns, strict=True)]
    for document in data.load("ir/cranfield")["documents"]:
        texts += str(document).split(" . ")
    texts += data.load("minilm-debian")["ood_text"]
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    rng = np.random.default_rng(2)
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


def planted_recall(texts: list[str], result: Any) -> dict[str, float]:
    """Say how many of the planted pairs that are near enough were found, and whether a sample of all found is near."""
    pairs = result.pairs
    found = set(pairs[(pairs[:, 0] % 2 == 0) & (pairs[:, 1] == pairs[:, 0] + 1), 0].tolist())
    near = hits = 0
    for i in range(0, len(texts) - 1, 2):
        one, other = words_of(texts[i : i + 2])
        if jaccard(one, other) >= THRESHOLD:
            near += 1
            hits += i in found
    false = 0
    for i, j in pairs[np.random.default_rng(0).integers(0, len(pairs), 20_000)].tolist():
        one, other = words_of([texts[i], texts[j]])
        false += jaccard(one, other) < THRESHOLD
    return {"found": len(pairs), "planted": near, "recall": hits / max(near, 1), "false_of_20000": false}


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
    "datasketch": by_datasketch,
    "datasketch-recall": lambda texts: by_datasketch(texts, (16, 6)),  # bands that reach 0.99 at the threshold
}
OTHERS = {"exact-others": exact_join, "vicinal-others": by_vicinal}
MILLION = "vicinal-million"


def status(field: str) -> int:
    """Return VmRSS or VmHWM of this process in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def child(engine: str, n: int, answer: Path) -> None:
    """Join in this process and write down the pairs and what they took."""
    make = synthetic_texts if engine == MILLION else other_texts if engine in OTHERS else real_texts
    texts = make(n)
    if "vicinal" in engine:  # the library itself is no memory of the join
        import vicinal.lsh
    else:
        import datasketch  # noqa: F401
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, begin, worked = status("VmRSS"), time.perf_counter(), time.process_time()
    if engine == MILLION:
        found: Any = vicinal.lsh.pairs(texts, threshold=THRESHOLD)
    else:
        found = (ENGINES | OTHERS)[engine](texts)
    facts: dict[str, Any] = {
        "seconds": time.perf_counter() - begin,
        "processor_seconds": time.process_time() - worked,
        "bytes": status("VmHWM") - before,
        "peak_bytes": status("VmHWM"),
    }
    if engine == MILLION:
        facts.update(planted_recall(texts, found))
    else:
        facts["n"] = len(texts)
        facts["pairs"] = [[i, j, s] for (i, j), s in sorted(found.items())]
    answer.write_text(json.dumps(facts))


def measured(engine: str, n: int, folder: Path) -> dict[str, Any]:
    answer = folder / f"{engine}.json"
    subprocess.run([sys.executable, __file__, "--child", engine, "--n", str(n), "--answer", str(answer)], check=True)
    facts: dict[str, Any] = json.loads(answer.read_text())
    return facts


def count_pairs(results: dict[str, dict[str, Any]]) -> None:
    """Put numbers in the place of pairs, by those of the exact join, which comes first."""
    truth: set[tuple[int, int]] = set()
    for name, facts in results.items():
        found = {(i, j) for i, j, _ in facts.pop("pairs")}
        truth = found if name.startswith("exact") else truth
        facts["pairs"] = len(found)
        facts["recall"] = len(found & truth) / max(len(truth), 1)
        facts["false"] = len(found - truth)


def main() -> None:
    """Measure and print."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--others", type=int, default=20_000, help="texts from other sources; 0: none")
    parser.add_argument("--million", type=int, default=1_000_000, help="synthetic texts; 0: none")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.n, arguments.answer)
        return
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for engines, n in ((ENGINES, arguments.n), (OTHERS, arguments.others)):
            if n == 0:
                continue
            found = {engine: measured(engine, n, Path(folder)) for engine in engines}
            count_pairs(found)
            results.update(found)
        if arguments.million:
            results[MILLION] = measured(MILLION, arguments.million, Path(folder))
    for name, facts in results.items():
        rest = (
            f"{facts['pairs']:,} pairs, recall {facts['recall']:.4f}, {facts['false']} false"
            if "pairs" in facts
            else f"{facts['found']:,} pairs, recall of {facts['planted']:,} planted ones {facts['recall']:.5f}, "
            f"{facts['false_of_20000']} false of 20 000"
        )
        megabytes = facts["bytes"] / 1e6
        print(
            f"{name:16} {facts['seconds']:8.2f} s {megabytes:8.0f} MB  peak {facts['peak_bytes'] / 1e6:.0f} MB  {rest}"
        )
    ours = results.get("vicinal", {})
    for name in ("datasketch", "datasketch-recall") if ours else ():
        by = {key: results[name][key] / ours[key] for key in ("seconds", "processor_seconds", "bytes")}
        print(
            f"{name} by vicinal: {by['seconds']:.1f} of time, {by['processor_seconds']:.1f} of processor time, "
            f"{by['bytes']:.1f} of memory"
        )
    kept = HERE / "results" / "lsh.json"
    before = json.loads(kept.read_text()) if kept.exists() else {}  # what is left out this time stays
    kept.write_text(json.dumps({**before, "n": arguments.n or before.get("n"), **results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
