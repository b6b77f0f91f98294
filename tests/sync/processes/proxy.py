"""A TCP proxy that breaks connections off in the middle of replies."""

import random
import socket
import threading
from contextlib import suppress

PIECE = 16 * 1024
WAIT_S = 60.0


class CuttingProxy:
    """Passes bytes on in both directions; each piece of a reply may be the one at which both sides are cut off.

    What was asked has then come to pass or not, and the device cannot tell: the lost reply of section 5.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        """Pass on to `port` of this machine; nothing is cut before `rate` is set."""
        self.rate = 0.0
        self.cuts = 0
        self._to = port
        self._chance = chance
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                asking, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(asking,), daemon=True).start()

    def _connect(self, asking: socket.socket) -> None:
        try:
            answering = socket.create_connection(("127.0.0.1", self._to), timeout=WAIT_S)
        except OSError:
            asking.close()
            return
        asking.settimeout(WAIT_S)
        sending = threading.Thread(target=self._pass, args=(asking, answering), daemon=True)
        sending.start()
        self._pass(answering, asking, may_cut=True)
        sending.join()
        asking.close()
        answering.close()

    def _pass(self, source: socket.socket, target: socket.socket, *, may_cut: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                if may_cut and self._chance.random() < self.rate:
                    self.cuts += 1
                    target.sendall(data[: self._chance.randrange(len(data))])
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
