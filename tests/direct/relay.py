"""Stands between clients and our server, and counts what passes."""

import contextlib
import socket
import threading
from collections.abc import Iterator

PIECE = 256 * 1024


class Relay:
    """Passes every connection on; `up` and `down` are bytes so far, to the server and from it."""

    def __init__(self, port: int) -> None:
        self.up = 0
        self.down = 0
        self._target = port
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def passed(self) -> int:
        """Bytes in both directions."""
        return self.up + self.down

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for ends in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_up: bool) -> None:  # noqa: FBT001 - for a thread
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                with self._lock:
                    self.up += len(piece) if is_up else 0
                    self.down += 0 if is_up else len(piece)
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self._open:
            one.close()


@contextlib.contextmanager
def relayed(port: int) -> Iterator[Relay]:
    """Run a relay to a port for the time of a block."""
    relay = Relay(port)
    thread = threading.Thread(target=relay.serve)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()
