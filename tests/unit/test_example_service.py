"""The service in examples/service: a real process of uvicorn, asked by a real client."""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import vicinal

pytest.importorskip("fastapi", reason="fastapi is missing: pip install 'vicinal[service]'")
pytest.importorskip("uvicorn", reason="uvicorn is missing: pip install 'vicinal[service]'")
pytest.importorskip("httpx", reason="httpx is missing: pip install 'vicinal[service]'")

import httpx

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "examples" / "service" / "app.py"
PATIENCE = 120  # seconds until a process that does not answer is given up; a loaded machine starts slowly
TEXTS = [("a card game for two", "games"), ("a game of chess", "games"), ("plays chess on a server", "net")]

Service = tuple[httpx.Client, "subprocess.Popen[bytes]"]


@contextlib.contextmanager
def serving(folder: Path, *words: str) -> Iterator[Service]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(APP), "--folder", str(folder), "--port", str(port), *words]
    with subprocess.Popen(command) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
                wait_for(client, process)
                yield client, process
        finally:
            process.kill()


def wait_for(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE
    while not answers(client):
        assert process.poll() is None, "the service ended before it answered"
        assert time.monotonic() < end, "the service does not answer"
        time.sleep(0.05)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that holds nothing; each test adds what it needs."""
    with serving(tmp_path_factory.mktemp("shelf")) as (client, _):
        yield client


@pytest.fixture
def add(client: httpx.Client) -> Iterator[Callable[..., list[int]]]:
    """Add (text, section); what was added is gone after the test."""
    added: list[int] = []

    def post(texts: list[tuple[str, str]] = TEXTS) -> list[int]:
        answer = client.post("/items", json=[{"text": text, "section": section} for text, section in texts])
        assert answer.status_code == 201
        added.extend(answer.json())
        return list(answer.json())

    yield post
    for number in added:
        client.delete(f"/items/{number}")


def hits(client: httpx.Client, **asked: Any) -> list[int]:
    answer = client.get("/search", params=asked)
    assert answer.status_code == 200
    return [hit["id"] for hit in answer.json()]


def test_what_is_added_is_found_nearest_first(client: httpx.Client, add: Callable[..., list[int]]) -> None:
    card, chess, server = add()

    found = client.get("/search", params={"q": "game of chess"}).json()

    assert found[0]["id"] == chess
    assert {hit["id"] for hit in found} == {card, chess, server}
    assert [hit["distance"] for hit in found] == sorted(hit["distance"] for hit in found)


def test_a_search_keeps_to_a_section(client: httpx.Client, add: Callable[..., list[int]]) -> None:
    *_, server = add()

    assert hits(client, q="game of chess", section="net") == [server]
    assert hits(client, q="game of chess", section="nobody's") == []


def test_an_item_is_replaced_and_removed(client: httpx.Client, add: Callable[..., list[int]]) -> None:
    card, *_ = add()

    assert client.put(f"/items/{card}", json={"text": "a telescope", "section": "science"}).status_code == 200
    assert hits(client, q="telescope", k=1) == [card]
    assert client.get(f"/items/{card}").json() == {"text": "a telescope", "section": "science"}
    assert client.delete(f"/items/{card}").status_code == 200
    assert card not in hits(client, q="telescope")
    assert client.get(f"/items/{card}").status_code == 404
    assert client.delete(f"/items/{card}").status_code == 404


@pytest.mark.parametrize("asked", [{"q": ""}, {"q": "a", "k": 0}, {"q": "a", "k": 101}, {}])
def test_a_search_that_makes_no_sense_is_refused(client: httpx.Client, asked: dict[str, Any]) -> None:
    assert client.get("/search", params=asked).status_code == 422


def test_an_id_that_no_index_can_hold_is_refused(client: httpx.Client) -> None:
    assert client.put(f"/items/{2**63}", json={"text": "a"}).status_code == 422
    assert client.put("/items/-1", json={"text": "a"}).status_code == 422
    assert client.post("/items", json=[{"text": ""}]).status_code == 422
    assert client.post("/items", json=[]).json() == []


def test_searches_run_beside_changes(client: httpx.Client, add: Callable[..., list[int]]) -> None:
    chess = add()[1]

    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(hits, client, q="game of chess", k=1) for _ in range(30)]
        changed = [threads.submit(add, [("words about weather", "news")] * 3) for _ in range(10)]

    assert all(answer.result() == [chess] for answer in asked)
    assert len({number for answer in changed for number in answer.result()}) == 30
    assert client.get("/health").json()["ok"]


def test_metrics_count_calls_and_vectors(client: httpx.Client, add: Callable[..., list[int]]) -> None:
    def metrics() -> dict[str, float]:
        lines = [line.split() for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    add()
    hits(client, q="chess")
    before = metrics()
    hits(client, q="chess")
    after = metrics()

    searches = 'vicinal_call_seconds_count{call="search"}'
    assert after[searches] == before[searches] + 1
    assert after["vicinal_vectors"] == 3
    assert after['vicinal_call_seconds_sum{call="search"}'] > before['vicinal_call_seconds_sum{call="search"}']


def test_a_killed_service_has_what_it_said_it_had(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, process):
        numbers = client.post("/items", json=[{"text": text, "section": section} for text, section in TEXTS]).json()
        client.delete(f"/items/{numbers[0]}")
        process.send_signal(signal.SIGKILL)
        process.wait()

    with serving(tmp_path) as (client, _):
        assert hits(client, q="game of chess") == numbers[1:]


def test_a_snapshot_is_an_index_and_its_texts(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, _):
        client.post("/items", json=[{"text": text, "section": section} for text, section in TEXTS])
        said = client.post("/snapshot").json()
        client.put("/items/0", json={"text": "something else"})

    assert said == {"vectors": 3, "digest": vicinal.Index.load(tmp_path / "snapshot" / "items.vic").digest()}
    shutil.copytree(tmp_path / "snapshot", tmp_path / "restored")
    with serving(tmp_path / "restored") as (client, _):
        assert client.get("/items/0").json()["text"] == TEXTS[0][0]


def test_texts_count_when_a_crash_came_between_text_and_vector(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, _):
        client.post("/items", json=[{"text": text, "section": section} for text, section in TEXTS])
    with contextlib.closing(sqlite3.connect(tmp_path / "items.sqlite")) as texts, texts:
        texts.execute("DELETE FROM items WHERE id = 0")
        texts.execute("UPDATE items SET text = 'a telescope' WHERE id = 1")
        texts.execute("INSERT INTO items VALUES (7, 'a microscope', 'science')")

    with serving(tmp_path) as (client, _):
        assert client.get("/health").json()["vectors"] == 3
        assert hits(client, q="telescope", k=1) == [1]
        assert hits(client, q="microscope", k=1) == [7]


def test_the_page_shows_hits_and_nothing_of_them_is_markup(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not here (apt-get install chromium): the search page was not opened")
    with serving(tmp_path / "shelf") as (client, _):
        client.post("/items", json=[{"text": "chess <b>bold</b>", "section": "games"}])
        page = f"{client.base_url}?q=chess"
        words = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--virtual-time-budget=20000",
        ]
        shown = subprocess.run(
            [chromium, *words, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page],
            check=True, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "HOME": str(tmp_path)},
        ).stdout  # fmt: skip

    assert "1 found" in shown
    assert "chess &lt;b&gt;bold&lt;/b&gt;" in shown
