"""The command line as a user runs it: in a shell, with pipes, files of every kind and mistakes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

VICINAL = f"{sys.executable} -m vicinal"
Rows = NDArray[np.float32]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.replace("vicinal ", f"{VICINAL} "), shell=True, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def rows() -> Rows:
    return np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with vectors, queries and an index of the vectors, ``ix.vic``."""
    folder = tmp_path_factory.mktemp("pipeline")
    np.save(folder / "vecs.npy", rows)
    np.save(folder / "q.npy", rows[[5, 7]])
    done = shell("vicinal build vecs.npy -o ix.vic", folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_what_build_writes_search_reads(folder: Path) -> None:
    done = shell("vicinal build vecs.npy -o new.vic && vicinal search new.vic q.npy -k 10 --json", folder)

    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout.splitlines()[-1])
    assert [row[0] for row in found["ids"]] == [5, 7]
    assert all(len(row) == 10 for row in found["ids"])


@pytest.mark.parametrize(
    "source",
    [
        "cat q.npy",
        "printf '%s\\n' '{five}' '' '{seven}'",
        "printf '%s\\n' '{five}' '{seven}' | tr ' ' ','",
        "printf '[%s]\\n' '{five}' '{seven}' | tr ' ' ','",
    ],
    ids=["npy", "blanks", "commas", "json"],
)
def test_queries_come_through_a_pipe(source: str, folder: Path, rows: Rows) -> None:
    five, seven = (" ".join(str(value) for value in rows[number].tolist()) for number in (5, 7))
    written = source.replace("{five}", five).replace("{seven}", seven)

    done = shell(f"{written} | vicinal search ix.vic - -k 1", folder)

    assert (done.stdout, done.stderr) == ("0: 5 (0)\n1: 7 (0)\n", "")


def test_vectors_to_index_come_through_a_pipe(folder: Path) -> None:
    done = shell("vicinal build - -o piped.vic --json < vecs.npy && cmp ix.vic piped.vic", folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["vectors"] == 300


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "nothing came"),
        ("1 2 3\n1 2\n", "line 2 holds 2 numbers, expected 3 as in the first"),
        ("1 2\n\nname age\n", "line 3 is 'name age', expected numbers"),
        ("[[1], [2]]\n", "line 1 is"),
        ("1 2 3\n", "expected (m, 8)"),
    ],
)
def test_a_pipe_with_something_else_is_refused_in_one_line(text: str, complaint: str, folder: Path) -> None:
    (folder / "text").write_text(text)

    done = shell("vicinal search ix.vic - < text", folder)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vicinal search: ")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("ending", ["npz", "fvecs", "bvecs", "fbin", "u8bin", "hdf5", "parquet"])
def test_a_file_of_every_kind_is_indexed_and_asked(ending: str, folder: Path) -> None:
    whole = np.arange(40, dtype=np.uint8).reshape(10, 4)
    write(folder / f"some.{ending}", whole)

    done = shell(f"vicinal build some.{ending} -o some.vic && vicinal search some.vic some.{ending} -k 1", folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-10:] == [f"{row}: {row} (0)" for row in range(10)]


def write(path: Path, rows: NDArray[np.uint8]) -> None:
    columns = rows.shape[1]
    floats = rows.astype("<f4")
    if path.suffix == ".npz":
        np.savez(path, base=rows, query=rows)
    elif path.suffix in (".fvecs", ".bvecs"):
        kept = floats if path.suffix == ".fvecs" else rows
        path.write_bytes(b"".join(np.int32(columns).tobytes() + row.tobytes() for row in kept))
    elif path.suffix in (".fbin", ".u8bin"):
        kept = floats if path.suffix == ".fbin" else rows
        path.write_bytes(np.array(rows.shape, dtype="<u4").tobytes() + kept.tobytes())
    elif path.suffix == ".hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file["train"] = file["test"] = floats
            file.attrs["distance"] = "euclidean"
    else:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"vector": floats.tolist()}), path)


def test_of_a_file_that_holds_a_whole_set_its_queries_are_asked(folder: Path, rows: Rows) -> None:
    np.savez(folder / "set.npz", base=rows, query=rows[[7, 5]])

    done = shell("vicinal search ix.vic set.npz -k 1", folder)

    assert done.stdout == "0: 7 (0)\n1: 5 (0)\n"


def test_exact_and_wide_searches_agree_and_exclude_each_other(folder: Path) -> None:
    exact = shell("vicinal search ix.vic q.npy --exact", folder)
    wide = shell("vicinal search ix.vic q.npy --ef 300", folder)
    both = shell("vicinal search ix.vic q.npy --exact --ef 300", folder)

    assert exact.stdout == wide.stdout != ""
    assert both.returncode == 2
    assert "not allowed with" in both.stderr


def test_an_index_that_was_not_tuned_promises_no_recall(folder: Path) -> None:
    done = shell("vicinal search ix.vic q.npy --recall 0.9", folder)

    assert done.returncode == 1
    assert done.stderr.startswith("vicinal search: ")
    assert "tune(" in done.stderr


def test_a_report_tells_recall_by_effort_and_health(folder: Path) -> None:
    page, numbers = folder / "page.html", folder / "numbers.json"

    done = shell("vicinal report ix.vic vecs.npy -k 5 --sample 60 -o page.html --json > numbers.json", folder)

    assert (done.returncode, done.stderr) == (0, "")
    study = json.loads(numbers.read_text())
    assert (study["queries"], study["k"], study["ef"], sum(study["found"])) == (60, 5, 64, 60)
    assert [point["effort"] for point in study["points"]] == [10, 20, 40, 64, 80, 160, 320]
    assert study["points"][-1]["recall"]["value"] == 1.0
    assert study["health"]["ok"] is True
    text = page.read_text()
    assert "vicinal report ix.vic vecs.npy -k 5 --sample 60 -o page.html --json" in text
    assert "<svg" in text
    assert "64 (usual)" in text
    assert "<script" not in text


def test_a_report_of_what_is_no_query_is_refused_and_writes_nothing(folder: Path) -> None:
    np.save(folder / "flat.npy", np.zeros((2, 3), dtype=np.float32))

    done = shell("vicinal report ix.vic flat.npy -o none.html", folder)

    assert (done.returncode, done.stdout) == (1, "")
    assert "(2, 3)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / "none.html").exists()


@pytest.mark.parametrize("command", ["build", "search", "bench", "check", "block", "info", "report"])
def test_every_command_knows_json(command: str, folder: Path) -> None:
    assert "--json" in shell(f"vicinal {command} --help", folder).stdout
