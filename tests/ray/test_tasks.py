"""Tasks of a cluster do what threads of this process do."""

import doctest
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ray = pytest.importorskip("ray", reason="Ray is not here: make test-ray")

import vicinal.ray  # noqa: E402
from vicinal.shards import build_sharded, self_join  # noqa: E402

pytestmark = pytest.mark.usefixtures("cluster")


def fails(why: str) -> None:
    raise OSError(28, why)


def dies() -> None:
    os._exit(1)


def test_calls_return_in_order_what_became_of_them() -> None:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])

    outcomes = vicinal.ray.RayTasks().run(divmod, [(7, 2), (1, 0), (9, 3)])
    failed = vicinal.ray.RayTasks().run(fails, [("disk full",)])
    died = vicinal.ray.RayTasks(tries=1).run(dies, [()])

    assert outcomes[0::2] == [(3, 1), (3, 0)]
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert isinstance(failed[0], OSError)
    assert failed[0].errno == 28
    assert isinstance(died[0], ray.exceptions.WorkerCrashedError)
    assert vicinal.ray.RayTasks(cpus=2).workers() == 2


def test_a_join_by_tasks_is_that_of_threads(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = rng.standard_normal((900, 8), dtype=np.float32)
    build_sharded(rows, tmp_path, shards=3).close()

    ours, theirs = vicinal.ray.self_join(tmp_path, 1.5), self_join(tmp_path, 1.5)

    assert np.array_equal(ours.pairs, theirs.pairs)
    assert np.array_equal(ours.scores, theirs.scores)
    assert len(ours) > 50


def test_a_batch_keeps_its_columns_and_says_what_it_covers(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = rng.standard_normal((400, 8), dtype=np.float32)
    build_sharded(rows, tmp_path, shards=2).close()
    (tmp_path / "shard-00001-0.vicinal").unlink()
    data = ray.data.from_items([{"name": str(i), "embedding": rows[i].tolist()} for i in range(20)])

    found = vicinal.ray.search_sharded(data, tmp_path, 3, partial=True).take_all()

    assert sorted(row["name"] for row in found) == sorted(map(str, range(20)))
    assert {len(row["ids"]) for row in found} == {3}
    assert 0.3 < found[0]["coverage"] < 0.7
    with pytest.raises(ValueError, match="both given"):
        vicinal.ray.search_sharded(data, tmp_path, ef=3, recall=0.9)
    with pytest.raises(vicinal.NotTunedError):
        vicinal.ray.search_sharded(data, tmp_path, recall=0.9)


def test_the_examples_run() -> None:
    outcome = doctest.testmod(vicinal.ray, optionflags=doctest.ELLIPSIS)

    assert outcome.attempted > 10
    assert outcome.failed == 0


def test_the_example_builds_searches_joins_and_serves(repository: Path) -> None:
    command = [sys.executable, str(repository / "examples" / "ray_service.py"), "--port", "18432"]
    free = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=free)

    assert done.returncode == 0, done.stderr
    assert "queries have their neighbors" in done.stdout
    assert "coverage: {'share': 1.0" in done.stdout
