"""The vector store for LangChain, beyond the suite that make test-langchain runs."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("langchain_core", reason="langchain-core is missing: pip install 'vicinal[langchain]'")

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

import vicinal
from vicinal.langchain import VicinalVectorStore


class Spelled(Embeddings):
    """Texts such as "1 0.5" are the vectors they spell."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(number) for number in text.split()]


TEXTS = ["1 0", "1 1", "0 1", "-1 0"]
NAMES = ["east", "northeast", "north", "west"]
YEARS = [{"year": 2023}, {"year": 2024}, {"year": 2025}, {"year": 2025, "old": None}]


@pytest.fixture
def store() -> VicinalVectorStore:
    return VicinalVectorStore.from_texts(TEXTS, Spelled(), YEARS, ids=NAMES)


def names(documents: list[Document]) -> list[str | None]:
    return [document.id for document in documents]


def test_scores_are_distances_and_ascend(store: VicinalVectorStore) -> None:
    found = store.similarity_search_with_score("2 0", k=4)

    assert names([document for document, _ in found]) == ["east", "northeast", "north", "west"]
    np.testing.assert_allclose([score for _, score in found], [0, 1 - 0.5**0.5, 1, 2], atol=1e-6)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"year": 2025}, ["north", "west"]),
        ({"year": [2023, 2024]}, ["east", "northeast"]),
        ({"old": None}, ["west"]),  # and not those that do not have the key
        ({}, NAMES),
        ({"year": 1999}, []),
        (lambda document: document.page_content.startswith("1"), ["east", "northeast"]),
    ],
)
def test_a_filter_admits_by_metadata(store: VicinalVectorStore, wanted: Any, expected: list[str]) -> None:
    assert names(store.similarity_search("1 0", k=4, filter=wanted)) == expected


def test_a_filter_of_another_kind_is_refused(store: VicinalVectorStore) -> None:
    with pytest.raises(TypeError, match="expected a dict"):
        store.similarity_search("1 0", filter=["year"])


def test_what_is_near_and_unlike_comes_first_by_marginal_relevance() -> None:
    store = VicinalVectorStore.from_texts(["1 0.1", "1 0.11", "1 -0.3"], Spelled(), ids=["a", "copy", "other"])

    assert names(store.max_marginal_relevance_search("1 0", k=2, fetch_k=3, lambda_mult=0.3)) == ["a", "other"]
    assert names(store.max_marginal_relevance_search("1 0", k=2, fetch_k=3, lambda_mult=1.0)) == ["a", "copy"]


def test_an_id_that_is_there_is_replaced_and_the_last_of_two_counts(store: VicinalVectorStore) -> None:
    store.add_texts(["0 -1", "-1 -1"], [{"year": 1}, {"year": 2}], ids=["east", "east"])

    assert len(store) == 4
    assert store.get_by_ids(["east"])[0].metadata == {"year": 2}
    assert names(store.similarity_search("-1 -1", k=1)) == ["east"]


@pytest.mark.parametrize(
    ("texts", "metadatas", "ids"),
    [(["1 0", "nan 0"], None, ["new", "east"]), (["1 0 0"], None, ["new"]), (["0 0"], None, ["east"])],
)
def test_a_failing_add_changes_nothing(
    store: VicinalVectorStore, texts: list[str], metadatas: Any, ids: list[str]
) -> None:
    assert store.index is not None
    before = store.index.digest(), store.get_by_ids(NAMES)

    with pytest.raises(vicinal.VicinalError):
        store.add_texts(texts, metadatas, ids=ids)

    assert (store.index.digest(), store.get_by_ids(NAMES)) == before
    assert store.get_by_ids(["new"]) == []
    assert names(store.similarity_search("1 0", k=9)) == NAMES


