"""An index that lives in a file: what was done is there again, whatever became of the process."""

from pathlib import Path

import numpy as np
import pytest

import vicinal


def rows(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal((n, 8), dtype=np.float32)


@pytest.mark.parametrize("durability", ["batched", "every_call"])
def test_what_was_done_is_there_without_a_close(tmp_path: Path, rng: np.random.Generator, durability: str) -> None:
    path = tmp_path / "living"
    index = vicinal.Index.open(path, 8, "cosine", durability=durability, M=5)
    index.add(rows(rng, 100), groups=np.arange(100) // 10)
    index.remove([3, 4])
    index.add(rows(rng, 1), ids=[700], groups=[9])
    before = index.to_bytes()

    del index
    again = vicinal.Index.open(path)

    assert again.to_bytes() == before
    assert again.stats()["store"]["recovered"] == 103


def test_a_closed_index_is_one_file_that_anyone_can_load(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "living"
    with vicinal.Index.open(path, 8) as index:
        index.add(rows(rng, 50))

    assert vicinal.Index.load(path).digest() == index.digest()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["living", "living.lock", "living.log"]
    assert index.search(np.zeros(8), 3).ids.shape == (3,)
    with pytest.raises(vicinal.ReadOnlyError, match="closed"):
        index.add(rows(rng, 1))


def test_without_durability_there_is_no_log_and_what_was_synced_is_there(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / "living"
    index = vicinal.Index.open(path, 8, durability="none")
    index.add(rows(rng, 20))
    index.sync()
    index.add(rows(rng, 7))

    del index

    assert len(vicinal.Index.open(path, durability="none")) == 20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["living", "living.lock"]


def test_loading_a_file_whose_log_holds_more_warns(tmp_path: Path, rng: np.random.Generator) -> None:
    index = vicinal.Index.open(tmp_path / "living", 8)
    index.add(rows(rng, 20))

    with pytest.warns(vicinal.DataWarning, match="log of later changes"):
        assert len(vicinal.Index.load(tmp_path / "living")) == 0


@pytest.mark.parametrize(
    "asked", [{"dim": 9}, {"metric": "ip"}, {"dim": 8, "metric": "cosine"}, {"M": 17}, {"dtype": "f16"}, {"seed": 1}]
)
def test_another_dim_metric_or_setting_is_a_mismatch(tmp_path: Path, asked: dict[str, object]) -> None:
    vicinal.Index.open(tmp_path / "living", 8).close()

    with pytest.raises(vicinal.MismatchError, match="expected"):
        vicinal.Index.open(tmp_path / "living", **asked)  # type: ignore[arg-type]


def test_settings_are_taken_from_the_file_where_none_are_given(tmp_path: Path) -> None:
    vicinal.Index.open(tmp_path / "living", 8, "cosine", dtype="f16", connectivity=7).close()

    with vicinal.Index.open(tmp_path / "living", connectivity=7) as index:
        assert (index.dim, index.metric, index.dtype, index.M) == (8, "cosine", "f16", 7)


def test_a_file_that_is_not_there_needs_a_dim(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        vicinal.Index.open(tmp_path / "none")
    with pytest.raises(ValueError, match="durability"):
        vicinal.Index.open(tmp_path / "none", 3, durability="often")

    assert list(tmp_path.iterdir()) == []


def test_an_index_that_is_open_cannot_be_opened_again(tmp_path: Path) -> None:
    with vicinal.Index.open(tmp_path / "living", 8), pytest.raises(BlockingIOError, match="open for writing"):
        vicinal.Index.open(tmp_path / "living")


def test_saving_an_open_index_to_its_own_file_begins_a_new_log(tmp_path: Path, rng: np.random.Generator) -> None:
    index = vicinal.Index.open(tmp_path / "living", 8)
    index.add(rows(rng, 30))

    index.save(tmp_path / "living")

    assert index.stats()["store"]["rows_in_log"] == 0
    assert len(vicinal.Index.load(tmp_path / "living")) == 30


def test_a_log_that_has_grown_begins_anew_by_itself(tmp_path: Path, rng: np.random.Generator) -> None:
    with vicinal.Index.open(tmp_path / "living", 8, M=2, ef_construction=4) as index:
        for _ in range(5):
            index.add(rows(rng, 4000))

        assert index.stats()["store"]["rows_in_log"] == 0
        assert vicinal.Index.info(tmp_path / "living")["size"] == 20_000


def test_a_tuned_index_is_tuned_when_it_is_opened_again(tmp_path: Path, rng: np.random.Generator) -> None:
    index = vicinal.Index.open(tmp_path / "living", 8)
    index.add(rows(rng, 3000))
    index.tune(rows(rng, 100), 10, recall=0.9)
    tuned = index.stats()["tuned"]

    del index

    assert vicinal.Index.open(tmp_path / "living").stats()["tuned"] == tuned


def test_an_index_in_memory_has_nothing_to_sync_or_to_close(rng: np.random.Generator) -> None:
    with vicinal.Index(8) as index:
        index.add(rows(rng, 3))
        with pytest.raises(ValueError, match="not kept in a file"):
            index.sync()
    index.close()

    assert index.add(rows(rng, 1)).tolist() == [3]
