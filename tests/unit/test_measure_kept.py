"""Indexes of rivals that are kept from one run to the next."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vicinal.measure import Comparison, Dataset, compare
from vicinal.measure.engines import Engine


class Written(Engine):
    """Scans all rows, which are its index, and counts its builds."""

    name = "written"
    package = module = "numpy"
    can_be_kept = True
    builds = 0

    def build(self, base: Any, metric: str, *, threads: int) -> None:  # noqa: ARG002
        type(self).builds += 1
        self.rows = np.array(base)

    def store(self, folder: Path) -> None:
        np.save(folder / "rows.npy", self.rows)

    def restore(self, folder: Path, base: Any, metric: str) -> None:  # noqa: ARG002
        self.rows = np.load(folder / "rows.npy")

    def set_effort(self, effort: int) -> None:
        pass

    def search(self, queries: Any, k: int) -> Any:
        return np.argsort(((queries[:, None, :] - self.rows[None]) ** 2).sum(axis=2), axis=1)[:, :k]

    def memory(self) -> int:
        return int(self.rows.nbytes)


@pytest.fixture
def rows(rng: np.random.Generator) -> Any:
    Written.builds = 0
    return rng.normal(size=(50, 4)).astype(np.float32)


def compared(rows: Any, keep: Path, **settings: int) -> Comparison:
    noise = Dataset("noise", rows, rows[:10])
    return compare(noise, [Written(**settings)], efforts=[10], rounds=1, isolate=False, keep=keep)


def test_a_kept_index_is_brought_back_instead_of_built(rows: Any, tmp_path: Path) -> None:
    first, second = compared(rows, tmp_path)["written"], compared(rows, tmp_path)["written"]

    assert Written.builds == 1
    assert (first.kept, second.kept) == (False, True)
    assert second.build_seconds == first.build_seconds
    assert second.reported_bytes == first.reported_bytes == rows.nbytes
    assert second.curve.highest_recall == first.curve.highest_recall == 1.0


def test_other_rows_or_settings_are_built_anew(rows: Any, tmp_path: Path) -> None:
    compared(rows, tmp_path)
    compared(rows + 1, tmp_path)
    compared(rows, tmp_path, M=24)

    assert Written.builds == 3


def test_an_engine_that_cannot_be_kept_is_built_every_time(
    rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Written, "can_be_kept", False)

    compared(rows, tmp_path)
    compared(rows, tmp_path)

    assert Written.builds == 2
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_could_not_be_written_whole_is_not_there(
    rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(self: Written, folder: Path) -> None:  # noqa: ARG001
        (folder / "rows.npy").write_bytes(b"half")
        raise OSError("no space left on the device")

    monkeypatch.setattr(Written, "store", fill_the_disk)

    with pytest.raises(OSError, match="no space"):
        compared(rows, tmp_path)

    assert list(tmp_path.iterdir()) == []
