"""What every copy makes, whether of what is now or of what was: folders, and files of the same chunks."""

from app.auth.identity import Actor
from app.db.transaction import Transaction
from app.repositories import nodes, versions
from app.repositories.nodes import Content, Kind, Node, Sums
from app.repositories.versions import Version
from app.services.access import Sight
from app.services.folders import make_folder
from app.services.ledger import Ledger
from app.services.replacing import possess_copied


class Copying:
    """One copy under way, and what it adds up to. Whoever copies can read what is copied."""

    def __init__(self, tx: Transaction, actor: Actor) -> None:
        """Begin with nothing made."""
        self.ledger = Ledger(tx)
        self._tx = tx
        self._actor = actor
        self._sums = Sums()

    def make_folder(self, target: Sight, name: str) -> Sight:
        """Make an empty folder in the folder `target`."""
        return make_folder(self._tx, self._actor, target, name, self._sums)

    def make_file(self, old: Node, version: Version, target: Sight, name: str) -> Node:
        """Make a file in the folder `target` that holds what `version` holds, with time and bit of `old`."""
        tx, actor_id = self._tx, self._actor.id
        content = Content(
            tx.next_id(), tx.next_tag(), version.size, old.mtime_ms or 0, old.executable, version.content_type
        )
        made = nodes.create(
            tx,
            space_id=target.space.id,
            parent_id=target.node.id,
            name=name,
            kind=Kind.FILE,
            actor_id=actor_id,
            content=content,
        )
        versions.copy(tx, version, content, node_id=made.id, base_id=None, actor_id=actor_id)
        possess_copied(tx, version, came_from=old.space_id, space_id=made.space_id)
        self.ledger.charge(target.space.id, size=version.size, reserved=0, seq=made.seq)
        self._sums.add(target.below, seq=made.seq, size=version.size, items=1)
        return made

    def finish(self) -> None:
        """Write the sums and what the space is charged."""
        self._sums.apply(self._tx)
        self.ledger.apply()
