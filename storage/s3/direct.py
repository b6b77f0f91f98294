"""How clients reach a bucket themselves: tickets for single objects, and what they have put there (decision 0049).

A PUT is signed for a place of its upload's own, and never for a chunk's. What lies there is no chunk before this server
has seen that it is one.
"""

import logging
import secrets
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from storage.base import Blob, ChunkId, Encoding, hash_of
from storage.errors import StorageError, StoreUnavailableError
from storage.medium import Arrived, StagedFile, Ticket
from storage.s3.bucket import Bucket
from storage.s3.client import AwayError, Client
from storage.s3.cors import allow_browsers
from storage.s3.keys import INCOMING, TAKEN, incoming_chunk, incoming_key, key_of
from storage.s3.proof import Proof, prove
from storage.s3.requests import Requests, put_headers

DELETED_AT_ONCE = 1000
_TRIES = 3
_ANSWER = {
    "response-cache-control": "private, max-age=31536000, immutable",
    "response-content-disposition": "attachment",
}

_NOWHERE = Path()

_log = logging.getLogger(__name__)


class Direct:
    """Lets clients at one bucket, as far as its server has been seen to keep them to what was signed."""

    def __init__(
        self, bucket: Bucket, client: Client, watched: Callable[[], AbstractContextManager[None]] | None = None
    ) -> None:
        """Begin shut; `prove` opens it.

        Args:
            bucket: with the endpoint that clients use, or none.
            client: of the bucket; tries again by itself.
            watched: goes around each call, as for all others.
        """
        self._bucket = bucket
        self._client = client
        self._watched = watched if watched is not None else nullcontext
        self._outside = Requests(bucket, bucket.public_endpoint)
        self._run = secrets.token_hex(8)
        self._proof = Proof("the object server was not tried yet")
        self._told = ""

    @property
    def is_wanted(self) -> bool:
        """Whether clients are to use it at all."""
        return bool(self._bucket.public_endpoint)

    @property
    def problem(self) -> str:
        """Why it is shut at present; empty while it is open."""
        return self._proof.problem

    @property
    def trusts_checksums(self) -> bool:
        """Whether the server has been seen to take no bytes but those whose SHA-256 was signed."""
        return self._proof.trusts_checksums

    def prove(self) -> None:
        """Try what the server holds a client to, and let the pages of this server at the bucket.

        A server that cannot stand the trial can be used all the same, though not by clients.
        """
        if not self.is_wanted:
            return
        inside = Requests(self._bucket, self._bucket.endpoint)
        for _ in range(_TRIES):
            try:
                self._proof = prove(inside, self._client)
                break
            except StoreUnavailableError as error:
                cause = error.cause if isinstance(error, AwayError) else str(error)
                self._proof = Proof(f"the object server could not be tried ({cause})")
        if self._proof.problem != self._told:
            self._told = self._proof.problem
            if self._told:
                _log.error("clients are not let at the bucket: %s", self._told)
        if not self._proof.problem and self._bucket.origin:
            allow_browsers(inside, self._bucket.origin)

    def put_ticket(self, claim: str, chunk_id: ChunkId, size: int, *, at_s: int, lifetime_s: int) -> Ticket:
        """Let a client put a chunk under a claim: these bytes at this place, and nothing else.

        The length is signed as well; a client sends that header by itself.
        """
        headers = put_headers(chunk_id)
        signed = {**headers, "Content-Length": str(size)}
        key = incoming_key(claim, chunk_id)
        url = self._outside.url("PUT", key, headers=signed, at_s=at_s, lifetime_s=lifetime_s)
        return Ticket(url, headers)

    def get_ticket(self, blob: Blob, *, at_s: int, lifetime_s: int) -> Ticket:
        """Let a client get an object."""
        return Ticket(self._outside.url("GET", key_of(blob), query=_ANSWER, at_s=at_s, lifetime_s=lifetime_s))

    def arrived(self, claim: str) -> dict[ChunkId, int]:
        """Return what was put under a claim, with lengths in bytes, by one listing."""
        with self._watched():
            found = [(incoming_chunk(key), size) for key, size in self._client.lengths(f"{INCOMING}{claim}/")]
        return {chunk_id: size for chunk_id, size in found if chunk_id is not None}

    def checked(self, claim: str, chunk_id: ChunkId, size: int) -> StagedFile | None:
        """Return a chunk that was put under a claim, as one that waits for its barrier; None if its bytes are wrong.

        What is read is a copy to which no URL leads, so that nobody changes it after it was hashed. Where the server
        takes no other bytes anyway, nothing is read.
        """
        source = incoming_key(claim, chunk_id)
        blob = Blob.of(chunk_id, Encoding.RAW)
        if self.trusts_checksums:
            return StagedFile(_NOWHERE, claim, blob, arrived=Arrived(source, source, size))
        copy = f"{TAKEN}{self._run}/{claim}/{chunk_id.hex()}"
        with self._watched():
            try:
                self._client.copy(source, copy, size)
                content = self._client.get(copy)
            except FileNotFoundError:
                return None
            if len(content) == size and hash_of([content]) == chunk_id:
                return StagedFile(_NOWHERE, claim, blob, arrived=Arrived(copy, source, size))
            self._client.delete([source, copy])
        _log.warning("a client has put bytes into the bucket that are not those of their chunk; they are removed")
        return None

    def release(self, arrived: Collection[Arrived]) -> None:
        """Remove what lies at its place by now; what cannot be removed goes with its claim."""
        keys = {key for one in arrived for key in (one.key, one.source)}
        with suppress(StorageError):
            self._delete(keys)

    def claims(self) -> set[str]:
        """Return the claims under which something was put."""
        with self._watched():
            return {key.split("/")[1] for key in self._client.keys(INCOMING)}

    def remove(self, claims: Collection[str]) -> None:
        """Remove what was put under claims, and copies of it."""
        for claim in claims:
            for prefix in (f"{INCOMING}{claim}/", f"{TAKEN}{self._run}/{claim}/"):
                with self._watched():
                    found = list(self._client.keys(prefix))
                self._delete(found)

    def clear(self) -> None:
        """Remove what earlier runs had copied, to check it."""
        with self._watched():
            found = [key for key in self._client.keys(TAKEN) if not key.startswith(f"{TAKEN}{self._run}/")]
        self._delete(found)

    def _delete(self, keys: Iterable[str]) -> None:
        rest = list(keys)
        for at in range(0, len(rest), DELETED_AT_ONCE):
            with self._watched():
                self._client.delete(rest[at : at + DELETED_AT_ONCE])
