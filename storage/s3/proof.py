"""What an object server holds a client to that has a presigned URL: it is tried, never believed.

Servers differ in this, and say nothing of it. One that lets a client do more than was signed would let it overwrite, or
take as its own what it only knows the name of; then clients are not let at it at all.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from storage.base import ChunkId, hash_of
from storage.s3.claim import MARK
from storage.s3.client import Client
from storage.s3.keys import INCOMING
from storage.s3.requests import Reply, Requests, put_headers

_LIFETIME_S = 300
_RIGHT, _WRONG, _LONGER = b"what was signed", b"what was not...", b"what was signed, and more"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it.

    Attributes:
        problem: why clients must not be let at it; empty if they may.
        trusts_checksums: it takes no bytes but those whose SHA-256 was signed.
    """

    problem: str
    trusts_checksums: bool = False


def prove(requests: Requests, client: Client) -> Proof:
    """Try a server.

    Args:
        requests: to the bucket, by the way that this server itself has to it.
        client: of the same bucket, with the rights of the one that signs.

    Raises:
        StoreUnavailableError: it cannot be reached at present.
    """
    with _trials(requests, client) as trials:
        if not trials.put(_RIGHT).is_success:
            return Proof("the object server does not take what was signed for it")
        for allowed, why in (
            (trials.put(_LONGER), "takes another length than was signed"),
            (trials.put(_RIGHT, {"Content-Type": "text/html"}), "takes another type than was signed"),
            (trials.put(_RIGHT, {"x-amz-copy-source": trials.victim}), "copies other objects for whoever may put one"),
            (trials.put(_RIGHT, {"x-amz-acl": "public-read"}), "lets whoever may put an object open it to everybody"),
            (trials.put(_RIGHT, elsewhere=True), "takes an object at another place than was signed"),
            (trials.put(_RIGHT, late_s=2 * _LIFETIME_S), "takes what was signed long ago"),
            (trials.put(_RIGHT, method="DELETE"), "does another thing than was signed"),
            (trials.openly("GET"), "gives everybody what lies in the bucket: close it"),
            (trials.openly("PUT"), "takes anything from everybody: close the bucket"),
        ):
            if allowed.is_success:
                return Proof(f"the object server {why}")
        is_kept_to = (
            not trials.put(_WRONG).is_success and not trials.put(_WRONG, without="x-amz-checksum-sha256").is_success
        )
        is_kept_to = is_kept_to and not trials.put(_WRONG, put_headers(hash_of([_WRONG]))).is_success
        return Proof("", is_kept_to and trials.nothing_wrong())


class _Trials:
    """Requests of which all but the first should be refused; each PUT has a key of its own."""

    def __init__(self, requests: Requests, client: Client) -> None:
        self._requests = requests
        self._client = client
        self._folder = f"{INCOMING}.proof-{secrets.token_hex(8)}/"
        self._count = 0
        self._wrong: list[str] = []
        self.victim = requests.source(MARK)

    def put(
        self,
        content: bytes,
        changed: Mapping[str, str] | None = None,
        *,
        without: str = "",
        elsewhere: bool = False,
        late_s: int = 0,
        method: str = "PUT",
    ) -> Reply:
        """Put something with a URL that was signed for `_RIGHT`."""
        self._count += 1
        key = f"{self._folder}{self._count}"
        headers = put_headers(ChunkId(hash_of([_RIGHT])))
        signed = {**headers, "Content-Length": str(len(_RIGHT))}
        url = self._requests.url("PUT", key, headers=signed, at_s=int(time.time()) - late_s, lifetime_s=_LIFETIME_S)
        if elsewhere:
            url = url.replace(f"{self._count}?", f"{self._count}b?")
        sent = {name: value for name, value in {**headers, **(changed or {})}.items() if name != without}
        if content != _RIGHT:
            self._wrong.append(key)
        return self._requests.send(method, url, headers=sent, body=content)

    def openly(self, method: str) -> Reply:
        """Ask without any signature."""
        body = _RIGHT if method == "PUT" else b""
        return self._requests.send(method, self._requests.open_url(f"{self._folder}1"), body=body)

    def nothing_wrong(self) -> bool:
        """Tell whether nothing lies where other bytes were put."""
        there = set(self._client.keys(self._folder))
        return there.isdisjoint(self._wrong)

    def end(self) -> None:
        """Remove what was put."""
        self._client.delete(list(self._client.keys(self._folder)))


@contextmanager
def _trials(requests: Requests, client: Client) -> Iterator[_Trials]:
    trials = _Trials(requests, client)
    try:
        yield trials
    finally:
        trials.end()
