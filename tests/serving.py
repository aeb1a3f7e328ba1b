"""`legwork web` in a process of its own, on a real socket."""

from __future__ import annotations

import socket

import requests
from processes import WEB, Process, until

from worker.process.embedded_redis import free_port


class WebServer(Process):
    def __init__(self, folder, redis_url, **variables):
        self.port = free_port()
        super().__init__(WEB, folder, redis_url=redis_url, sinks="stdout:", port=self.port, **variables)
        self.url = f"http://127.0.0.1:{self.port}"
        until(self._answers)

    def _answers(self):
        assert self.runs, self.err.read_text()
        try:
            return requests.get(f"{self.url}/livez", timeout=5).ok
        except requests.RequestException:
            return False

    def ask(self, method, path, **options):
        return requests.request(method, self.url + path, allow_redirects=False, timeout=20, **options)

    def send(self, text, *, no_more=False):
        """Send bytes as they are, and give the status of what comes back; `no_more` says that nothing will follow."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(text)
            if no_more:
                connection.shutdown(socket.SHUT_WR)
            return int(connection.recv(4096).split(b" ", 2)[1])
