"""A search takes as many instructions as it did: what times would say if the machine were quiet."""

from pathlib import Path
from typing import Any

import instructions
import pytest

RENEW = "python bench/instructions.py --renew"


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        built: Path = instructions.program()
        instructions.compiler(built)
    except instructions.CannotCountError as error:
        pytest.skip(f"INSTRUCTIONS ARE NOT GUARDED: {error}")
    return built


@pytest.fixture(scope="module")
def baseline(program: Path) -> dict[str, Any]:
    compiled_by = instructions.compiler(program)
    known: dict[str, dict[str, Any]] = instructions.baselines()
    if compiled_by not in known:
        pytest.skip(
            f"INSTRUCTIONS ARE NOT GUARDED: there is no baseline for {compiled_by}, only for {', '.join(known)}; "
            f"to add it, on a commit that is known to be good: {RENEW}"
        )
    return known[compiled_by]


def test_searches_take_as_many_instructions_as_they_did(program: Path, baseline: dict[str, Any]) -> None:
    assert instructions.cases(program) == list(baseline), f"cases have changed: {RENEW}"
    changed = []
    for case, before in baseline.items():
        now = instructions.count(program, case)
        ratio = now.instructions / before.instructions
        if abs(ratio - 1) > instructions.TOLERANCE:
            changed.append(f"{case}: {ratio - 1:+.2%}; {before} -> {now}")

    assert not changed, "\n".join([*changed, f"if this is meant: {RENEW}"])


def test_an_instruction_count_is_that_of_the_searches_alone_and_repeats(program: Path) -> None:
    case = instructions.cases(program)[0]

    first, second = (instructions.count(program, case) for _ in range(2))

    assert first.hops == second.hops
    assert first.instructions == pytest.approx(second.instructions, rel=0.002)
    # 96 floats in vectors of 8 take 12 loads at the least; loading the index takes far more than all searches.
    assert 12 < first.instructions / first.distances < 1000
