"""``vicinal block``: from tables to candidate pairs, from the command line."""

import csv
import json
from pathlib import Path

import pytest

from vicinal.cli import main

LEFT = [("a1", "sony walkman nw-e407"), ("a2", "bose speaker am53bk"), ("a3", "canon camera")]
RIGHT = [("b1", "speaker bose am53bk white"), ("b2", "sony walkman nwe407 black"), ("b3", "a lamp")]


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str, str]:
    names = ("left", "right", "gold")
    rows = ([("id", "name"), *LEFT], [("id", "name"), *RIGHT], [("left", "right"), ("a1", "b2"), ("a2", "b1")])
    for name, lines in zip(names, rows, strict=True):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    left, right, gold = (str(tmp_path / f"{name}.csv") for name in names)
    return left, right, gold


@pytest.mark.parametrize("method", ["tfidf", "minhash", "tfidf+minhash"])
def test_candidates_are_written_by_their_ids_and_measured(
    tables: tuple[str, str, str], method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right, gold = tables
    out = tmp_path / "out.csv"

    assert (
        main(["block", left, right, "--method", method, "--k", "1", "--gold", gold, "--out", str(out), "--json"]) == 0
    )

    facts = json.loads(capsys.readouterr().out)
    assert (facts["completeness"], facts["matches"]) == (1.0, 2)
    with out.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["left", "right", "score"]
    assert {("a1", "b2"), ("a2", "b1")} <= {(line[0], line[1]) for line in lines[1:]}
    assert facts["pairs"] == len(lines) - 1


def test_one_table_is_compared_with_itself(tables: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["block", tables[0], "--threshold", "0.01"]) == 0

    assert capsys.readouterr().out.strip() == "0 pairs"


def test_what_cannot_be_is_said(tables: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    left, right, gold = tables
    Path(gold).write_text("left,right\na1,b9\n")

    assert main(["block", left, right, "--gold", gold]) == 1
    assert "line 2 holds 'a1,b9', expected an id of each table" in capsys.readouterr().err
    assert main(["block", left, right, "--method", "magic"]) == 1
    assert "--method names 'magic'" in capsys.readouterr().err
    assert main(["block", left, "nowhere.csv"]) == 1
