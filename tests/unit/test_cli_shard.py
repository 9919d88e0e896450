"""The commands of shards: what they print, and what they return."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from vicinal.cli import main

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator, capsys: Captured) -> Path:
    np.save(tmp_path / "rows.npy", rng.standard_normal((300, 8), dtype=np.float32))
    words = ["shard", "build", str(tmp_path / "rows.npy"), "-o", str(tmp_path / "many"), "--shards", "3", "--json"]

    assert main(words) == 0

    assert json.loads(capsys.readouterr().out) == {
        "folder": str(tmp_path / "many"),
        "shards": 3,
        "vectors": 300,
        "dim": 8,
    }
    return tmp_path / "many"


def test_a_folder_is_built_searched_and_checked(folder: Path, capsys: Captured) -> None:
    rows = str(folder.with_name("rows.npy"))

    assert main(["shard", "search", str(folder), rows, "-k", "2", "--exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row[0] for row in found["ids"]] == list(range(300))
    assert found["coverage"] == 1.0
    assert main(["shard", "search", str(folder), rows, "-k", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[7] == "7: 7 (0)"
    assert main(["shard", "check", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("well: 3 shards, 300 vectors")


def test_a_shard_that_is_missing_is_named_and_check_fails(folder: Path, capsys: Captured) -> None:
    rows = str(folder.with_name("rows.npy"))
    (folder / "shard-00002-0.vicinal").unlink()

    assert main(["shard", "search", str(folder), rows]) == 1
    assert "shard 2 of 3 is missing" in capsys.readouterr().err
    assert main(["shard", "search", str(folder), rows, "--partial"]) == 0
    assert "2 of 3 shards" in capsys.readouterr().err
    assert main(["shard", "check", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"].keys() == {"2"}


def test_a_folder_of_other_rows_is_refused_in_one_line(folder: Path, capsys: Captured) -> None:
    rows = folder.with_name("rows.npy")

    assert main(["shard", "build", str(rows), "-o", str(folder), "--shards", "4"]) == 1

    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "other settings" in printed


def test_serving_without_ray_says_which_extra_has_it(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)

    assert main(["shard", "serve", str(folder)]) == 1

    assert "pip install 'vicinal[ray]'" in capsys.readouterr().err
