"""A line that is cut: a proxy that resets the connection over which so many bytes have gone."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 256 * 1024
_HARD_CLOSE = struct.pack("ii", 1, 0)


class Line(socketserver.ThreadingTCPServer):
    """A line to a loopback server."""

    daemon_threads = True

    def __init__(self, server: str, up: int, down: int, times: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        host, _, port = server.rpartition(":")
        self.server = host, int(port)
        self.up = up
        self.down = down
        self.left = times
        """How often it will be cut yet."""

    @property
    def host(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.server_address[1]}"

    def cuts(self, limit: int, passed: int) -> bool:
        """Whether the connection over which so many bytes have gone ends here."""
        if not limit or passed < limit or not self.left:
            return False
        self.left -= 1
        return True


class _Connection(socketserver.BaseRequestHandler):
    server: Line

    def handle(self) -> None:
        with socket.create_connection(self.server.server) as away:
            back = threading.Thread(target=self._pass, args=(away, self.request, self.server.down), daemon=True)
            back.start()
            self._pass(self.request, away, self.server.up)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket, limit: int) -> None:
        passed = 0
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                target.sendall(piece)
                passed += len(piece)
                if self.server.cuts(limit, passed):
                    for end in (source, target):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD_CLOSE)
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line(server: str, *, up: int = 0, down: int = 0, times: int = 1) -> Iterator[Line]:
    """Open a line that is cut ``times`` times, a connection after so many bytes from the client or to it."""
    with Line(server, up, down, times) as opened:
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield opened
        finally:
            opened.shutdown()
            thread.join()
