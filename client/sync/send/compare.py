"""How a file here compares with a version at the server, where there is no base and hashes alone do not tell."""

import hashlib
from collections.abc import Iterator, Sequence

from client.chunker import LARGEST_CHUNK
from client.errors import ClientError
from client.protocol import DownloadChunk
from client.sync.model import RemoteNode, Stat, Verdict
from client.sync.observe.hashing import not_read, read_hash
from client.sync.operations import Operation
from client.sync.outcome import Done, Outcome, Stale, Task
from client.sync.seams.files import Fs, FsError, Traits
from client.sync.seams.net import Net
from client.sync.send.refusals import refused
from client.sync.send.source import Sources

_MOST_MANIFESTS = 4  # of earlier versions without a hash that are held against the file chunk by chunk


class Compares:
    """Compares."""

    def __init__(self, fs: Fs, sources: Sources, net: Net, traits: Traits) -> None:
        """Ask `net` for what is there."""
        self._fs = fs
        self._sources = sources
        self._net = net
        self._traits = traits

    def compare(self, task: Task[Operation], lineage: Sequence[tuple[str, str]]) -> Outcome:
        """Return Done with a Verdict, and with the state and hash of what was read.

        Args:
            task: with a Compare.
            lineage: (version id, SHA-256) of what the file was on this device, the newest first.
        """
        node = task.operation.node
        if node is None or node.version_id is None:
            return Stale("nothing is there to compare with")
        read = read_hash(self._fs, task, self._traits)
        if not isinstance(read, Done) or read.stat is None or read.sha256 is None:
            return read
        try:
            verdict = self._verdict(task, node, read.stat, read.sha256, lineage)
            with self._sources.opened(task):  # what was compared chunk by chunk is what was hashed
                return Done(stat=read.stat, sha256=read.sha256, sure=read.sure, verdict=verdict)
        except FsError as error:
            return not_read(error)
        except ClientError as error:
            return refused(error, task.shown)

    def _verdict(
        self, task: Task[Operation], node: RemoteNode, stat: Stat, sha256: str, lineage: Sequence[tuple[str, str]]
    ) -> Verdict:
        if self._is_equal(task, node, stat, sha256):
            return Verdict.EQUAL
        if any(node.version_id == version or node.sha256 == known for version, known in lineage):
            return Verdict.DESCENDANT
        return Verdict.ANCESTOR if self._is_earlier(task, node, stat, sha256) else Verdict.UNRELATED

    def _is_equal(self, task: Task[Operation], node: RemoteNode, stat: Stat, sha256: str) -> bool:
        if node.sha256 is not None:
            return node.sha256 == sha256
        return node.size == stat.size and self._holds(task, node.id, node.version_id or "", stat.size)

    def _is_earlier(self, task: Task[Operation], node: RemoteNode, stat: Stat, sha256: str) -> bool:
        left = _MOST_MANIFESTS
        for version in self._net.versions_of(node.id):
            if version.sha256 == sha256:
                return True
            if version.sha256 is not None or version.size != stat.size or version.content != "kept":
                continue
            if version.version_id != node.version_id and left:
                left -= 1
                if self._holds(task, node.id, version.version_id, stat.size):
                    return True
        return False

    def _holds(self, task: Task[Operation], file_id: str, version_id: str, size: int) -> bool:
        """Tell whether the file here has just the bytes that a version's chunk list names."""
        end = 0
        with self._sources.opened(task) as source:
            for chunk in self._chunks(file_id, version_id):
                if chunk.offset != end or not 0 < chunk.size <= LARGEST_CHUNK:
                    return False
                if hashlib.sha256(source.read(chunk.offset, chunk.size)).hexdigest() != chunk.sha256:
                    return False
                end += chunk.size
        return end == size

    def _chunks(self, file_id: str, version_id: str) -> Iterator[DownloadChunk]:
        start: int | None = 0
        while start is not None:
            page = self._net.manifest_of(file_id, version_id, start)
            yield from page.chunks
            start = page.next_from if page.chunks else None
