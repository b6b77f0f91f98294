"""Lost answers: the server is asked whether what was sent came to pass."""

import unicodedata

import msgspec

from client.bundle import SMALL_FILE
from client.errors import ApiError
from client.protocol import File, UploadState
from client.sync.loop.attempts import Attempt
from client.sync.seams.net import Net


class Passed(msgspec.Struct, frozen=True):
    """What became of an attempt that came to pass: the node as it is now, and the version that an upload made.

    Somebody else may have given the node a newer version since.
    """

    file: File
    made: str | None = None


def ask(net: Net, attempt: Attempt) -> Passed | None:
    """Return what became of an attempt if it came to pass, None if it did not.

    An upload that is still open did not: a large one can be gone on with. What has been moved or deleted by somebody
    else since counts as not come to pass, for the feed tells of it and the trees are compared anew.

    Raises:
        UnreachableError: it is still open.
    """
    match attempt.what:
        case "upload":
            return _committed(net, attempt)
        case "make":
            return _shown(_folder_at(net, attempt))
        case "move":
            file = _node(net, attempt)
            return _shown(file if file is not None and _is_at(file, attempt) else None)
        case "set":
            return _shown(_node(net, attempt))


def _shown(file: File | None) -> Passed | None:
    return None if file is None else Passed(file)


def _committed(net: Net, attempt: Attempt) -> Passed | None:
    """Return the file if an upload was committed. A small one that is open is closed first, so that this stands.

    The state of an upload shows the file as it is now; only the commit, repeated, names the version that it made.
    """
    if attempt.upload_id is None:
        return None
    state = _state(net, attempt.upload_id)
    is_small = attempt.stat is not None and attempt.stat.size <= SMALL_FILE  # it is requested anew
    if state is not None and state.state == "open" and is_small:
        net.give_up([attempt.upload_id])
        state = _state(net, attempt.upload_id)
    if state is None or state.state == "open" or state.file is None or state.file.deleted:
        return None
    made = net.commit(attempt.upload_id).version_id
    return None if made is None else Passed(state.file, made)


def _state(net: Net, upload_id: str) -> UploadState | None:
    try:
        return net.get_upload(upload_id)
    except ApiError as error:
        if error.code == "not_found":
            return None
        raise


def _folder_at(net: Net, attempt: Attempt) -> File | None:
    if attempt.parent_id is None or attempt.name is None:
        return None
    file = net.find_child(attempt.parent_id, attempt.name)
    return file if file is not None and file.kind == "folder" else None


def _node(net: Net, attempt: Attempt) -> File | None:
    return None if attempt.id is None else net.find_by_id(attempt.id)


def _is_at(file: File, attempt: Attempt) -> bool:
    if file.parent_id != attempt.parent_id or attempt.name is None:
        return False
    return file.name == unicodedata.normalize("NFC", attempt.name)  # as the server stores names
