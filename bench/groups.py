"""Groups ranked by sets of vectors, image retrieval by local features, and searches that keep to a region.

    python bench/groups.py                                # sift-100k of ../shared/data; minutes
    python bench/groups.py --pictures WORK                # and pictures, with OpenCV (extra `bench`)
    python bench/groups.py --pictures WORK --json bench/results/groups.json

WORK/pictures holds what `python ../shared/data/make_data.py fetch WORK` brings (picture packages of Debian 12), or any
other pictures.

1. sift-100k, 577 pictures: a query is all descriptors of one of 78 pictures that are not in the index. Printed are how
   many of the ten best pictures by exact scores each engine finds, which share of the exact engine's distances it
   computes, and the processor time of a query by each on one thread.
2. Pictures: the index holds the strongest SIFT descriptors of each, a query those of a crop of one of them, rotated,
   scaled and compressed. Recall@1 of the picture by each engine beside voting (every descriptor's k nearest vote for
   their pictures; with the ratio test only those whose nearest is clearly nearer than the nearest of another picture)
   and beside one VLAD vector a picture; how many pictures the ten nearest of one descriptor are of; and the control,
   groups shuffled among the descriptors.
3. sift-100k with a place in a square for each vector: the ten nearest within a ball around the query's own place, as
   part of the walk, by a mask made for each query, and by dropping from ten times as many what lies outside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import vicinal

K = 10
SIDE, MOST, MOST_OF_QUERY = 480, 150, 100  # pixels; descriptors of a picture and of a crop
Sets = list[NDArray[Any]]


def timed(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median of each call's processor time in seconds, calls in turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = time.process_time()
            call()
            taken[name].append(time.process_time() - begin)
    return {name: float(np.median(times)) for name, times in taken.items()}


def overlap(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Return the share of the true that were found."""
    hits = sum(len(np.intersect1d(a[a >= 0], b[b >= 0])) for a, b in zip(found, truth, strict=True))
    return hits / int((truth >= 0).sum())


def engines(index: vicinal.GroupIndex, sets: Sets, rounds: int) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """Compare the engines with exact scores: overlap of the ten best, distances, time."""
    radius = index.radius
    asked: dict[str, dict[str, Any]] = {
        "exact": {"engine": "exact"},
        "hnsw": {},
        "hnsw, ef 96": {"ef": 96},
        "hnsw, of 64": {"per_vector": 64},
        "grids": {"engine": "grids", "grid_memory": 2**33},
    }
    found = {name: index.search_groups(sets, K, radius=radius, **how) for name, how in asked.items()}
    few = sets[: max(4, len(sets) // 8)]
    calls = {
        name: (lambda how=how: index.search_groups(few, K, radius=radius, threads=1, **how))
        for name, how in asked.items()
    }
    times = timed(calls, rounds)
    exact, vectors = found["exact"], sum(map(len, few))
    report: dict[str, Any] = {"radius": radius, "vectors": len(index), "groups": len(index.groups), "sets": len(sets)}
    print(f"{len(index)} vectors of {len(index.groups)} groups, {len(sets)} sets, radius {radius:.0f} (squared)")
    for name, result in found.items():
        report[name] = {
            "overlap": overlap(result.groups, exact.groups),
            "distances": float(result.compared.sum() / exact.compared.sum()),
            "microseconds a vector": 1e6 * times[name] / vectors,
            "times as fast as exact": times["exact"] / times[name],
        }
        row = report[name]
        print(
            f"{name:>12}: overlap of the ten best {row['overlap']:.3f}, distances {row['distances']:.4f}, "
            f"{row['microseconds a vector']:8.1f} us a vector, {row['times as fast as exact']:5.1f} x exact",
            flush=True,
        )
    return report, {name: result.groups for name, result in found.items()}


def strangers(data: Any, rounds: int) -> dict[str, Any]:
    """Part 1."""
    index = vicinal.GroupIndex(128, dtype="u8")
    index.add(data["base"], data["base_img"])
    sets = [data["query"][data["query_img"] == one] for one in np.unique(data["query_img"])]
    return engines(index, sets, rounds)[0]


# -- pictures


def described(folder: Path, data: Path, crops: int, seed: int) -> tuple[NDArray[Any], NDArray[Any], Sets, NDArray[Any]]:
    """Return descriptors, the picture of each, and of crops the descriptors and the picture; kept in a file beside."""
    kept = folder / f"groups-{SIDE}-{MOST}-{MOST_OF_QUERY}-{crops}-{seed}.npz"
    if not kept.exists():
        rows, owner, sets, names = describe(folder, data, crops, seed)
        lengths = np.array([len(one) for one in sets])
        np.savez(kept, rows=rows, owner=owner, queries=np.concatenate(sets), lengths=lengths, names=names)
    with np.load(kept) as file:
        sets = np.split(file["queries"], np.cumsum(file["lengths"])[:-1])
        return file["rows"], file["owner"], sets, file["names"]


def describe(folder: Path, data: Path, crops: int, seed: int) -> tuple[NDArray[Any], NDArray[Any], Sets, NDArray[Any]]:
    """Compute them: pictures once each, however many files hold them, with 20 descriptors or more."""
    import cv2

    sys.path.insert(0, str(data))
    from make_data import pictures

    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    wide, narrow = cv2.SIFT_create(nfeatures=MOST), cv2.SIFT_create(nfeatures=MOST_OF_QUERY)
    seen: set[bytes] = set()
    rows: Sets = []
    images: list[Any] = []
    for path in pictures(str(folder / "pictures")):
        digest = hashlib.sha1(Path(path).read_bytes()).digest()
        image = None if digest in seen else cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        seen.add(digest)
        if image is None:
            continue
        scale = SIDE / max(image.shape)
        if scale < 1:
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, found = wide.detectAndCompute(image, None)
        if found is None or len(found) < 20:
            continue
        rows.append(rounded(found)[:MOST])
        images.append(image)
    sets: Sets = []
    names = []
    for name in rng.permutation(len(images)).tolist():
        if len(sets) == crops:
            break
        _, found = narrow.detectAndCompute(crop_of(images[name], rng, cv2), None)
        if found is not None and len(found) >= 10:
            sets.append(rounded(found)[:MOST_OF_QUERY])
            names.append(name)
    return np.concatenate(rows), np.repeat(np.arange(len(rows)), list(map(len, rows))), sets, np.array(names)


def rounded(descriptors: NDArray[Any]) -> NDArray[np.uint8]:
    """Return what OpenCV gives as the whole numbers it means."""
    return np.clip(np.rint(descriptors), 0, 255).astype(np.uint8)


def crop_of(image: Any, rng: np.random.Generator, cv2: Any) -> Any:
    """Return 30 to 50 % of a picture, turned by up to 15 degrees, at 0.6 to 1 of its size, as a poor JPEG."""
    height, width = image.shape
    side = np.sqrt(rng.uniform(0.3, 0.5))
    center = (width * rng.uniform(side / 2, 1 - side / 2), height * rng.uniform(side / 2, 1 - side / 2))
    scale = rng.uniform(0.6, 1.0)
    turn = cv2.getRotationMatrix2D(center, rng.uniform(-15, 15), scale)
    size = max(int(width * side * scale), 32), max(int(height * side * scale), 32)
    turn[:, 2] += np.array(size) / 2 - center
    turned = cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE)
    _, packed = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 40])
    return cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)


