"""Looking at what was: a node in the trash is still there for whoever may read its space."""

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.errors import NotFoundError
from app.services import access
from app.services.access import Sight


def look_ever(tx: Snapshot, actor: Actor, file_id: str) -> Sight:
    """Return the node with this wire id, alive or in the trash; of what is in the trash, the path is where it was.

    Raises:
        NotFoundError: it does not exist, is purged, or is not the actor's to see.
    """
    try:
        return access.look(tx, actor, file_id)
    except NotFoundError:
        deleted = access.find_deleted(tx, actor, file_id)
        if deleted is None:
            raise
        return deleted.sight
