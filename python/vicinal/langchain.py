"""A vector store for LangChain.

The one module that needs langchain-core to be imported at all: its class is one of LangChain's.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicinal.errors import CorruptIndexError, MismatchError
from vicinal.index import Index

try:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore
    from langchain_core.vectorstores.utils import maximal_marginal_relevance
except ImportError as error:  # pragma: no cover
    raise ImportError("vicinal.langchain needs langchain-core: pip install 'vicinal[langchain]'") from error

__all__ = ["VicinalVectorStore"]

DOCUMENTS = "documents.json"  # names the index that belongs to it, and is replaced last
FORMAT = 1

Wanted = Mapping[str, Any] | Callable[[Document], bool] | None


class VicinalVectorStore(VectorStore):
    """Documents of LangChain, found by the nearest vectors in a `vicinal.Index`.

    Documents are kept in memory beside the index; `save` writes both into a folder, and nothing in it is code. Calls
    from several threads may run together; the asynchronous methods run the others in LangChain's executor.

    Parameters
    ----------
    embedding : Embeddings
        What turns texts into vectors.
    metric : str
        ``"cosine"``, ``"l2"`` or ``"ip"``.
    **index_options
        Of `vicinal.Index`: ``dtype``, ``M``, ``ef_construction``, ``traversal``, ``lift``, ``seed``.

    Examples
    --------
    >>> from langchain_core.embeddings import DeterministicFakeEmbedding
    >>> store = VicinalVectorStore(DeterministicFakeEmbedding(size=8))
    >>> store.add_texts(["apples", "pears"], [{"year": 2024}, {"year": 2025}], ids=["a", "p"])
    ['a', 'p']
    >>> [document.page_content for document in store.similarity_search("pears", k=1)]
    ['pears']
    >>> [document.id for document in store.similarity_search("pears", k=2, filter={"year": 2024})]
    ['a']
    """

    def __init__(self, embedding: Embeddings, *, metric: str = "cosine", **index_options: Any) -> None:
        Index(1, metric, **index_options)  # what is wrong with a setting is said now, not at the first document
        self._embedding = embedding
        self._metric = metric
        self._options = dict(index_options)
        self._index: Index | None = None  # made when the first vector tells its dimension
        self._numbers: dict[str, int] = {}
        self._documents: dict[int, Document] = {}
        self._next = 0  # a number that was used is never used again: a search under way may still hold it
        self._writing = threading.Lock()

    @property
    def embeddings(self) -> Embeddings:
        """What turns texts into vectors."""
        return self._embedding

    @property
    def index(self) -> Index | None:
        """The index, for `tune`, `check` and `stats`; None before the first document. Documents enter by the store."""
        return self._index

    def __len__(self) -> int:
        return len(self._documents)

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> list[str]:
        """Embed texts and add them; a text whose id is there replaces what had it.

        Parameters
        ----------
        texts : iterable of str
        metadatas : list of dict, optional
            One for each text.
        ids : sequence of str or None, optional
            One for each text. Without one, a text gets a random one. Of an id that is there twice, the last counts.

        Returns
        -------
        list of str
            The texts' ids.

        Raises
        ------
        ValueError
            `metadatas` or `ids` is not as long as `texts`.
        InvalidVectorError, DimensionError
            The embedding gave what the index cannot hold. After all errors, the store is unchanged.
        """
        contents = list(texts)
        for name, given in (("metadatas", metadatas), ("ids", ids)):
            if given is not None and len(given) != len(contents):
                raise ValueError(f"{name} has {len(given)} entries, expected one for each of {len(contents)} texts")
        names = [given or str(uuid.uuid4()) for given in (ids or [None] * len(contents))]
        last = {name: row for row, name in enumerate(names)}
        if not contents:
            return []
        vectors = np.asarray(self._embedding.embed_documents(contents), dtype=np.float32)
        kept = [
            Document(id=name, page_content=contents[row], metadata=dict(metadatas[row]) if metadatas else {})
            for name, row in last.items()
        ]
        with self._writing:
            self._enter(kept, vectors[list(last.values())])
        return names

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Embed documents and add them, as `add_texts` does; their own ids count where none are given."""
        kwargs.setdefault("ids", [document.id for document in documents])
        texts = [document.page_content for document in documents]
        return self.add_texts(texts, [document.metadata for document in documents], **kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:  # noqa: ARG002
        """Remove documents; ids that are not there are passed over.

        Parameters
        ----------
        ids : list of str, optional
            Without them everything is removed, as LangChain has it.

        Returns
        -------
        bool
            True.
        """
        with self._writing:
            names = (
                list(self._numbers) if ids is None else [name for name in dict.fromkeys(ids) if name in self._numbers]
            )
            numbers = [self._numbers[name] for name in names]
            if numbers and self._index is not None:
                self._index.remove(numbers)
                for name, number in zip(names, numbers, strict=True):
                    del self._numbers[name], self._documents[number]
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return documents in the order of their ids, without those that are not there."""
        found = (self._documents.get(self._numbers.get(name, -1)) for name in ids)
        return [_copy(document) for document in found if document is not None]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the k documents nearest to a text; further arguments as of `similarity_search_with_score`."""
        return [document for document, _ in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """Return the k documents nearest to a text, nearest first, with their distances.

        Parameters
        ----------
        query : str
        k : int
        filter : dict or callable, optional
            What may be found: a dict of metadata in which each key must have that value, or one of those in a list,
            tuple or set; or a callable that is given each document, once a search, and says yes or no.
        **kwargs
            Of `vicinal.Index.search`: ``ef``, ``recall``, ``exact``, ``radius``, ``threads``.

        Returns
        -------
        list of (Document, float)
            Smaller is closer: 1 - cos, squared Euclidean distance, or 1 - x·y.
        """
        return self.similarity_search_with_score_by_vector(self._embedding.embed_query(query), k, **kwargs)

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the k documents nearest to a vector."""
        return [document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, **kwargs)]

    def similarity_search_with_score_by_vector(
        self, embedding: Sequence[float], k: int = 4, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """Return the k documents nearest to a vector, as `similarity_search_with_score` does."""
        numbers, distances = self._found(embedding, k, **kwargs)
        found = ((self._documents.get(number), distance) for number, distance in zip(numbers, distances, strict=True))
        return [(_copy(document), distance) for document, distance in found if document is not None]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return k documents near to a text and unlike each other: `max_marginal_relevance_search_by_vector`."""
        vector = self._embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return k of the `fetch_k` nearest documents, chosen one by one.

        Parameters
        ----------
        embedding : list of float
        k, fetch_k : int
        lambda_mult : float
            1 asks for what is near only, 0 for what is unlike only.
        **kwargs
            As of `similarity_search_with_score`.

        References
        ----------
        Carbonell and Goldstein, The use of MMR, diversity-based reranking for reordering documents and producing
        summaries, SIGIR 1998.
        """
        numbers, _ = self._found(embedding, max(k, fetch_k), **kwargs)
        documents = [self._documents.get(number) for number in numbers]
        there = [row for row, document in enumerate(documents) if document is not None]
        if not there or self._index is None:
            return []
        vectors = self._index.get([numbers[row] for row in there])
        chosen = maximal_marginal_relevance(np.asarray(embedding), list(vectors), lambda_mult=lambda_mult, k=k)
        return [_copy(document) for row in chosen if (document := documents[there[row]]) is not None]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write everything but the embedding into a folder, all or nothing.

        Raises
        ------
        TypeError
            Metadata is no JSON. Nothing was written.
        OSError
            The folder cannot be written to. What was there before is still there.
        """
        place = Path(folder)
        with self._writing:
            name = None if self._index is None else f"index-{self._index.digest()[:32]}.vic"
            written = json.dumps(
                {
                    "format": FORMAT,
                    "index": name,
                    "metric": self._metric,
                    "options": self._options,
                    "next": self._next,
                    "documents": [
                        [number, document.id, document.page_content, document.metadata]
                        for number, document in self._documents.items()
                    ],
                },
                allow_nan=False,
            )
            place.mkdir(parents=True, exist_ok=True)
            if self._index is not None and name is not None:
                self._index.save(place / name)
            _replace(place / DOCUMENTS, written)
            for old in place.glob("index-*.vic"):
                if old.name != name:
                    old.unlink()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], embedding: Embeddings) -> VicinalVectorStore:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : path
        embedding : Embeddings
            The one that the store was made with; another one finds nothing of use.

        Raises
        ------
        CorruptIndexError
            The files are damaged, or do not belong together.
        OSError
            There are none.
        """
        file = Path(folder) / DOCUMENTS
        try:
            given = json.loads(file.read_text(encoding="utf-8"))
            if given["format"] != FORMAT:
                raise MismatchError(f"{file} has format {given['format']!r}, expected {FORMAT}")
            store = cls(embedding, metric=given["metric"], **given["options"])
            for number, name, content, metadata in given["documents"]:
                store._numbers[name] = number
                store._documents[number] = Document(id=name, page_content=content, metadata=metadata)
            store._next = int(given["next"])
            name = given["index"]
            listed = sorted(int(row[0]) for row in given["documents"])
        except MismatchError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptIndexError(f"{file} is damaged: {error}") from error
        if name is not None:
            if not isinstance(name, str) or Path(name).name != name:
                raise CorruptIndexError(f"{file} names the index {name!r}, expected a file beside it")
            store._index = Index.load(Path(folder) / name)
        there = [] if store._index is None else store._index.ids.tolist()
        if listed != there or len(store._numbers) != len(there) or store._next <= max(there, default=-1):
            raise CorruptIndexError(f"{file} has {len(listed)} documents that are not those of its index")
        return store

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> VicinalVectorStore:
        """Make a store of texts; other arguments as of the class."""
        store = cls(embedding, **kwargs)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def _enter(self, documents: list[Document], vectors: NDArray[np.float32]) -> None:
        index = self._index
        if index is None:
            index = Index(vectors.shape[-1], self._metric, **self._options)
        new = (document.id for document in documents if document.id not in self._numbers)
        numbers = self._numbers | {str(name): self._next + row for row, name in enumerate(new)}
        rows = [numbers[str(document.id)] for document in documents]
        # Documents first: whoever finds a vector finds what it stands for.
        before = {row: self._documents[row] for row in rows if row in self._documents}
        self._documents.update(zip(rows, documents, strict=True))
        try:
            index.upsert(rows, vectors)
        except BaseException:
            if entered := [row for row in rows if row not in before and row in index]:  # Ctrl-C leaves what is in
                index.remove(entered)
            for row in rows:
                self._documents.pop(row, None)
            self._documents.update(before)
            raise
        self._index, self._numbers, self._next = index, numbers, max(self._next, *(row + 1 for row in rows))

    def _found(
        self,
        embedding: Sequence[float],
        k: int,
        filter: Wanted = None,  # noqa: A002
        **kwargs: Any,
    ) -> tuple[list[int], list[float]]:
        index = self._index
        if index is None or not len(index):
            return [], []
        options = {name: kwargs[name] for name in ("ef", "recall", "exact", "radius", "threads") if name in kwargs}
        query = np.asarray(embedding, dtype=np.float32)
        admitted = None if filter is None else self._admitted(filter)
        found = index.search(query, k, filter=admitted, **options)
        count = int(found.counts) if np.ndim(found.counts) == 0 else int(found.counts[0])
        return found.ids[:count].tolist(), found.distances[:count].tolist()

    def _admitted(self, wanted: Mapping[str, Any] | Callable[[Document], bool]) -> NDArray[np.int64]:
        says_yes = wanted if callable(wanted) else _matcher(wanted)
        documents = list(self._documents.items())  # in one step: another thread may add meanwhile
        return np.array([number for number, document in documents if says_yes(document)], dtype=np.int64)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Between 1 for the same and 0, as LangChain wants it; for ip, what x·y is."""
        if self._metric == "l2":
            return lambda distance: 1 / (1 + distance)
        if self._metric == "cosine":
            return lambda distance: 1 - distance / 2
        return lambda distance: 1 - distance


def _matcher(wanted: Mapping[str, Any]) -> Callable[[Document], bool]:
    if not isinstance(wanted, Mapping):
        raise TypeError(f"filter is {type(wanted).__name__}, expected a dict of metadata or a callable")
    choices = [
        (key, value if isinstance(value, list | tuple | set | frozenset) else [value]) for key, value in wanted.items()
    ]
    return lambda document: all(key in document.metadata and document.metadata[key] in some for key, some in choices)


def _copy(document: Document) -> Document:
    """A caller who changes what it was given changes nothing of the store."""
    return Document(id=document.id, page_content=document.page_content, metadata=dict(document.metadata))


def _replace(file: Path, text: str) -> None:
    beside = file.with_name(f"{file.name}.tmp-{uuid.uuid4().hex}")
    try:
        with beside.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