def votes(owner: NDArray[Any], nearest: tuple[Sets, Sets], k: int, ratio: float | None) -> NDArray[np.int64]:
    """Return for each set the picture that most of the k nearest of its descriptors are of, ties to the lower."""
    winners = []
    for ids, distances in zip(*nearest, strict=True):
        names = owner[ids]
        ballots = names[:, :k]
        if ratio is not None:
            stranger = np.where(names != names[:, :1], distances, np.inf).min(axis=1)
            ballots = ballots[distances[:, 0] < ratio**2 * stranger]
        winners.append(int(np.bincount(ballots.ravel()).argmax()) if ballots.size else -1)
    return np.array(winners)


def vlad(rows: NDArray[Any], owner: NDArray[Any], sets: Sets, seed: int, centers: int = 64) -> NDArray[np.int64]:
    """Return the picture whose VLAD vector (Jégou et al. 2010; RootSIFT, power and length normalized) is nearest."""
    rng = np.random.default_rng(seed)

    def rooted(some: NDArray[Any]) -> NDArray[np.float32]:
        wide = some.astype(np.float32)
        return np.sqrt(wide / np.maximum(wide.sum(axis=1, keepdims=True), 1))

    sample = rooted(rows[rng.choice(len(rows), min(len(rows), 20000), replace=False)])
    middle = sample[:centers].copy()
    for _ in range(12):
        nearest = (sample @ middle.T - (middle**2).sum(axis=1) / 2).argmax(axis=1)
        for one in np.unique(nearest):
            middle[one] = sample[nearest == one].mean(axis=0)

    def encoded(some: NDArray[Any]) -> NDArray[np.float32]:
        wide = rooted(some)
        nearest = (wide @ middle.T - (middle**2).sum(axis=1) / 2).argmax(axis=1)
        sums = np.zeros((centers, wide.shape[1]), np.float32)
        np.add.at(sums, nearest, wide - middle[nearest])
        flat = np.sign(sums).ravel() * np.sqrt(np.abs(sums)).ravel()
        return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-9), np.float32)

    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    base = np.stack([encoded(part) for part in np.split(rows, starts[1:])])
    return np.asarray((np.stack([encoded(one) for one in sets]) @ base.T).argmax(axis=1))


