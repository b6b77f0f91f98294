"""What jobs are given and what they return: facts. A job never touches the trees; the engine records its facts."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from client.protocol import File
from client.sync.model import LocalEntry, Path, Problem, Stat, Verdict
from client.sync.operations import Operation

Op_co = TypeVar("Op_co", bound=Operation, covariant=True)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of this root that was synced at a version: chunks that it still holds need not be fetched.

    `sha256` is that of the whole version, where it is known. It is a hint: every chunk is checked.
    """

    path: Path
    file_id: str
    version_id: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Task(Generic[Op_co]):
    """An operation with the paths that it had when it was begun; nothing above them moves while it runs.

    `path` is where `operation.entry` is (None if there is no entry), `target` where something is to come to be here
    (the same as `path` for Replace). `resume` is an upload that an earlier try left open. `sources` are other files
    that a fetch may take chunks from. `standing` is the entry that, of a delete at the server, stands here now in the
    place of what is gone, if anything does.
    """

    operation: Op_co
    path: Path | None = None
    target: Path | None = None
    resume: str | None = None
    sources: tuple[Source, ...] = ()
    standing: LocalEntry | None = None

    @property
    def shown(self) -> str:
        """The path for a person."""
        path = self.path if self.path is not None else self.target
        return "/".join(path or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It came to pass.

    Args:
        file: the node as the server answered; None where it was not asked, or nothing had to be sent.
        stat: the entry in the state that was read, written, or renamed to; None where there is none.
        sha256: of the content in that state.
        sure: whether a change right after the read would have been seen (git's racy rule).
        kept: Stat of the file that `Replace.keep_as` names, or of the conflict copy that a user's save became which won
            the race for the name at the last moment.
        kept_as: the path of that file: below the same folder, and not always under the name that was asked for.
        verdict: of Compare.
        overtaken: a user's program was faster at the last moment: what was fetched is in place no more, or was changed;
            `stat` is then what was placed, and the path must be looked at again.
    """

    file: File | None = None
    stat: Stat | None = None
    sha256: str | None = None
    sure: bool = False
    kept: Stat | None = None
    kept_as: Path | None = None
    verdict: Verdict | None = None
    overtaken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """All bytes of an upload are at the server: it waits for its commit. `stat` and `sha256` as in Done."""

    upload_id: str
    stat: Stat
    sha256: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """A precondition failed, and nothing changed: look again (at the path here, and at the feed), and plan again.

    `refused` tells that the server refused a folder delete because something below is newer: its known children are
    then deleted singly; or to bring back a file that was changed there before it was deleted, or is gone from the
    trash: it becomes a new one.
    `current` is the node as the server showed it with the refusal.
    """

    why: str
    refused: bool = False
    current: File | None = None


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something that a person should know of is in the way, and nothing changed. Tried again after `retry_s`.

    `all_of` widens it: `uploads`, `fetches` or `calls` (everything at the server) would end the same way now.
    """

    problem: Problem
    retry_s: float = 5.0
    all_of: str | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """The answer was lost: it may have come to pass. The server is asked before the node is planned again."""


Outcome = Done | Prepared | Stale | Blocked | Unsure
