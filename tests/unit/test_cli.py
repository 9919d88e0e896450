"""The command line: what it prints, what it returns, and that its errors are one line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.cli import main
from vicinal.measure import Comparison

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def vectors(rng: np.random.Generator, tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", rng.normal(size=(300, 8)).astype(np.float32))
    return tmp_path / "rows.npy"


@pytest.fixture
def index_file(vectors: Path, tmp_path: Path, capsys: Captured) -> Path:
    assert main(["build", str(vectors), "-o", str(tmp_path / "rows.vic"), "--M", "8"]) == 0
    capsys.readouterr()
    return tmp_path / "rows.vic"


def failure(capsys: Captured) -> str:
    """The one line on standard error; nothing on standard output."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err
    return printed.err.strip()


def test_build_reports_what_it_wrote(vectors: Path, tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "new.vic"

    assert main(["build", str(vectors), "-o", str(target), "--metric", "cosine", "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed == {"file": str(target), "vectors": 300, "dim": 8, "metric": "cosine"}
    assert target.stat().st_size > 300 * 8 * 4


def test_search_finds_each_row_nearest_to_itself(index_file: Path, vectors: Path, capsys: Captured) -> None:
    assert main(["search", str(index_file), str(vectors), "-k", "3", "--ef", "100", "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert [row[0] for row in printed["ids"]] == list(range(300))
    assert all(row == sorted(row) and row[0] == 0 for row in printed["distances"])


def test_search_prints_a_line_per_query(index_file: Path, tmp_path: Path, capsys: Captured) -> None:
    np.save(tmp_path / "two.npy", np.load(tmp_path / "rows.npy")[[5, 7]])

    assert main(["search", str(index_file), str(tmp_path / "two.npy"), "-k", "2"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("0: 5 (0)  ")
    assert second.startswith("1: 7 (0)  ")


def test_search_writes_an_npz_file_on_request(index_file: Path, vectors: Path, tmp_path: Path) -> None:
    assert main(["search", str(index_file), str(vectors), "-o", str(tmp_path / "found.npz")]) == 0

    with np.load(tmp_path / "found.npz") as found:
        assert found["ids"].shape == found["distances"].shape == (300, 10)


def test_padding_is_null_in_json_and_left_out_of_text(index_file: Path, tmp_path: Path, capsys: Captured) -> None:
    np.save(tmp_path / "one.npy", np.load(tmp_path / "rows.npy")[:1])

    assert main(["search", str(index_file), str(tmp_path / "one.npy"), "-k", "400", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["search", str(index_file), str(tmp_path / "one.npy"), "-k", "400"]) == 0
    text = capsys.readouterr().out

    assert printed["ids"][0][-1] == -1
    assert printed["distances"][0][-1] is None
    assert "-1" not in text.replace("e-1", "")


def test_info_describes_an_index(index_file: Path, capsys: Captured) -> None:
    assert main(["info", str(index_file), "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert main(["info", str(index_file)]) == 0
    as_text = capsys.readouterr().out

    assert (as_json["dim"], as_json["metric"]) == (8, "l2")
    assert 300 in as_json.values()
    assert "metric" in as_text


def test_bench_prints_a_table_and_writes_json_and_a_page(vectors: Path, tmp_path: Path, capsys: Captured) -> None:
    words = ["bench", "--dataset", str(vectors), "--vs", "vicinal-exact", "--queries", "20", "--rounds", "1"]
    words += [
        "--ef",
        "10,50",
        "--one-process",
        "--json",
        str(tmp_path / "o.json"),
        "--report",
        str(tmp_path / "o.html"),
    ]

    assert main(words) == 0

    printed = capsys.readouterr()
    assert printed.err == ""  # no terminal, no progress
    assert "vicinal-exact" in printed.out
    stored = Comparison.from_json((tmp_path / "o.json").read_text())
    assert stored.queries == 20
    assert [point.effort for point in stored["vicinal"].curve.points] == [10, 50]
    assert stored.command.startswith("vicinal bench --dataset ")
    assert "<svg" in (tmp_path / "o.html").read_text()


def test_bench_prints_json_alone_when_asked(vectors: Path, capsys: Captured) -> None:
    words = ["bench", "--dataset", str(vectors), "--vs", "", "--queries", "20", "--rounds", "1", "--ef", "10"]

    assert main([*words, "--one-process", "--no-batch", "--json", "-"]) == 0

    assert Comparison.from_json(capsys.readouterr().out)["vicinal"].curve.points[0].batch_qps == ()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["info", "absent.vic"], "absent.vic"),
        (["search", "absent.vic", "rows.npy"], "absent.vic"),
        (["build", "absent.npy", "-o", "new.vic"], "absent.npy: no such file"),
        (["build", "rows.csv", "-o", "new.vic"], "rows.csv"),
        (["build", "rows.npy", "-o", "no-such-folder/new.vic"], "no-such-folder"),
        (["build", "rows.npy", "-o", "new.vic", "--metric", "hamming"], "packed bits"),
        (["build", "cut.fbin", "-o", "new.vic"], "cut.fbin"),
        (["info", "rows.npy"], "rows.npy"),
        (["bench", "--dataset", "no-such-set"], "no data set and no file is called 'no-such-set'"),
        (["bench", "--dataset", "rows.npy", "--report", "no-such-folder/x.html"], "no-such-folder"),
        (["bench", "--dataset", "rows.npy", "--k", "400"], "k is 400"),
    ],
)
def test_what_fails_returns_one_and_is_told_in_one_line(
    words: list[str], complaint: str, vectors: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(vectors.parent)
    Path("cut.fbin").write_bytes(b"\x01\0\0\0")
    if words[-1] == "400":
        words = [*words, "--queries", "20"]

    assert main(words) == 1

    said = failure(capsys)
    assert said.startswith(f"vicinal {words[0]}: ")
    assert complaint in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["bench"], "--dataset"),
        (["bench", "--dataset", "x", "--vs", "annoy"], "no engine is called 'annoy'; known: vicinal"),
        (["bench", "--dataset", "x", "--rounds", "0"], "expected at least 1, got 0"),
        (["bench", "--dataset", "x", "--ef", "10,many"], "expected an integer, got 'many'"),
        (["build", "rows.npy"], "-o"),
        (["search", "a.vic", "q.npy", "-k", "-3"], "expected at least 1, got -3"),
    ],
)
def test_a_wrong_call_returns_two_and_is_told_in_one_line(words: list[str], complaint: str, capsys: Captured) -> None:
    assert main(words) == 2

    assert complaint in failure(capsys)


def test_help_returns_zero_and_lists_the_commands(capsys: Captured) -> None:
    assert main(["--help"]) == 0

    printed = capsys.readouterr().out
    assert all(command in printed for command in ("bench", "build", "search", "info"))


def test_an_interruption_returns_one_without_a_traceback(
    index_file: Path, vectors: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vicinal.measure.readers.read_matrix", interrupt)

    assert main(["search", str(index_file), str(vectors)]) == 1

    assert failure(capsys) == "vicinal search: interrupted"


def test_the_package_runs_as_a_command_and_hands_on_the_status() -> None:
    command = [sys.executable, "-m", "vicinal", "info", "absent.vic"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("vicinal info: ")


def test_a_reader_that_stops_early_ends_the_command_quietly(index_file: Path, vectors: Path) -> None:
    command = f"{sys.executable} -m vicinal search {index_file} {vectors} -k 100 | head -n 1"

    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)

    assert done.stdout.startswith("0: 0 (0)")
    assert done.stderr == ""
