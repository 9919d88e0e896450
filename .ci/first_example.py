"""first_example.py README: runs the first example of the page, as someone does who has just installed the package."""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path


def main(page: str) -> None:
    """Run it, and say which package it ran with."""
    example = re.search(r"^```python\n(.*?)^```", Path(page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert example is not None, f"{page} holds no example"
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(example[1], page, "exec"), names)

    ids, index = names["ids"], names["index"]
    assert ids[:, 0].tolist() == list(range(5)), f"{ids} are not the nearest"
    others = {found.metadata["Name"] for found in distributions()} - {"numpy", "pip", "setuptools", "vicinal", "wheel"}
    print(f"the first example runs; kernels {index.stats()['kernels']}; also installed: {sorted(others) or 'nothing'}")


main(sys.argv[1])
