"""The page that says what a folder of shards holds.

``manifest.json`` is replaced in one step, so that the folder is at any moment what one manifest says. It trusts
nothing: its own checksum finds accidents, and every value is looked at, because a checksum can be made to fit.
Names of files follow from the shard's number and generation, so that a manifest cannot point out of its folder.

====================  ==================================================================================
``format, version``   ``"vicinal shards"``, 1
``generation``        0 as built, one more with each change
``settings``          dim, metric and the other settings of `vicinal.Index`
``next_id``           the largest id ever used + 1
``shards``            for each: generation of its file, vectors, least and largest id, bytes, SHA-256 of the file,
                      and of what it was built from (null once it was changed)
``calibration``       what `tune` found, or null
``checksum``          SHA-256 of all the rest
====================  ==================================================================================
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vicinal.arrays import MAX_ID
from vicinal.errors import CorruptIndexError, FormatTooNewError, NotAnIndexError
from vicinal.files import replace_file
from vicinal.shards.routing import MAX_SHARDS

__all__ = ["Entry", "Manifest", "file_sha256", "read_manifest"]

NAME = "manifest.json"
FORMAT = "vicinal shards"
VERSION = 1
MAX_BYTES = 64 << 20
NUMBERS, NAMES = ("dim", "M", "ef_construction", "seed"), ("metric", "dtype", "traversal", "lift")
SETTINGS: dict[str, type] = {**dict.fromkeys(NUMBERS, int), **dict.fromkeys(NAMES, str)}
TIER = ("codes", "vectors")  # of shards with codes, both


@dataclass(frozen=True)
class Entry:
    """One shard: its file and what is in it."""

    generation: int
    vectors: int
    least_id: int  # -1 in an empty shard
    largest_id: int
    bytes: int
    sha256: str
    source: str | None  # SHA-256 of the settings, ids and rows it was built from; None once it was changed

    def file(self, number: int) -> str:
        """Return the file's name."""
        return f"shard-{number:05d}-{self.generation}.vicinal"


