"""The suite that LangChain holds vector stores to, synchronous and asynchronous: make test-langchain."""

import pytest

pytest.importorskip("langchain_tests", reason="langchain-tests is not here: make test-langchain")

from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from vicinal.langchain import VicinalVectorStore


class TestStandard(VectorStoreIntegrationTests):
    """Every check of the suite, on an empty store."""

    @pytest.fixture
    def vectorstore(self) -> VectorStore:
        return VicinalVectorStore(self.get_embeddings())
