"""What every test may use: where things are, the larger data sets, seeded randomness."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = int(os.environ.get("VICINAL_EXAMPLES", "10000"))  # of a soak
LARGER_SETS = Path(os.environ.get("VICINAL_DATA", ROOT.parent / "shared" / "data"))

if importlib.util.find_spec("hypothesis"):
    from hypothesis import HealthCheck, settings

    # The same examples on every run, and no clock: a slow machine is not a wrong one.
    settings.register_profile(
        "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
    )
    settings.register_profile("soak", settings.get_profile("repeatable"), derandomize=False, max_examples=EXAMPLES)
    settings.load_profile(os.environ.get("VICINAL_HYPOTHESIS", "repeatable"))


def pytest_report_header() -> list[str]:
    """Say which larger data sets this run has: a skip for want of them should surprise nobody."""
    found = "found" if LARGER_SETS.is_dir() else "NOT FOUND, tests that need it are skipped"
    return [f"larger data sets (VICINAL_DATA or ../shared/data): {found}"]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def bundled() -> Callable[[str], dict[str, Any]]:
    """Load a set of bench/data as it is stored: ``bundled("sift-20k")["base"]``."""

    def load(name: str) -> dict[str, Any]:
        with np.load(ROOT / "bench" / "data" / f"{name}.npz") as arrays:
            return {key: arrays[key].item() if arrays[key].ndim == 0 else arrays[key] for key in arrays.files}

    return load


@pytest.fixture(scope="session")
def larger_set() -> Callable[[str], dict[str, Any]]:
    """Load a set of ../shared/data with its own loader; the test is skipped where the folder is absent."""

    def load(name: str) -> dict[str, Any]:
        loader = LARGER_SETS / "data.py"
        if not loader.is_file():
            pytest.skip(
                f"{name} is not here: put the larger sets into ../shared/data or name their folder VICINAL_DATA"
            )
        spec = importlib.util.spec_from_file_location("larger_sets", loader)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return dict(module.load(name))

    return load


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same in every run of this test; VICINAL_SEED draws others."""
    seed = int(os.environ.get("VICINAL_SEED", "0"))
    request.node.user_properties.append(("seed", seed))
    return np.random.default_rng(seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Name the seed in the report of a test that failed."""
    report = yield
    seeds = [value for name, value in item.user_properties if name == "seed"]
    if report.failed and seeds:
        report.sections.append(("seed", f"repeat with VICINAL_SEED={seeds[0]}"))
    return report