@dataclass(frozen=True)
class Manifest:
    """What a folder of shards holds, at one moment."""

    settings: dict[str, Any]
    shards: tuple[Entry, ...]
    generation: int = 0
    next_id: int = 0
    calibration: dict[str, Any] | None = None

    @property
    def vectors(self) -> int:
        """Vectors of all shards."""
        return sum(entry.vectors for entry in self.shards)

    def write(self, folder: Path) -> None:
        """Make it the folder's manifest, all or nothing."""
        page = {"format": FORMAT, "version": VERSION, **asdict(self)}
        page["checksum"] = _checksum(page)
        replace_file(folder / NAME, [(json.dumps(page, indent=1, sort_keys=True) + "\n").encode()])


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises
    ------
    FileNotFoundError
        There is none.
    NotAnIndexError, CorruptIndexError, FormatTooNewError
        It is something else, damaged, or from a later version.
    """
    path = folder / NAME
    if not path.exists():
        raise FileNotFoundError(2, "no sharded index here: its manifest is missing", str(path))
    if path.stat().st_size > MAX_BYTES:
        raise NotAnIndexError(f"{path}: {path.stat().st_size} bytes, expected a manifest of at most {MAX_BYTES}")
    try:
        page = json.loads(path.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise NotAnIndexError(f"{path}: not a manifest: {error}") from error
    if not isinstance(page, dict) or page.get("format") != FORMAT:
        raise NotAnIndexError(f"{path}: not a manifest of shards: it does not say {FORMAT!r}")
    if not _is_count(page.get("version")) or page["version"] < 1:
        raise CorruptIndexError(f"{path}: version is {page.get('version')!r}, expected {VERSION}")
    if page["version"] > VERSION:
        raise FormatTooNewError(f"{path}: version {page['version']}, this vicinal reads up to {VERSION}")
    said = page.pop("checksum", None)
    if said != _checksum(page):
        raise CorruptIndexError(f"{path}: the checksum does not match: the manifest was cut short or changed")
    try:
        return _parsed(page)
    except _WrongError as error:
        raise CorruptIndexError(f"{path}: {error}") from None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    content = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            content.update(piece)
    return content.hexdigest()


class _WrongError(Exception):
    """A value of a manifest that cannot be."""


def _checksum(page: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(page, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _parsed(page: dict[str, Any]) -> Manifest:
    _expect(set(page) == {"format", "version", *Manifest.__dataclass_fields__}, "the page", "its seven keys")
    settings, shards, calibration = page["settings"], page["shards"], page["calibration"]
    known = isinstance(settings, dict) and set(settings) in (set(SETTINGS), {*SETTINGS, *TIER})
    _expect(known, "settings", f"{', '.join(SETTINGS)}")
    for name in set(settings) & set(TIER):
        _expect(type(settings[name]) is str, f"settings: {name}", "str")
    for name, kind in SETTINGS.items():
        _expect(type(settings[name]) is kind, f"settings: {name}", kind.__name__)
    _expect(isinstance(shards, list) and 1 <= len(shards) <= MAX_SHARDS, "shards", f"a list of 1 to {MAX_SHARDS}")
    _expect(_is_count(page["generation"]), "generation", "a whole number")
    _expect(_is_count(page["next_id"]) and page["next_id"] <= MAX_ID + 1, "next_id", "0 to 2**63")
    entries = tuple(_entry(entry, f"shard {number}", page) for number, entry in enumerate(shards))
    _check_calibration(calibration, len(entries))
    return Manifest(settings, entries, page["generation"], page["next_id"], calibration)


def _entry(entry: Any, name: str, page: dict[str, Any]) -> Entry:
    _expect(isinstance(entry, dict) and set(entry) == set(Entry.__dataclass_fields__), name, "its seven keys")
    for key in ("generation", "vectors", "bytes"):
        _expect(_is_count(entry[key]), f"{name}: {key}", "a whole number")
    _expect(entry["generation"] <= page["generation"], f"{name}: generation", f"at most {page['generation']}")
    least, largest = entry["least_id"], entry["largest_id"]
    if entry["vectors"]:
        _expect(_is_count(least) and _is_count(largest), f"{name}: ids", "whole numbers")
        fits = least <= largest < page["next_id"] and largest - least >= entry["vectors"] - 1
        _expect(fits, f"{name}: ids from {least} to {largest}", f"{entry['vectors']} below {page['next_id']}")
    else:
        _expect((least, largest) == (-1, -1), f"{name}: ids of an empty shard", "-1")
    _expect(_is_sha(entry["sha256"]), f"{name}: sha256", "64 hexadecimal digits")
    _expect(entry["source"] is None or _is_sha(entry["source"]), f"{name}: source", "64 hexadecimal digits")
    return Entry(**entry)


def _check_calibration(known: Any, shards: int) -> None:
    if known is None:
        return
    _expect(isinstance(known, dict) and set(known) == {"size", "queries", "efforts"}, "calibration", "its three keys")
    _expect(_is_count(known["size"]) and known["size"] > 0, "calibration: size", "a number of vectors")
    _expect(_is_count(known["queries"]), "calibration: queries", "a whole number")
    _expect(isinstance(known["efforts"], list), "calibration: efforts", "a list")
    for effort in known["efforts"]:
        whole = isinstance(effort, dict) and set(effort) == {"k", "recall", "reached", "measured", "low", "ef"}
        _expect(whole, "calibration: an effort", "its six keys")
        _expect(_is_count(effort["k"]) and effort["k"] > 0, "calibration: k", "1 or more")
        for name in ("recall", "measured", "low"):
            share = effort[name]
            _expect(isinstance(share, (int, float)) and 0 <= share <= 1, f"calibration: {name}", "a number, 0 to 1")
        _expect(type(effort["reached"]) is bool, "calibration: reached", "true or false")
        widths = effort["ef"]
        _expect(isinstance(widths, list) and len(widths) == shards, "calibration: ef", f"{shards} numbers")
        _expect(all(_is_count(ef) and 1 <= ef <= 1_000_000 for ef in widths), "calibration: ef", "1 to 1 000 000")


def _expect(holds: bool, what: str, expected: str) -> None:
    if not holds:
        raise _WrongError(f"{what}: expected {expected}")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_sha(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
