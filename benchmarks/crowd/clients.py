"""Clients that post callbacks as fast as they are answered, each on its own connection."""

from __future__ import annotations

import http.client
import multiprocessing
import threading
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES, CLIENTS_EACH = 2, 8
BOUNDARY = "------------------------5d1f"
SPAWN = multiprocessing.get_context("spawn")


def status_callback(sid: str) -> bytes:
    """Return a StatusCallback with its four default fields, as multipart, as Exotel posts it."""
    fields = {
        "CallSid": sid,
        "Status": "completed",
        "RecordingUrl": f"https://recordings.example/acme1m/{sid}.mp3",
        "DateUpdated": "2026-09-16 10:53:33",
    }
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()


class Client:
    """One connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def post(self, path: str, sid: str) -> int:
        """Post the callback of a call; return the response's status."""
        try:
            return self._post(path, sid)
        except ConnectionError:  # the server has closed the idle connection
            self._connection.close()
            return self._post(path, sid)

    def _post(self, path: str, sid: str) -> int:
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        self._connection.request("POST", path, status_callback(sid), headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


def flood(url: str, callbacks: Sequence[tuple[str, str]]) -> Counter[int]:
    """Post all callbacks (path, CallSid) by many clients at once; return the number of responses by status."""
    answers: multiprocessing.Queue[Counter[int]] = SPAWN.Queue()
    parts = [callbacks[number::PROCESSES] for number in range(PROCESSES)]
    processes = [SPAWN.Process(target=_post, args=(url, part, answers)) for part in parts]
    for process in processes:
        process.start()
    total = sum((answers.get() for _ in processes), Counter[int]())
    for process in processes:
        process.join()
    return total


def _post(url: str, callbacks: Sequence[tuple[str, str]], answers: multiprocessing.Queue[Counter[int]]) -> None:
    statuses: list[int] = []

    def work(mine: Sequence[tuple[str, str]]) -> None:
        client = Client(url)
        for path, sid in mine:
            statuses.append(client.post(path, sid))

    threads = [threading.Thread(target=work, args=(callbacks[number::CLIENTS_EACH],)) for number in range(CLIENTS_EACH)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(Counter(statuses))
