"""The programs in examples/ run, at a small size."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_draws_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    example("insertion_order").main(
        ["--rows", "400", "--queries", "20", "--seeds", "1", "--out", str(tmp_path / "orders.png")]
    )

    assert (tmp_path / "orders.png").read_bytes().startswith(b"\x89PNG")


def test_texts_are_found_by_meaning_in_the_section_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    example("semantic_search").main(["--section", "games", "--queries", "2", "-k", "3"])

    hits = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert len(hits) == 6
    assert all(line.endswith("[games]") for line in hits)


def test_a_section_that_nobody_has_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        example("semantic_search").main(["--section", "nobody's"])

    assert "is none of" in capsys.readouterr().err


def test_of_near_duplicates_the_first_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ["one two three four five", "something else", "one two three four six", "one two three seven six"]
    (tmp_path / "texts.txt").write_text("\n".join(texts))

    example("near_duplicates").main(
        [str(tmp_path / "texts.txt"), "--threshold", "0.6", "--out", str(tmp_path / "clean.txt")]
    )

    assert (tmp_path / "clean.txt").read_text().splitlines() == texts[:2]
    assert "4 texts, 2 near pairs, 2 texts stay" in capsys.readouterr().out


def test_a_long_chain_is_one_group() -> None:
    import numpy as np

    rows = np.random.default_rng(0).permutation(1000)
    chain = np.sort(np.stack([rows[:-1], rows[1:]], axis=1), axis=1)

    assert example("near_duplicates").groups(1001, chain).tolist() == [0] * 1000 + [1000]


def test_the_report_reaches_its_target(capsys: pytest.CaptureFixture[str]) -> None:
    example("recall_report").main(["--dataset", "minilm-5k", "--target", "0.9"])

    lines = capsys.readouterr().out.splitlines()
    (reached,) = (float(line.split()[1]) for line in lines if line.strip().startswith("recall=0.9"))
    assert reached >= 0.88  # of 250 queries; the calibration is for 0.9
    assert "health: well, 0 out of reach" in lines[-1]
