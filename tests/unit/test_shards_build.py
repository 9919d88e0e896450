"""From sources of every kind to the same folder of shards, also after a kill."""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal.shards import Processes, ShardedIndex, Threads, build_sharded


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture
def vectors(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((400, 8), dtype=np.float32)


class Backward(Threads):
    """Makes its calls from the last to the first, as a cluster may."""

    def run(self, function: Any, calls: Any) -> list[Any]:
        return super().run(function, list(reversed(calls)))[::-1]


def test_every_source_and_order_gives_the_same_bytes(tmp_path: Path, vectors: np.ndarray) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    ids = np.arange(400, dtype=np.int64) * 3
    np.save(tmp_path / "rows.npy", vectors)
    with (tmp_path / "rows.fbin").open("wb") as file:
        file.write(np.array(vectors.shape, dtype="<u4").tobytes() + vectors.tobytes())
    lists = arrow.FixedSizeListArray.from_arrays(arrow.array(vectors.ravel()), 8)
    table = arrow.table({"id": ids, "vector": lists})
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=90)
    loose = arrow.table({"id": ids, "vector": vectors.tolist()})
    pieces = np.array_split(vectors, 7)
    sources: list[tuple[Any, Any, Any]] = [
        (vectors, ids, None),
        (vectors.astype(np.float64), ids.tolist(), Threads(3)),
        (tmp_path / "rows.npy", ids, Backward(1)),
        (str(tmp_path / "rows.fbin"), ids, None),
        (tmp_path / "rows.parquet", "id", None),
        (table, "id", None),
        (iter(loose.to_batches(max_chunksize=33)), "id", None),
        ((piece for piece in pieces), ids, None),
    ]

    built = []
    for number, (source, numbers, executor) in enumerate(sources):
        folder = tmp_path / str(number)
        build_sharded(source, folder, shards=3, ids=numbers, executor=executor, M=8).close()
        built.append(content(folder))

    assert len(built[0]) == 5  # three shards, the manifest, the lock
    assert all(one == built[0] for one in built)


