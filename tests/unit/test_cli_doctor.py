"""``vicinal doctor``: what it finds of indexes that are well and of others, and what it cannot read."""

import json
from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vicinal
from vicinal.cli import main
from vicinal.compat import write_hnswlib
from vicinal.measure.diagnosis import diagnose

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(1500, 16)).astype(np.float32)


@pytest.fixture(scope="module")
def well(vectors: np.ndarray) -> vicinal.Index:
    index = vicinal.Index(16, M=12, ef_construction=100)
    index.add(vectors)
    return index


def cut_off(index: vicinal.Index, rows: Container[int], path: Path) -> None:
    """Write a file of hnswlib's in which nothing leads to these rows any more."""
    write_hnswlib(index, path)
    M0, dim = 2 * index.M, index.dim
    record = 12 + 4 * M0 + 4 * dim
    data = bytearray(path.read_bytes())
    for row in range(len(index)):
        links = np.frombuffer(data, "<u4", M0 + 1, 96 + row * record)
        kept = [to for to in links[1 : 1 + (links[0] & 0xFFFF)] if to not in rows]
        packed = np.zeros(M0 + 1, "<u4")
        packed[0], packed[1 : 1 + len(kept)] = len(kept), kept
        data[96 + row * record : 96 + row * record + packed.nbytes] = packed.tobytes()
    path.write_bytes(data)


def told(capsys: Captured) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_an_index_that_is_well_has_no_findings(well: vicinal.Index, tmp_path: Path, capsys: Captured) -> None:
    well.save(tmp_path / "well.vic")

    assert main(["doctor", str(tmp_path / "well.vic"), "--json"]) == 0

    said = told(capsys)
    assert (said["format"], said["ef"], said["findings"]) == ("vicinal", 64, [])
    assert [one["name"] for one in said["treatments"]] == ["as it is", "built anew"]
    assert said["treatments"][0]["recall"] == said["treatments"][1]["recall"] > 0.95


def test_vectors_that_cannot_be_reached_are_found_and_mended(
    well: vicinal.Index, tmp_path: Path, capsys: Captured
) -> None:
    entry = int(well._arrays()["entry"])
    lonely = [row for row in range(400) if row != entry and well._arrays()["levels"][row] == 0]
    cut_off(well, lonely, tmp_path / "cut.bin")

    assert main(["doctor", str(tmp_path / "cut.bin"), "--format", "hnswlib", "--space", "l2", "--json"]) == 1

    said = told(capsys)
    after = {one["name"]: one["recall"] for one in said["treatments"]}
    assert said["health"]["unreachable"] == len(lonely)
    assert f"{len(lonely)} of 1,500 vectors cannot be reached" in said["findings"][0]
    assert said["ef"] == 10  # what hnswlib's load_index sets
    assert after["as it is"] + 0.05 < after["repaired"]
    assert after["as it is"] + 0.1 < after["built anew"]


def test_the_text_says_the_same_as_the_json(well: vicinal.Index, tmp_path: Path, capsys: Captured) -> None:
    cut_off(well, range(1, 200), tmp_path / "cut.bin")
    words = ["doctor", str(tmp_path / "cut.bin"), "--format", "hnswlib", "--space", "l2", "--rebuild", "100"]

    assert main([*words, "--json"]) == 1
    said = told(capsys)
    assert main(words) == 1
    text = capsys.readouterr().out

    assert all(f"finding: {finding.split(' links them in')[0]}" in text for finding in said["findings"])
    assert "remark: not built anew, with more than 100 vectors" in text
    assert f"as it is        10  {said['treatments'][0]['recall']:.4f}" in text
    assert text.startswith(f"{tmp_path / 'cut.bin'}, written by hnswlib: vectors 1500, dim 16, metric l2")


def test_a_poor_beam_is_a_finding_and_a_wide_one_is_none(vectors: np.ndarray) -> None:
    poor = vicinal.Index(16, M=3, ef_construction=4)
    poor.add(vectors)

    narrow, wide = diagnose(poor, ef=1), diagnose(poor, ef=1500)

    assert any("expected at least 0.8" in finding for finding in narrow.findings)
    assert wide.findings == ()


def test_a_faiss_file_is_judged_by_the_beam_it_carries(vectors: np.ndarray, tmp_path: Path, capsys: Captured) -> None:
    faiss = pytest.importorskip("faiss")
    theirs = faiss.IndexHNSWFlat(16, 12)
    theirs.hnsw.efSearch = 33
    theirs.add(vectors)
    faiss.write_index(theirs, str(tmp_path / "index"))

    main(["doctor", str(tmp_path / "index"), "--json"])
    said = told(capsys)
    main(["doctor", str(tmp_path / "index"), "--ef", "7", "--json"])
    asked = told(capsys)

    assert (said["format"], said["ef"], asked["ef"]) == ("faiss", 33, 7)


def test_a_usearch_file_is_known_by_its_head(vectors: np.ndarray, tmp_path: Path, capsys: Captured) -> None:
    usearch = pytest.importorskip("usearch.index")
    theirs = usearch.Index(ndim=16, metric="l2sq", dtype="f32")
    theirs.add(np.arange(1500), vectors, threads=1)
    theirs.save(tmp_path / "index")

    main(["doctor", str(tmp_path / "index"), "--json"])

    said = told(capsys)
    assert (said["format"], said["ef"], said["facts"]["vectors"]) == ("usearch", 64, 1500)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["absent"], "absent"),
        (["empty"], "cannot tell what wrote it"),
        (["ours.bin"], "cannot tell what wrote it"),
        (["ours.bin", "--format", "hnswlib"], "does not say its space"),
        (["ours.bin", "--format", "hnswlib", "--space", "l2", "--dim", "17"], "16 dimensions, expected 17"),
        (["ours.bin", "--format", "faiss"], "faiss"),
        (["ours.bin", "--format", "usearch"], "no index of USearch"),
        (["ours.bin", "--format", "vicinal"], "ours.bin"),
        (["none.vic"], "the index is empty"),
        (["ours.bin", "--format", "annoy"], "invalid choice"),
        (["ours.bin", "--ef", "0"], "--ef is 0, expected a whole number from 1"),
        (["ours.bin", "--rebuild", "-1"], "--rebuild is -1"),
    ],
)
def test_what_cannot_be_read_returns_two_and_is_told_in_one_line(
    words: list[str],
    complaint: str,
    well: vicinal.Index,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").write_bytes(b"")
    write_hnswlib(well, "ours.bin")
    vicinal.Index(4).save("none.vic")

    assert main(["doctor", *words]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("vicinal doctor: ")
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


def test_diagnosing_leaves_the_index_as_it_is(well: vicinal.Index) -> None:
    before = well.to_bytes()

    diagnose(well, ef=10)

    assert well.to_bytes() == before


def test_bits_are_diagnosed_too() -> None:
    index = vicinal.Index(64, "hamming")
    index.add(np.random.default_rng(0).integers(0, 256, size=(400, 8), dtype=np.uint8))

    assert diagnose(index).findings == ()
