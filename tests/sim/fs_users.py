"""What a person's programs do to a simulated disk beside the engine: without faults, and synced at once."""

from collections.abc import Callable
from typing import Literal

from client.sync.model import Kind, Path
from client.sync.seams.files import FsError, Trouble
from tests.sim.fs_tree import Inode, SimTree

Style = Literal["rename", "backup", "delete"]


class Users(SimTree):
    """Their calls raise FsError where a program would fail. `durable` is false for programs that do not sync."""

    def user_read(self, path: Path) -> bytes:
        """Return the bytes of a file."""
        return bytes(self._file(path).data)

    def user_write(self, path: Path, data: bytes, mtime_ns: int | None = None, *, durable: bool = True) -> None:
        """Make a file, or write one anew in place."""
        self.begin()
        inode = self.find(path)
        if inode is None:
            inode = self._make(path, Kind.FILE, 0o644)
        self._file(path)
        self.cut(inode, 0, path)
        self._put(inode, 0, data, path)
        if mtime_ns is not None:
            inode.mtime_ns = mtime_ns
        self._closed(path, inode, durable=durable)

    def user_append(self, path: Path, data: bytes, *, durable: bool = True) -> None:
        """Write at the end."""
        inode = self._file(path)
        self._put(inode, len(inode.data), data, path)
        self._closed(path, inode, durable=durable)

    def user_truncate(self, path: Path, size: int, *, durable: bool = True) -> None:
        """Give a file another size."""
        inode = self._file(path)
        self.cut(inode, size, path)
        self.touch_content(inode)
        self._closed(path, inode, durable=durable)

    def user_save(
        self, path: Path, data: bytes, style: Style = "rename", between: Callable[[], None] = lambda: None
    ) -> None:
        """Save as editors do. `between` is called between the steps.

        rename: write `x.new`, rename it over `x`. backup: rename `x` to `x~`, write `x`. delete: write `x.new`,
        remove `x`, rename.
        """
        beside = (*path[:-1], f"{path[-1]}{'~' if style == 'backup' else '.new'}")
        if style == "backup":
            if self.find(path) is not None:
                self.user_rename(path, beside)
            between()
            self.user_write(path, data)
            return
        self.user_write(beside, data)
        between()
        if style == "delete" and self.find(path) is not None:
            self.user_remove(path)
            between()
        self.user_rename(beside, path)

    def user_rename(self, source: Path, target: Path, *, durable: bool = True) -> None:
        """Rename as rename(2) does: over a file, or over an empty folder."""
        inode = self.get(source)
        there = self.find(target)
        if target[: len(source)] == source and target != source:
            raise FsError(Trouble.OTHER, target)
        if there is not None and there is not inode:
            self._check_replaced(inode, there, target)
        if there is inode and self.key(source[-1]) != self.key(target[-1]):
            return  # two names of one file: rename(2) does nothing
        folder, to_folder = self.folder(source[:-1]), self.folder(target[:-1])
        above: Inode | None = to_folder
        while above is not None:
            if above is inode:  # below itself, under another spelling of its name
                raise FsError(Trouble.OTHER, target)
            above = above.places[0][0] if above.places else None
        self.begin()
        self.set_name(source, folder, source[-1], None)
        self.set_name(target, to_folder, target[-1], inode)
        inode.ctime_ns = self.now_ns_stepped()
        if there is not None and there is not inode:
            self.release(there)
        self.tell(folder, source[-1])
        self.tell(to_folder, target[-1], closed=True)
        if durable:
            self.sync_way(source)
            self.sync_way(target)

    def user_remove(self, path: Path) -> None:
        """Remove a file, a link or an empty folder."""
        inode = self.get(path)
        if inode.names:
            raise FsError(Trouble.NOT_EMPTY, path)
        self.begin()
        folder = self.folder(path[:-1])
        self.set_name(path, folder, path[-1], None)
        self.release(inode)
        self.tell(folder, path[-1])
        self.sync_way(path)

    def user_remove_tree(self, path: Path) -> None:
        """Remove a folder and all below it."""
        for below, _ in reversed(list(self.walk(path, self.folder(path)))):
            self.user_remove(below)
        self.user_remove(path)

    def user_make_folder(self, path: Path) -> None:
        """Make a folder, and those above it that are not there."""
        for depth in range(1, len(path) + 1):
            if self.find(path[:depth]) is None:
                self.begin()
                self._make(path[:depth], Kind.FOLDER, 0o755)
        self.folder(path)
        self.sync_way(path)

    def user_touch(self, path: Path, mtime_ns: int) -> None:
        """Set the time of the last change, as utime does."""
        inode = self._file(path)
        inode.mtime_ns = mtime_ns
        self._attributes(path, inode)

    def user_chmod(self, path: Path, *, executable: bool) -> None:
        """Set or take the executable bits."""
        inode = self._file(path)
        inode.mode = self.kept_mode(inode.mode | 0o111 if executable else inode.mode & ~0o111)
        self._attributes(path, inode)

    def user_link(self, path: Path, target: str) -> None:
        """Make a symbolic link."""
        if self.find(path) is not None:
            raise FsError(Trouble.EXISTS, path)
        self.begin()
        self._make(path, Kind.LINK, 0o777).data += target.encode()
        self.sync_way(path)

    def user_hard_link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        inode = self._file(source)
        if self.find(target) is not None:
            raise FsError(Trouble.EXISTS, target)
        self.begin()
        folder = self.folder(target[:-1])
        self.set_name(target, folder, target[-1], inode)
        inode.ctime_ns = self.now_ns_stepped()
        self.tell(folder, target[-1])
        self.sync_way(target)

    def user_replace_folder_by_file(self, path: Path, data: bytes) -> None:
        """Remove a folder with all below it, and write a file of its name."""
        self.user_remove_tree(path)
        self.user_write(path, data)

    def user_move_out(self, path: Path) -> Inode:
        """Rename something out of the root; the answer is for `user_move_in`."""
        inode = self.get(path)
        self.begin()
        folder = self.folder(path[:-1])
        self.set_name(path, folder, path[-1], None)
        self.tell(folder, path[-1])
        self.sync_way(path)
        return inode

    def user_move_in(self, inode: Inode, path: Path) -> None:
        """Rename something from outside into the root, where nothing stands."""
        if self.find(path) is not None:
            raise FsError(Trouble.EXISTS, path)
        self.begin()
        folder = self.folder(path[:-1])
        self.set_name(path, folder, path[-1], inode)
        self.tell(folder, path[-1], closed=True)
        self.sync_way(path)

    def open_handle(self, path: Path) -> "UserHandle":
        """Open a file for writing, for as long as one likes."""
        return UserHandle(self, self._file(path))

    def handle_wrote(self, inode: Inode, *, closed: bool) -> None:
        """Tell and sync what came through a handle, wherever the file is now."""
        path = self.path_of(inode)
        if path is not None:
            self._closed(path, inode, durable=True, closed=closed)
        else:
            inode.sync()

    def _file(self, path: Path) -> Inode:
        inode = self.get(path)
        if inode.kind is not Kind.FILE:
            raise FsError(Trouble.CHANGED, path)
        return inode

    def _make(self, path: Path, kind: Kind, mode: int) -> Inode:
        folder = self.folder(path[:-1], path)
        self.check_name(path[-1], path)
        inode = self._new(kind, mode, folder.device)
        self.set_name(path, folder, path[-1], inode)
        self.tell(folder, path[-1], closed=kind is Kind.LINK)
        return inode

    def _put(self, inode: Inode, offset: int, data: bytes, path: Path) -> None:
        self.grow(inode, offset + len(data), path)
        inode.data[offset : offset + len(data)] = data
        self.touch_content(inode)

    def _closed(self, path: Path, inode: Inode, *, durable: bool, closed: bool = True) -> None:
        if durable:
            inode.sync()
            inode.is_lost = False
            self.sync_way(path)
        self.tell(self.folder(path[:-1]), path[-1], closed=closed)

    def _attributes(self, path: Path, inode: Inode) -> None:
        inode.ctime_ns = self.now_ns_stepped()
        if not inode.unsynced:
            inode.durable = (inode.durable[0], inode.mode, inode.mtime_ns, inode.ctime_ns)
        self.tell(self.folder(path[:-1]), path[-1])

    def _check_replaced(self, inode: Inode, there: Inode, target: Path) -> None:
        if there.kind is Kind.FOLDER and (inode.kind is not Kind.FOLDER or there.names):
            raise FsError(Trouble.NOT_EMPTY, target)
        if there.kind is not Kind.FOLDER and inode.kind is Kind.FOLDER:
            raise FsError(Trouble.NOT_FOLDER, target)


class UserHandle:
    """A file that a program holds open; it goes with the inode, whatever its name is, and outlives a removal."""

    def __init__(self, users: Users, inode: Inode) -> None:
        self._users = users
        self.inode = inode
        self._crashes = users.crashes
        self._is_open = True
        inode.opens += 1

    def write(self, data: bytes, offset: int) -> None:
        """Write and sync; nothing after a power cut, which no program outlives."""
        if not self._is_open or self._crashes != self._users.crashes:
            return
        self._users.grow(self.inode, offset + len(data), ())
        self.inode.data[offset : offset + len(data)] = data
        self._users.touch_content(self.inode)
        self._users.handle_wrote(self.inode, closed=False)

    def append(self, data: bytes) -> None:
        """Write at the end, and sync."""
        self.write(data, len(self.inode.data))

    def close(self) -> None:
        """Let go of it."""
        if self._is_open and self._crashes == self._users.crashes:
            self.inode.opens -= 1
            self._users.handle_wrote(self.inode, closed=True)
            self._users.release(self.inode)
        self._is_open = False
