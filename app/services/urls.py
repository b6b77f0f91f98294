"""The signed URLs that this server hands out: what each allows, and for how long (security.md, U)."""

from app.auth.identity import Actor
from storage.base import ChunkId, WireEncoding
from storage.signing import Grant, Operation, UrlSigner

BUNDLE_SIZE = 32 * 1024 * 1024
CONTENT_LIFETIME_S = 6 * 3600

_ALL_ENCODINGS = frozenset(WireEncoding)
_IDENTITY = frozenset({WireEncoding.IDENTITY})


class Urls:
    """Signs path-absolute URLs for one actor's request at a time."""

    def __init__(self, signer: UrlSigner, lifetime_s: int) -> None:
        """Take the signer, and how long a chunk URL lives in seconds."""
        self._signer = signer
        self._lifetime_s = lifetime_s

    def put_chunk(self, actor: Actor, space_id: int, upload_id: str, chunk_id: ChunkId, size: int) -> str:
        """Return a URL that takes one chunk for one upload."""
        subject = chunk_id.hex()
        grant = self._grant(
            Operation.PUT_CHUNK,
            subject,
            actor,
            space_id,
            upload_id,
            size,
            wire_size=encoded_bound(size),
            encodings=_ALL_ENCODINGS,
        )
        return f"/chunks/{subject}?{self._signer.sign(grant)}"

    def put_bundle(self, actor: Actor, space_id: int, bundle: str) -> str:
        """Return a URL that takes many chunks for the uploads of one bundle."""
        grant = self._grant(
            Operation.PUT_BUNDLE,
            bundle,
            actor,
            space_id,
            bundle,
            BUNDLE_SIZE,
            wire_size=BUNDLE_SIZE,
            encodings=_IDENTITY,
        )
        return f"/bundles/{bundle}?{self._signer.sign(grant)}"

    def get_chunk(self, actor: Actor, space_id: int, version_id: str, chunk_id: ChunkId, size: int) -> str:
        """Return a URL that gives one chunk of a version."""
        subject = chunk_id.hex()
        grant = self._grant(Operation.GET_CHUNK, subject, actor, space_id, version_id, size, wire_size=0)
        return f"/chunks/{subject}?{self._signer.sign(grant)}"

    def get_content(
        self,
        actor: Actor,
        space_id: int,
        file_id: str,
        version_id: str,
        *,
        size: int,
        media_type: str,
        disposition: str,
    ) -> str:
        """Return a URL that gives a whole version, with these headers, to a player or a download manager."""
        grant = self._grant(
            Operation.GET_CONTENT,
            f"{file_id}.{version_id}",
            actor,
            space_id,
            version_id,
            size,
            wire_size=0,
            lifetime_s=CONTENT_LIFETIME_S,
            media_type=media_type,
            disposition=disposition,
        )
        return f"/content/{file_id}/{version_id}?{self._signer.sign(grant)}"

    def chunk_expiry_ms(self) -> int:
        """Return when a chunk URL signed now ends, Unix milliseconds."""
        return (self._signer.now_s() + self._lifetime_s) * 1000

    def verify(self, operation: Operation, subject: str, query: str) -> Grant:
        """Return what the URL with this raw query string allows; see `UrlSigner.verify`."""
        return self._signer.verify(operation, subject, query)

    def _grant(
        self,
        operation: Operation,
        subject: str,
        actor: Actor,
        space_id: int,
        claim: str,
        size: int,
        *,
        wire_size: int,
        encodings: frozenset[WireEncoding] = frozenset(),
        lifetime_s: int | None = None,
        media_type: str = "",
        disposition: str = "",
    ) -> Grant:
        now_s = self._signer.now_s()
        return Grant(
            operation=operation,
            subject=subject,
            size=size,
            wire_size=wire_size,
            space=str(space_id),
            claim=claim,
            user=str(actor.user_id),
            generation=actor.generation,
            not_before_s=now_s,
            expires_s=now_s + (self._lifetime_s if lifetime_s is None else lifetime_s),
            encodings=encodings,
            media_type=media_type,
            disposition=disposition,
        )


def encoded_bound(size: int) -> int:
    """Return the most bytes that zstd or gzip makes of `size` bytes that do not compress, with room for headers."""
    return size + size // 64 + 1024
