"""wheel_contents.py WHEEL: refuses a wheel that is too large, lacks a part, or holds what is not Python's."""

import re
import sys
import zipfile
from pathlib import Path

LARGEST = 3_000_000
NEEDED = {"vicinal/__init__.py", "vicinal/py.typed", "vicinal/_core.pyi"}
FOREIGN = re.compile(r"\.(hpp|ipp|cpp|a|cmake|txt)$|\.libs/|^(bench|cpp|examples|include|lib|tests)/")


def main(wheel: Path) -> None:
    """Say all that is wrong, and end with 1, or say nothing."""
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        modules = [name for name in names if re.fullmatch(r"vicinal/_core\..*(so|pyd)", name)]
        code = b"".join(file.read(name) for name in modules)
    foreign = sorted(name for name in names if FOREIGN.search(name) and not name.endswith("entry_points.txt"))
    wrong = [
        *([f"{wheel.stat().st_size} bytes, expected at most {LARGEST}"] if wheel.stat().st_size > LARGEST else []),
        *(f"lacks {name}" for name in sorted(NEEDED - names)),
        *(f"holds {name}" for name in foreign),
        *([f"holds {len(modules)} modules _core, expected one"] if len(modules) != 1 else []),
        *(["its module wants OpenMP"] if b"libgomp" in code or b"libomp" in code else []),
    ]
    for fault in wrong:
        print(f"{wheel.name}: {fault}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main(Path(sys.argv[1]))
