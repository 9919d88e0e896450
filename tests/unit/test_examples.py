"""The programs in examples/ run, at a small size."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_draws_its_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("insertion_order", ROOT / "examples" / "insertion_order.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    example.main(["--rows", "400", "--queries", "20", "--seeds", "1", "--out", str(tmp_path / "orders.png")])

    assert (tmp_path / "orders.png").read_bytes().startswith(b"\x89PNG")
