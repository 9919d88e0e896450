"""A small retrieval service that embeds the index: FastAPI around `vicinal.Index`.

    pip install 'vicinal[service]'
    python examples/service/app.py --folder shelf --fill    # with the bundled texts; then open
    http://127.0.0.1:8000

One process holds the index. FastAPI answers each request on a thread of its own; searches run beside each other and
beside changes. There is no authentication here: keep it behind something that has it.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import numpy as np
import uvicorn
from counts import Counts
from fastapi import FastAPI, HTTPException, Query
from fastapi import Path as PathPart
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import BaseModel, Field
from shelf import Item, Shelf

HERE = Path(__file__).resolve().parent
BUNDLED = HERE.parents[1] / "bench" / "data" / "minilm-5k.npz"
Number = Annotated[int, PathPart(ge=0, le=2**63 - 2)]


class Given(BaseModel):
    """A text that a client sends."""

    text: str = Field(min_length=1, max_length=10_000)
    section: str = Field(default="", max_length=200)


class Hit(BaseModel):
    """A text that a client gets, and how far it is from the query: 1 - cos."""

    id: int
    text: str
    section: str
    distance: float


def make_app(folder: Path, fill: bool = False) -> FastAPI:
    """Return the service; what is in `folder` is open as long as it runs."""
    counts = Counts()
    held: dict[str, Shelf] = {}

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.closing(Shelf(folder)) as shelf:
            if fill and not len(shelf.index):
                shelf.add(bundled_texts())
            held["shelf"] = shelf
            yield

    app = FastAPI(title="vicinal as a service", lifespan=running)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return (HERE / "page.html").read_text(encoding="utf-8")

    @app.post("/items", status_code=201)
    def add(items: list[Given]) -> list[int]:
        with counts.of("add"):
            return held["shelf"].add([(item.text, item.section) for item in items])

    @app.put("/items/{number}")
    def put(number: Number, item: Given) -> None:
        with counts.of("put"):
            held["shelf"].put(Item(number, item.text, item.section))

    @app.get("/items/{number}")
    def get(number: Number) -> Given:
        found = held["shelf"].get([number])
        if not found:
            raise HTTPException(404, f"there is no item {number}")
        return Given(text=found[number].text, section=found[number].section)

    @app.delete("/items/{number}")
    def remove(number: Number) -> None:
        with counts.of("remove"):
            if not held["shelf"].remove(number):
                raise HTTPException(404, f"there is no item {number}")

    @app.get("/search")
    def search(
        q: Annotated[str, Query(min_length=1, max_length=10_000)],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        section: str | None = None,
    ) -> list[Hit]:
        with counts.of("search"):
            found = held["shelf"].search(q, k, section)
        return [Hit(id=item.id, text=item.text, section=item.section, distance=distance) for item, distance in found]

    @app.post("/snapshot")
    def snapshot() -> dict[str, str | int]:
        return held["shelf"].copy_to(folder / "snapshot")

    @app.get("/health")
    def health() -> dict[str, bool | int]:
        found = held["shelf"].index.check()
        return {"ok": found.ok, "unreachable": found.unreachable, "vectors": len(held["shelf"].index)}

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> str:
        return counts.text(held["shelf"].index)

    return app


def bundled_texts() -> list[tuple[str, str]]:
    """Return descriptions of 5 000 packages of Debian, with the sections of the archive they are in."""
    with np.load(BUNDLED) as arrays:
        names = arrays["label_names"]
        return [
            (str(text), str(names[label])) for text, label in zip(arrays["base_text"], arrays["labels"], strict=True)
        ]


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the texts and the index are kept")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fill", action="store_true", help="begin with the bundled texts when the folder is empty")
    options = parser.parse_args()
    uvicorn.run(make_app(options.folder, options.fill), host=options.host, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
