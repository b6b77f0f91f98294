"""What a user holds beside files: devices, sessions, app passwords, open uploads, all that was signed for them."""

from app.auth.endings import Ended
from app.db.transaction import Transaction
from app.repositories import actors, uploads, users
from app.repositories.users import User
from app.services.open_uploads import wire_id
from app.services.uploads import drop


def end_all(tx: Transaction, user: User) -> Ended:
    """End all that a user holds; the caller announces what is returned once this is committed."""
    actors.revoke_all(tx, user.id)
    users.end_all(tx, user)
    dropped = uploads.open_of_user(tx, user.id)
    for upload in dropped:
        drop(tx, upload)
    ids = tuple(wire_id(upload) for upload in dropped)
    bundles = {upload.bundle for upload in dropped if upload.bundle is not None}
    return Ended(user.id, upload_ids=ids, claims=(*ids, *sorted(bundles)))
