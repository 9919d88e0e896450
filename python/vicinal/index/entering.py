"""Which row of a batch enters the graph when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vicinal import _core
from vicinal.errors import Interrupted
from vicinal.order import Order, judge, permutation
from vicinal.order.sequences import category_numbers

__all__ = ["AS_GIVEN", "chosen_order"]

AS_GIVEN = np.empty(0, dtype=np.int64)


def chosen_order(
    index: _core.Index, rows: NDArray[Any], order: Order, labels: ArrayLike | None, threads: int
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Choose the sequence of a batch (`AS_GIVEN` for rows as they stand), and say what ``stats()["order"]`` tells.

    An order that looks at the rows is given them only once they are checked, while they have the caller's numbers.

    Raises
    ------
    Interrupted
        Ctrl-C, with nothing added.
    """
    if labels is not None:
        category_numbers(labels, len(rows), str(order))
    if isinstance(order, str) and order == "given":
        return AS_GIVEN, {"asked": "given", "chosen": "given", "why": "asked for by name"}
    options = index._options()
    metric, seed = options["metric"], options["seed"]
    try:
        if isinstance(order, str) and order == "auto":
            found = judge(rows, metric, seed=seed)
            told = {"asked": "auto", "chosen": found.chosen, "why": found.why, "beside_nearer": found.beside_nearer}
            return AS_GIVEN if found.sequence is None else found.sequence, told
        index._check(rows, threads)
        sequence = permutation(rows, order, seed=seed, labels=labels, metric=metric, threads=threads)
    except KeyboardInterrupt as interrupt:
        raise Interrupted(np.empty(0, dtype=np.int64)) from interrupt
    if isinstance(order, str):
        return sequence, {"asked": order, "chosen": order, "why": "asked for by name"}
    kind = "callable" if callable(order) else "permutation"
    return sequence, {"asked": kind, "chosen": kind, "why": "given by the caller"}
