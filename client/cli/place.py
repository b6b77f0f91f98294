"""What mv and cp mean by their target."""

from client.errors import UsageError
from client.names import split_remote
from client.protocol import File
from client.remote import Remote


def find_place(remote: Remote, source: File, target: str, *, into: bool) -> tuple[File, str]:
    """Return the folder and the name that are meant by a target: a folder takes the source in under its own name.

    Args:
        remote: the server.
        source: what is moved or copied.
        target: a path, as `parse_remote` returns it.
        into: the target was written with a slash at its end, so it must be a folder.
    """
    there = remote.find_file(target)
    if there is not None and there.kind == "folder" and there.file_id != source.file_id:
        return there, source.name
    if into or target == "/":
        raise UsageError(f"There is no folder {target}: `cairn mkdir` makes one.")
    folder, name = split_remote(target)
    return remote.get_file(folder), name
