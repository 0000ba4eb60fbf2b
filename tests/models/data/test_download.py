"""Downloads from a server in this process, which can break off and go on."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from models.data.cache import FetchError
from models.data.catalogue import Address, File
from models.data.download import download

CONTENT = bytes(range(256)) * 400


class Handler(BaseHTTPRequestHandler):
    """Sends `CONTENT`, or what the path says of it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range"))
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        if self.path == "/absent" or start > len(CONTENT):
            self.send_error(416 if start else 404)
            return
        self.close_connection = True
        if self.path == "/chunk":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nhalf of a chunk")
            return
        if self.path == "/deaf":
            start = 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + 1000 if self.path == "/breaks" else None])

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setenv("no_proxy", "*")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: HTTPServer, path: str, part: Path, size: int = len(CONTENT)) -> tuple[bytes, int]:
    """What comes, and how many bytes were told."""
    told: list[int] = []
    url = f"http://127.0.0.1:{server.server_port}/{path}"
    content = download(url, File("set/a.txt", "0" * 64, size, Address(url)), part, told.append)
    return content, sum(told)


def test_whole(server: HTTPServer, tmp_path: Path) -> None:
    assert get(server, "file", tmp_path / "a.part") == (CONTENT, len(CONTENT))
    assert server.asked == [None]


def test_goes_on_where_it_broke_off(server: HTTPServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    message = r"/breaks: broke off after 1,000 of 102,400 bytes; run the command again, or place"
    with pytest.raises(FetchError, match=message):
        get(server, "breaks", part)
    assert part.read_bytes() == CONTENT[:1000]
    assert get(server, "file", part) == (CONTENT, len(CONTENT) - 1000)
    assert server.asked == [None, "bytes=1000-"]


def test_breaks_off_in_the_middle_of_a_chunk(server: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"/chunk: broke off: IncompleteRead"):
        get(server, "chunk", tmp_path / "a.part")


def test_starts_anew_where_the_server_cannot_go_on(server: HTTPServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    part.write_bytes(b"x" * 1000)
    assert get(server, "deaf", part) == (CONTENT, len(CONTENT))


def test_whole_part_is_not_asked_for(server: HTTPServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    part.write_bytes(CONTENT)
    assert get(server, "absent", part) == (CONTENT, 0)
    assert server.asked == []


def test_part_of_something_longer_is_dropped(server: HTTPServer, tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    part.write_bytes(CONTENT + b"more")
    with pytest.raises(FetchError, match="Range Not Satisfiable"):
        get(server, "file", part, size=2 * len(CONTENT))
    assert not part.exists()


def test_absent(server: HTTPServer, tmp_path: Path) -> None:
    message = r"/absent: Not Found; run the command again, or place by hand in .*: set/a\.txt \(SHA"
    with pytest.raises(FetchError, match=message):
        get(server, "absent", tmp_path / "a.part")
    assert not (tmp_path / "a.part").exists()


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        pass
    with pytest.raises(FetchError, match="refused"):
        get(server, "file", tmp_path / "a.part")
