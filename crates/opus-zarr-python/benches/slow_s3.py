"""A directory as a bucket of S3 on loopback that answers late and counts requests.

    python slow_s3.py FOLDER MILLISECONDS

Prints its port. ``GET /`` returns how many requests there were since the last time, as JSON. It reads only:
GET and HEAD of objects, with ranges; no listing, no signatures.
"""

from __future__ import annotations

import collections
import email.utils
import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time
import typing
import urllib.parse


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Clients that read at the same time connect at the same time.
    request_queue_size = 128

    def __init__(self, folder: pathlib.Path, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.delay = folder, delay
        self.lock, self.counts = threading.Lock(), collections.Counter[str]()

    def count(self, **counts: int) -> None:
        with self.lock:
            self.counts.update(counts)

    def take_counts(self) -> dict[str, int]:
        with self.lock:
            counts, self.counts = self.counts, collections.Counter()
        return dict(counts)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body would otherwise wait for each other, 40 ms at a time.
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        if self.path == "/":
            return self._answer(200, json.dumps(self._served.take_counts()).encode())
        self._object(is_head=False)

    def do_HEAD(self) -> None:
        self._object(is_head=True)

    @property
    def _served(self) -> Server:
        return typing.cast("Server", self.server)

    def _object(self, is_head: bool) -> None:
        time.sleep(self._served.delay)
        path = self._served.folder / _key(self.path)
        if not path.is_file():
            self._served.count(requests=1)
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        size = path.stat().st_size
        start, stop = self._range(size)
        with open(path, "rb") as file:
            file.seek(start)
            body = b"" if is_head else file.read(stop - start)
        self._served.count(requests=1, bytes=len(body))
        headers = {
            "ETag": f'"{size}"',
            "Last-Modified": email.utils.formatdate(path.stat().st_mtime, usegmt=True),
            "Accept-Ranges": "bytes",
            "Content-Length": str(stop - start),
        }
        if "Range" in self.headers:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        self._answer(206 if "Range" in self.headers else 200, body, headers)

    def _range(self, size: int) -> tuple[int, int]:
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if found is None:
            return 0, size
        first, last = found.groups()
        if not first:
            return max(size - int(last), 0), size
        return int(first), min(int(last) + 1, size) if last else size

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: typing.Any) -> None:
        pass


def _key(path: str) -> str:
    """The part of a path after the bucket."""
    return urllib.parse.unquote(urllib.parse.urlsplit(path).path).lstrip("/").partition("/")[2]


if __name__ == "__main__":
    served = Server(pathlib.Path(sys.argv[1]), float(sys.argv[2]) / 1000)
    print(served.server_address[1], flush=True)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    # Ends with the process that started it.
    sys.stdin.read()
    os._exit(0)
