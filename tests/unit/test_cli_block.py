"""``vicinal block``: from tables to candidate pairs, from the command line."""

import csv
import json
from pathlib import Path

import numpy as np
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


def test_a_learned_map_is_measured_with_the_pairs_it_has_not_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    words, told = rng.permutation(100), rng.normal(size=(100, 8))
    for side in ("left", "right"):
        (tmp_path / f"{side}.csv").write_text("name\n" + "".join(f"thing{word}\n" for word in words))
        np.save(tmp_path / f"{side}.npy", np.hstack([told, rng.normal(size=(100, 8))]))
    (tmp_path / "gold.csv").write_text("".join(f"{row},{row}\n" for row in range(100)))
    left, right, gold, *vectors = (str(tmp_path / name) for name in
                                   ("left.csv", "right.csv", "gold.csv", "left.npy", "right.npy"))  # fmt: skip
    asked = ["block", left, right, "--gold", gold, "--json", "--method"]

    assert main([*asked, "tfidf+neural", "--vectors", *vectors]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert 45 <= facts["matches"] <= 55
    assert facts["completeness"] == 1.0
    assert main([*asked, "vectors", "--vectors", vectors[0]]) == 1
    assert "--vectors names 1 files, expected 2" in capsys.readouterr().err
    np.save(vectors[0], told[:9])
    assert main([*asked, "neural", "--vectors", *vectors]) == 1
    assert "has shape (9, 8), expected 100 rows" in capsys.readouterr().err


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