def test_a_source_is_read_a_batch_at_a_time(tmp_path: Path, vectors: np.ndarray) -> None:
    alive: list[int] = []

    def batches() -> Iterator[np.ndarray]:
        for first in range(0, 400, 50):
            alive.append(sum(path.stat().st_size for path in (tmp_path / "many" / "building").glob("*.rows")))
            yield vectors[first : first + 50]

    assert len(build_sharded(batches(), tmp_path / "many", shards=2)) == 400
    assert alive[2:] == [first * 32 for first in range(100, 400, 50)]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"shards": 0}, ValueError, "shards is 0"),
        ({"metric": "l3"}, ValueError, "metric"),
        ({"M": 1}, ValueError, "M is 1"),
        ({"ids": [1, 2, 3]}, vicinal.DimensionError, "more rows"),
        ({"ids": list(range(401))}, vicinal.DimensionError, "expected .400,."),
        ({"ids": [*range(399), 7]}, vicinal.DuplicateIdError, "holds 7 more than once"),
        ({"ids": "id"}, ValueError, "name of a column"),
        ({"source": "nothing.xyz"}, ValueError, "do not know how to read .xyz"),
        ({"source": "absent.npy"}, FileNotFoundError, "absent.npy"),
        ({"source": "absent.parquet"}, FileNotFoundError, "absent.parquet"),
        ({"source": np.zeros((3, 2, 2))}, vicinal.DimensionError, "expected .n, dim."),
        ({"source": iter([])}, ValueError, "no batch"),
        ({"source": iter([np.zeros((2, 3)), np.zeros((2, 4))])}, vicinal.DimensionError, "expected .n, 3."),
        ({"source": iter([np.zeros((2, 3)), np.full((2, 3), np.nan)])}, vicinal.InvalidVectorError, "starts at row 2"),
        ({"source": 7}, TypeError, "source is int"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_built(
    tmp_path: Path, vectors: np.ndarray, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    asked = {"source": vectors, "shards": 3, **change}

    with pytest.raises(error, match=message):
        build_sharded(folder=tmp_path / "many", **asked)

    assert not list(tmp_path.glob("many/shard-*"))
    assert not (tmp_path / "many" / "manifest.json").exists()


def test_files_that_are_cut_short_are_refused(tmp_path: Path, vectors: np.ndarray) -> None:
    np.save(tmp_path / "rows.npy", vectors)
    whole = (tmp_path / "rows.npy").read_bytes()
    (tmp_path / "rows.npy").write_bytes(whole[:-9])
    (tmp_path / "rows.fbin").write_bytes(np.array([400, 8], dtype="<u4").tobytes() + vectors.tobytes()[:-4])
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")

    for name in ("rows.npy", "rows.fbin", "rows.parquet"):
        with pytest.raises(vicinal.InvalidVectorError, match=name):
            build_sharded(tmp_path / name, tmp_path / "many", shards=2)


def test_empty_shards_are_fine_and_said(tmp_path: Path, vectors: np.ndarray) -> None:
    with pytest.warns(vicinal.DataWarning, match="6 shards are more than the 3 rows"):
        many = build_sharded(vectors[:3], tmp_path / "many", shards=6)
    with many:
        assert many.search(vectors[2], 2, exact=True).ids[0] == 2
        assert many.check().ok
        many.add(vectors[3:])
        assert len(many) == 400
    with build_sharded(vectors[:0], tmp_path / "none", shards=1) as none:
        assert none.search(vectors[:2], 3).ids.tolist() == [[-1] * 3] * 2
        assert none.range_search(vectors[:2], 3.0)[0].tolist() == [0, 0, 0]


def test_a_finished_folder_is_left_alone_and_its_damaged_shard_built_again(tmp_path: Path, vectors: np.ndarray) -> None:
    folder = tmp_path / "many"
    build_sharded(vectors, folder, shards=3).close()
    before, times = content(folder), {path.name: path.stat().st_mtime_ns for path in folder.glob("shard-*")}

    with pytest.raises(FileExistsError, match="other settings"):
        build_sharded(vectors, folder, shards=4)
    with pytest.raises(FileExistsError, match="other rows"):
        build_sharded(vectors + 1, folder, shards=3)
    (folder / "shard-00001-0.vicinal").write_bytes(b"lost")
    build_sharded(vectors, folder, shards=3).close()

    assert content(folder) == before
    same = [path.name for path in folder.glob("shard-*") if path.stat().st_mtime_ns == times[path.name]]
    assert sorted(same) == ["shard-00000-0.vicinal", "shard-00002-0.vicinal"]
    with ShardedIndex.open(folder) as many:
        many.remove(3)
    with pytest.raises(FileExistsError, match="was changed"):
        build_sharded(vectors, folder, shards=3)


BUILDER = """
import sys
import numpy as np
from vicinal.shards import build_sharded
rows = np.random.default_rng(0).standard_normal((8000, 16), dtype=np.float32)
build_sharded(rows, sys.argv[1], shards=8, threads=1)
"""


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", BUILDER, tmp_path / "whole"], check=True)
    folder, landed, kept = tmp_path / "killed", 0, 0

    for notes in (1, 3, 6):
        process = subprocess.Popen([sys.executable, "-c", BUILDER, folder])
        while process.poll() is None and len(list(folder.glob("building/*.json"))) < notes:
            time.sleep(0.002)
        process.kill()
        landed += process.wait() < 0
        assert not (folder / "manifest.json").exists() or process.returncode == 0
    times = {path.name: path.stat().st_mtime_ns for path in folder.glob("building/*.json")}
    noted = [f"shard-{name[:5]}-0.vicinal" for name in times]
    shard_times = {name: (folder / name).stat().st_mtime_ns for name in noted}
    subprocess.run([sys.executable, "-c", BUILDER, folder], check=True)
    kept = sum((folder / name).stat().st_mtime_ns == stamp for name, stamp in shard_times.items())

    assert landed >= 1
    assert kept == len(noted) >= 1
    assert content(folder) == content(tmp_path / "whole")


def test_a_build_whose_worker_is_killed_has_the_same_bytes(tmp_path: Path, vectors: np.ndarray) -> None:
    rows = np.tile(vectors, (25, 1)) + np.arange(25 * len(vectors), dtype=np.float32)[:, None]
    build_sharded(rows, tmp_path / "whole", shards=4).close()
    crew, folder, killed = Processes(2), tmp_path / "killed", []

    def kill_one() -> None:
        while not list(folder.glob("building/*.json")) and not (folder / "manifest.json").exists():
            time.sleep(0.002)
        worker = next(iter(crew._pool._processes.values()))  # one shard is built: others are under way
        worker.kill()
        killed.append(worker.pid)

    hand = threading.Thread(target=kill_one)
    hand.start()
    build_sharded(rows, folder, shards=4, executor=crew, threads=1).close()
    hand.join()
    crew.close()

    assert len(killed) == 1
    assert content(folder) == content(tmp_path / "whole")