def test_lists_of_another_length_are_refused(store: VicinalVectorStore) -> None:
    with pytest.raises(ValueError, match="metadatas has 1 entries"):
        store.add_texts(["1 0", "0 1"], [{}])
    with pytest.raises(ValueError, match="ids has 1 entries"):
        store.add_texts(["1 0", "0 1"], ids=["a"])


def test_a_setting_that_is_wrong_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="metric"):
        VicinalVectorStore(Spelled(), metric="nearest")


def test_a_caller_who_changes_what_it_got_changes_nothing(store: VicinalVectorStore) -> None:
    store.similarity_search("1 0", k=1)[0].metadata["year"] = 0

    assert store.get_by_ids(["east"])[0].metadata == {"year": 2023}


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_relevance_is_one_for_the_same_and_never_leaves_its_range(metric: str) -> None:
    store = VicinalVectorStore.from_texts(TEXTS, Spelled(), metric=metric)

    scores = [score for _, score in store.similarity_search_with_relevance_scores("1 0", k=4)]

    assert scores[0] == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_a_store_that_was_saved_is_the_same_and_takes_more(store: VicinalVectorStore, tmp_path: Path) -> None:
    store.delete(["north"])
    store.save(tmp_path / "store")
    again = VicinalVectorStore.load(tmp_path / "store", Spelled())
    again.add_texts(["0 2"], ids=["new"])

    assert names(again.similarity_search("0 1", k=4)) == ["new", "northeast", "east", "west"]
    assert again.get_by_ids(["west"])[0].metadata == {"year": 2025, "old": None}


def test_an_empty_store_can_be_saved_and_searched(tmp_path: Path) -> None:
    VicinalVectorStore(Spelled(), metric="ip", M=8).save(tmp_path)
    again = VicinalVectorStore.load(tmp_path, Spelled())

    assert again.similarity_search("1 0") == []
    again.add_texts(["1 0"])
    assert again.index is not None
    assert (again.index.metric, again.index.M) == ("ip", 8)


def test_a_save_that_fails_leaves_what_was_there(store: VicinalVectorStore, tmp_path: Path) -> None:
    store.save(tmp_path)
    before = sorted((file.name, file.read_bytes()) for file in tmp_path.iterdir())
    store.add_texts(["1 2"], [{"no": object()}])

    with pytest.raises(TypeError):
        store.save(tmp_path)

    assert sorted((file.name, file.read_bytes()) for file in tmp_path.iterdir()) == before


def test_a_second_save_leaves_two_files(store: VicinalVectorStore, tmp_path: Path) -> None:
    store.save(tmp_path)
    store.add_texts(["1 2"])
    store.save(tmp_path)

    assert len(list(tmp_path.iterdir())) == 2
    assert len(VicinalVectorStore.load(tmp_path, Spelled())) == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda given: given["documents"].pop(),
        lambda given: given.pop("next"),
        lambda given: given.update(next=1),
        lambda given: given.update(index="../elsewhere.vic"),
        lambda given: given.update(documents=7),
        lambda given: given["documents"].append(given["documents"][0]),
    ],
)
def test_files_that_do_not_belong_together_are_refused(store: VicinalVectorStore, tmp_path: Path, damage: Any) -> None:
    store.save(tmp_path)
    file = tmp_path / "documents.json"
    given = json.loads(file.read_text())
    damage(given)
    file.write_text(json.dumps(given))

    with pytest.raises(vicinal.CorruptIndexError):
        VicinalVectorStore.load(tmp_path, Spelled())


def test_asynchronous_calls_run_beside_each_other() -> None:
    async def use() -> list[list[Document]]:
        store = VicinalVectorStore(Spelled())
        await asyncio.gather(*(store.aadd_texts([f"1 {row}"], ids=[f"{row}"]) for row in range(20)))
        return await asyncio.gather(*(store.asimilarity_search(f"1 {row}", k=1) for row in range(20)))

    assert [names(found) for found in asyncio.run(use())] == [[f"{row}"] for row in range(20)]
