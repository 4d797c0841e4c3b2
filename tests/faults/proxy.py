"""A pipe between the app and PostgreSQL that can lose the answer to a COMMIT, or the COMMIT itself."""

import contextlib
import os
import socket
import threading
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class FlakyProxy:
    """Listens on a Unix socket of its own; `mode` is pass, drop-ack, drop-commit or silent."""

    def __init__(self, listen: Path, target: Path) -> None:
        self.mode = "pass"
        self.dropped = 0
        self.target = target / SOCKET
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.fspath(listen / SOCKET))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(os.fspath(self.target))
            except OSError:
                _close(client, server)
                continue
            link = _Link(self, client, server)
            threading.Thread(target=link.up, daemon=True).start()
            threading.Thread(target=link.down, daemon=True).start()


class _Link:
    def __init__(self, proxy: FlakyProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.armed = False

    def up(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(65536):
                if b"COMMIT\x00" in data:
                    if self.proxy.mode == "drop-commit":
                        self.proxy.dropped += 1
                        break
                    self.armed = self.proxy.mode == "drop-ack"
                if self.proxy.mode != "silent":
                    self.server.sendall(data)
        _close(self.client, self.server)

    def down(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.server.recv(65536):
                if self.armed and b"COMMIT\x00" in data:
                    self.proxy.dropped += 1
                    break
                self.client.sendall(data)
        _close(self.client, self.server)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
