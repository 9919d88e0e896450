"""Where a measurement ran: processor, system, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Environment:
    """What someone needs to know to judge the figures."""

    date: str
    processor: str
    cores: int
    system: str
    python: str
    numpy: str
    vicinal: str
    commit: str | None


def describe_environment() -> Environment:
    """Look at this machine.

    Examples
    --------
    >>> describe_environment().cores >= 1
    True
    """
    try:
        version = metadata.version("vicinal")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return Environment(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        processor=_processor(),
        cores=len(usable_cores()),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        numpy=np.__version__,
        vicinal=version,
        commit=_commit(),
    )


def usable_cores() -> list[int]:
    """List the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = facts.get("model name", platform.machine())
    if "cpu family" in facts:  # cloud machines often hide the model behind a bare family name
        name += f", family {facts['cpu family']} model {facts.get('model', '?')}"
    features = [label for flag, label in (("avx2", "AVX2"), ("avx512f", "AVX-512")) if flag in facts.get("flags", "")]
    return f"{name} ({', '.join(features)})" if features else name


def _commit() -> str | None:
    """Name the commit, with a plus for changes on top of it, if this package lies in its own repository."""
    folder = Path(__file__).resolve().parent
    root = _git(folder, "rev-parse", "--show-toplevel")
    if not root or not (Path(root) / "python" / "vicinal").is_dir():
        return None
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+" if commit and changed else commit or None


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
