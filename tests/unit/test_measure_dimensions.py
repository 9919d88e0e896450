"""How many dimensions a data set is said to have."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vicinal.measure.dimensions import dimension_summary, two_nearest_dimension


@pytest.mark.parametrize("dim", [2, 6])
def test_a_summary_tells_how_many_dimensions_there_are(dim: int, rng: np.random.Generator) -> None:
    flat = rng.random((3000, dim)) @ rng.standard_normal((dim, 32))

    summary = dimension_summary(np.vstack([flat, flat[:1]]).astype(np.float32))

    assert summary["mean"] == pytest.approx(dim, rel=0.15)
    assert summary["p5"] < summary["p50"] < summary["p95"]
    assert summary["two_nearest"] == pytest.approx(dim, rel=0.15)


def test_copies_alone_have_no_dimension() -> None:
    copies: NDArray[np.float32] = np.ones((200, 4), dtype=np.float32)

    assert np.isnan(two_nearest_dimension(copies))
    assert dimension_summary(copies)["undefined"] == 200