def retrieval(folder: Path, data: Path, crops: int, seed: int, rounds: int) -> dict[str, Any]:
    """Part 2."""
    rows, owner, sets, names = described(folder, data, crops, seed)
    index = vicinal.GroupIndex(128, dtype="u8")
    index.add(rows, owner)
    compared, ranked = engines(index, sets, rounds)
    recalls: dict[str, float] = {}
    report: dict[str, Any] = {"engines": compared, "recall@1": recalls}

    def say(name: str, first: NDArray[Any]) -> None:
        recalls[name] = float((first == names).mean())
        print(f"{name:>32}: recall@1 {recalls[name]:.3f}", flush=True)

    for engine in ("exact", "hnsw", "grids"):
        say(f"groups, {engine}", ranked[engine][:, 0])
    for falloff in ("linear", "exp", "count"):
        say(f"groups, hnsw, {falloff}", index.search_groups(sets, 1, falloff=falloff).groups[:, 0])
    found = index._index.search(np.concatenate(sets), 50, ef=256)  # as good as exact, and much quicker
    ends = np.cumsum(list(map(len, sets)))[:-1]
    nearest = np.split(found.ids, ends), np.split(found.distances, ends)
    for k in (1, 5, 10):
        say(f"votes of the {k} nearest", votes(owner, nearest, k, None))
        say(f"votes of the {k} nearest, ratio 0.8", votes(owner, nearest, k, 0.8))
    say("VLAD", vlad(rows, owner, sets, seed))
    shuffled = vicinal.GroupIndex(128, dtype="u8")
    shuffled.add(rows, np.random.default_rng(seed).permutation(owner))
    say("groups shuffled (control)", shuffled.search_groups(sets, 1).groups[:, 0])

    one = np.stack([each[0] for each in sets])
    plain, grouped = index._index.search(one, 10).ids, index._index.search(one, 10, per_group=1).ids
    report["pictures in ten"] = [float(np.mean([len(set(owner[row])) for row in ids])) for ids in (plain, grouped)]
    print(
        "pictures among the ten nearest of a descriptor: {:.2f}, with per_group=1 {:.2f}".format(
            *report["pictures in ten"]
        )
    )
    return report


# -- regions


def regions(data: Any, seed: int, rounds: int) -> dict[str, Any]:
    """Part 3."""
    rng = np.random.default_rng(seed)
    base, queries = data["base"], data["query"][:200]
    index = vicinal.Index(128, dtype="u8")
    index.add(base)
    places, own = rng.random((len(base), 2)), rng.random((len(queries), 2))
    attributes = vicinal.Attributes(places)
    report: dict[str, Any] = {}
    for share in (0.5, 0.2, 0.05, 0.01):
        radius = float(np.sqrt(share / np.pi))
        inside = [((places - center) ** 2).sum(axis=1) <= radius**2 for center in own]
        truth = index.search(queries, K, exact=True, filter=inside).ids

        def walked(radius: float = radius) -> Any:
            return index.search(queries, K, filter=[attributes.within(c, radius) for c in own], stats=True, threads=1)

        def masked(radius: float = radius) -> Any:
            masks = [((places - center) ** 2).sum(axis=1) <= radius**2 for center in own]
            return index.search(queries, K, filter=masks, threads=1)

        def dropped(radius: float = radius) -> NDArray[np.int64]:
            ids = index.search(queries, 10 * K, threads=1).ids
            there = ((places[ids] - own[:, None]) ** 2).sum(axis=2) <= radius**2
            kept = np.full((len(ids), K), -1, np.int64)
            for row, (one, keep) in enumerate(zip(ids, there, strict=True)):
                left = one[keep][:K]
                kept[row, : len(left)] = left
            return kept

        found = walked()
        times = timed({"walk": walked, "mask": masked, "dropped": dropped}, rounds)
        report[share] = {
            "recall": {
                "walk": overlap(found.ids, truth),
                "mask": overlap(masked().ids, truth),
                "dropped": overlap(dropped(), truth),
            },
            "microseconds": {name: 1e6 * taken / len(queries) for name, taken in times.items()},
            "distances": float(found.stats["distances"].mean()),
            "strategies": {name: found.stats["strategy"].count(name) for name in sorted(set(found.stats["strategy"]))},
        }
        row = report[share]
        print(
            f"{share:>6}: "
            + ", ".join(
                f"{name} recall {row['recall'][name]:.3f} {row['microseconds'][name]:7.1f} us" for name in times
            )
            + f"; {row['distances']:.0f} distances, {row['strategies']}"
        )
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("VICINAL_DATA", "../shared/data")))
    parser.add_argument("--pictures", type=Path, help="a folder whose subfolder pictures holds pictures")
    parser.add_argument("--crops", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", default=["strangers", "pictures", "regions"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = np.load(options.data / "sift-100k.npz")
    report: dict[str, Any] = {"kernels": vicinal.Index(1).stats()["kernels"]}
    if "strangers" in options.parts:
        report["sift-100k"] = strangers(data, options.rounds)
    if "pictures" in options.parts and options.pictures:
        print()
        report["pictures"] = retrieval(options.pictures, options.data, options.crops, options.seed, options.rounds)
    if "regions" in options.parts:
        print()
        report["regions"] = regions(data, options.seed, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
