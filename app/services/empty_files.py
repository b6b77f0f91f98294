"""Makes an empty file, for whoever locks a name that is free (RFC 4918, 7.3)."""

import hashlib

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.manifest import Manifest
from app.repositories import nodes, versions
from app.repositories.nodes import Content, Kind, Sums
from app.services.access import Sight
from app.services.ledger import Ledger
from app.services.media import guess_content_type

_SHA256 = hashlib.sha256().digest()


def make_empty_file(tx: Transaction, actor: Actor, folder: Sight, name: str) -> Sight:
    """Make one below a folder, which exists and may be written, under a name that is checked and free."""
    content_type = guess_content_type(name)
    content = Content(tx.next_id(), tx.next_tag(), 0, tx.now_ms(), executable=False, content_type=content_type)
    made = nodes.create(
        tx,
        space_id=folder.space.id,
        parent_id=folder.node.id,
        name=name,
        kind=Kind.FILE,
        actor_id=actor.id,
        content=content,
    )
    versions.add(
        tx,
        version_id=content.version_id,
        tag=content.version_tag,
        node_id=made.id,
        size=0,
        mtime_ms=content.mtime_ms,
        executable=False,
        content_type=content_type,
        sha256=_SHA256,
        claimed_sha256=None,
        base_id=None,
        ancestors=None,
        actor_id=actor.id,
        manifest=Manifest(b""),
    )
    ledger, sums = Ledger(tx), Sums()
    ledger.charge(folder.space.id, size=0, reserved=0, seq=made.seq)
    ledger.apply()
    sums.add(folder.below, seq=made.seq, items=1)
    sums.apply(tx)
    child = folder.child(tx, made)
    if child is None:
        raise AssertionError("a file just made is not there")
    return child
