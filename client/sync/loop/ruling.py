"""The rules of `.cairnignore`: which are in force, and whether they are known well enough for anything to be sent."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from client.sync.model import ROOT_LID, Kind, Problem, RemoteNode
from client.sync.observe.rules import FILE_NAME, Rules
from client.sync.operations import THERE, Operation
from client.sync.seams.files import Fs, FsError, Trouble
from client.sync.settings import Settings
from client.sync.trees.state import State

MOST_BYTES = 1024 * 1024
LOOK_AGAIN_S = 30.0  # after the file could not be read
_KNOWN = "rules"  # the text that was read last; "" where there was no file

_AS_BEFORE = "The rules of what is left out stay as they were."
_NONE_KNOWN = "Nothing is sent before it is known what is to be left out."
_NOT_HERE = f"The server's rules of what is left out are not here yet. {_NONE_KNOWN}"


class Ruling:
    """Reads the rules. What cannot be read is not "none": the last that were known go on, over restarts too.

    While the file at the server is a version that this device has not got, nothing is changed at the server: what it
    leaves out would be there for all to see before it was read.
    """

    def __init__(self, state: State, fs: Fs, settings: Callable[[], Settings]) -> None:
        """Begin with what was known last."""
        self._state = state
        self._fs = fs
        self._settings = settings
        self._error: FsError | None = None

    def read(self) -> Rules:
        """Return the rules of the file at the root, of this device, and those built in.

        Raises:
            StateError: the state cannot be written.
        """
        try:
            text = self._read_file()
        except FsError as error:
            self._error = error
        else:
            self._error = None
            if text != self._state.meta(_KNOWN):
                self._state.set_meta(_KNOWN, text)
        return Rules.of_text(self._state.meta(_KNOWN) or "", self._settings().ignore)

    def _read_file(self) -> str:
        try:
            file = self._fs.open((FILE_NAME,))
        except FsError as error:
            if error.trouble is not Trouble.ABSENT:
                raise
            is_known = self._state.local_child(ROOT_LID, FILE_NAME) is not None  # an editor may be about to replace it
            return (self._state.meta(_KNOWN) or "") if is_known else ""
        try:
            text = file.read(MOST_BYTES, 0).decode("utf-8", "replace")
        finally:
            file.close()
        if Rules.are_too_many(text):
            raise FsError(Trouble.OTHER, (FILE_NAME,), "it holds too many rules")
        return text

    @property
    def is_unread(self) -> bool:
        """Whether the file is there, and could not be read."""
        return self._error is not None

    def problems(self) -> list[Problem]:
        """Return what a person should know of."""
        error = self._error
        if error is None:
            return []
        why = f"It cannot be read ({error.reason or error.trouble.value})"
        if error.trouble is Trouble.LINK:
            why = "A link stands here, which is not followed"
        then = _NONE_KNOWN if self._state.meta(_KNOWN) is None else _AS_BEFORE
        return [Problem(FILE_NAME, "unreadable", f"{why}. {then}")]

    # What may be sent

    @property
    def is_awaited(self) -> bool:
        """Whether the rules are not known well enough for anything to be changed at the server."""
        return self._state.meta(_KNOWN) is None or self._node() is not None

    def _node(self) -> RemoteNode | None:
        """Return the file at the server, if this device has not got that version of it."""
        state = self._state
        node = state.remote_child(state.root_id, FILE_NAME)
        if node is None or node.kind is not Kind.FILE:
            return None
        base = state.synced(node.id)
        here = None if base is None else (base.version_id, base.parent_id, base.name)
        return None if here == (node.version_id, node.parent_id, node.name) else node

    def filter(
        self, operations: Sequence[Operation], busy: AbstractSet[str | int]
    ) -> tuple[list[Operation], list[Problem]]:
        """Return what may be done of a plan as long as rules are awaited, and what a person should know of that."""
        node = self._node()
        kept = [each for each in operations if not isinstance(each, THERE) or self._is_about(each)]
        is_coming = node is not None and (node.id in busy or any(self._is_about(each) for each in kept))
        withheld = len(kept) < len(operations) and node is not None and not is_coming
        return kept, [Problem(FILE_NAME, "other", _NOT_HERE)] if withheld else []

    def _is_about(self, operation: Operation) -> bool:
        node, entry = operation.node, operation.entry
        if node is not None:
            return (node.parent_id, node.name) == (self._state.root_id, FILE_NAME)
        return entry is not None and (entry.parent, entry.name) == (ROOT_LID, FILE_NAME)
