"""Judgements of relevance, and the baselines beside them."""

import numpy as np
import pytest

from vicinal.multivector import MultiVectorIndex, evaluate
from vicinal.multivector.words import BM25

TEXTS = {3: "a red house by the sea", 4: "a blue boat", 5: "the sea, the sea", 6: "green trees"}


@pytest.fixture
def index():
    rng = np.random.default_rng(0)
    index = MultiVectorIndex(8)
    index.add([rng.standard_normal((4, 8)) for _ in TEXTS], ids=list(TEXTS))
    return index


def test_bm25_weighs_words_by_how_rare_they_are_and_texts_by_their_length():
    words = BM25(list(TEXTS.values()))
    assert words.scores("sea").argmax() == 2  # twice, in a short text
    assert words.scores("Blue sea!").argmax() == 1  # one text has the one word, two the other
    assert words.scores("nothing").tolist() == [0.0] * 4
    n, length, mean = 4, 3, (6 + 3 + 4 + 2) / 4
    expected = np.log(1 + (n - 1 + 0.5) / 1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / mean))
    assert words.scores("boat")[1] == pytest.approx(expected)


def test_measures_are_those_of_the_rankings(index):
    queries = [index.get(4)[:2], index.get(6)[:2]]
    found = evaluate(index, queries, [{4: 1}, {3: 1}], texts=TEXTS, query_texts=["boat", "house"], k=2)
    assert found.queries == 2
    assert set(found.measures) == {"maxsim", "index", "mean pool", "bm25"}
    assert found.measures["bm25"] == {"nDCG@2": 1.0, "recall@2": 1.0}
    ranked = index.search(queries, 2, exact=True).ids.tolist()
    gains = [1 / np.log2(2 + row.index(one)) if one in row else 0.0 for row, one in zip(ranked, (4, 3), strict=True)]
    assert found.measures["maxsim"]["nDCG@2"] == pytest.approx(np.mean(gains))
    assert found.measures["maxsim"]["recall@2"] == np.mean([gain > 0 for gain in gains])
    assert "bm25" in str(found)


def test_what_does_not_fit_is_refused(index):
    query = index.get(3)
    with pytest.raises(ValueError, match="1 queries, 2 judgements"):
        evaluate(index, [query], [{3: 1}, {}], texts=TEXTS, query_texts=["sea"])
    with pytest.raises(ValueError, match="document 6 has no text"):
        evaluate(index, [query], [{3: 1}], texts={3: "", 4: "", 5: ""}, query_texts=["sea"])
    with pytest.raises(ValueError, match="no query"):
        evaluate(index, [query], [{3: 0}], texts=TEXTS, query_texts=["sea"])
