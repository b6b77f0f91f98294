"""Where what lies in a bucket: chunks and packs by their names, and apart from them what clients have put themselves.

Keys are relative to the prefix.
"""

from storage.base import Backend, Blob, ChunkId, Form

OBJECTS = "objects/"
INCOMING = "incoming/"
"""Below it lies what clients put, by claim. Only keys of this place are ever presigned for a PUT."""
TAKEN = "taken/"
"""Copies of that while they are checked, by run and claim. No URL leads to them."""
_LENGTH = 64  # of a hash in hexadecimal


def key_of(blob: Blob) -> str:
    """Return the key of an object."""
    return folder_of(blob.hash[0]) + blob.name


def blob_of(key: str) -> Blob | None:
    """Return the object of a key, None if it is none of ours."""
    name = key.rpartition("/")[2]
    try:
        blob = Blob(bytes.fromhex(name[:_LENGTH]), Form(name[_LENGTH:]), Backend.S3)
    except ValueError:
        return None
    return blob if key_of(blob) == key else None


def folder_of(first: int) -> str:
    """Return what the keys of all objects begin with whose hashes begin with this byte."""
    return f"{OBJECTS}{first:02x}/"


def incoming_key(claim: str, chunk_id: ChunkId) -> str:
    """Return where a client puts a chunk under a claim."""
    return f"{INCOMING}{claim}/{chunk_id.hex()}"


def incoming_chunk(key: str) -> ChunkId | None:
    """Return the chunk that a client put there, None if it is none."""
    try:
        chunk_id = ChunkId(bytes.fromhex(key.rpartition("/")[2]))
    except ValueError:
        return None
    return chunk_id if len(chunk_id) * 2 == _LENGTH else None
