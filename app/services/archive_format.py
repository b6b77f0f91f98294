"""The bytes of a zip whose every length is known before a file is read (APPNOTE.TXT 6.3.10, sections as named).

Nothing is compressed, and the CRC-32 of a file comes behind it, in a data descriptor (4.3.9): it is known only when the
file was read. What depends on sizes and offsets alone, ZIP64 among it, so is the same each time.
"""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from app.services.display import DIRECTION

_LARGE = 0xFFFF_FFFF
_MANY = 0xFFFF
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR = struct.Struct("<4sIII")
_LARGE_DESCRIPTOR = struct.Struct("<4sIQQ")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4sHHHHIIH")
_TIME = struct.Struct("<HHBI")
_UTF_8, _CRC_BEHIND = 1 << 11, 1 << 3
_PLAIN, _NEEDS_64 = 20, 45
_MADE_BY_UNIX = 3 << 8 | _NEEDS_64
_FOLDER_MODE, _FILE_MODE, _PROGRAM_MODE = 0o040755, 0o100644, 0o100755
_DOS_FOLDER = 0x10
_EARLIEST_S, _LATEST_S = 315_532_800, 2**31 - 1  # 1980, where DOS time begins, and the end of 32 bits of Unix time
_DRIVE = re.compile(r"^([A-Za-z]):")
_UNSAFE = re.compile(rf"[\\/\x00-\x1f\x7f-\x9f{DIRECTION}]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder of a zip.

    Attributes:
        name: whole path in the zip, UTF-8; that of a folder ends with a slash.
        size: bytes; 0 for a folder.
        mtime_ms: Unix milliseconds; kept to the second.
    """

    name: bytes
    size: int
    mtime_ms: int
    is_folder: bool = False
    executable: bool = False

    @property
    def has_content(self) -> bool:
        """Whether bytes and a descriptor follow the header."""
        return self.size > 0

    @property
    def is_large(self) -> bool:
        """Whether its size needs ZIP64."""
        return self.size >= _LARGE

    @property
    def whole_size(self) -> int:
        """How many bytes header, content and descriptor have."""
        extra = _TIME.size + (20 if self.is_large else 0)
        behind = 0 if not self.has_content else _LARGE_DESCRIPTOR.size if self.is_large else _DESCRIPTOR.size
        return _LOCAL.size + len(self.name) + extra + self.size + behind

    def central_size(self, offset: int) -> int:
        """Return how many bytes its entry in the central directory has, if it begins at `offset`."""
        return _CENTRAL.size + len(self.name) + _TIME.size + len(self._large_fields(offset))

    def header(self) -> bytes:
        """Return the local file header (4.3.7)."""
        flags, needs = self._flags()
        extra, announced = self._time_field(), 0
        if self.is_large:
            extra, announced = extra + struct.pack("<HHQQ", 1, 16, 0, 0), _LARGE
        lengths = (len(self.name), len(extra))
        head = _LOCAL.pack(b"PK\3\4", needs, flags, 0, *self._dos_time(), 0, announced, announced, *lengths)
        return head + self.name + extra

    def descriptor(self, crc: int) -> bytes:
        """Return what follows the content (4.3.9)."""
        form = _LARGE_DESCRIPTOR if self.is_large else _DESCRIPTOR
        return form.pack(b"PK\7\x08", crc, self.size, self.size)

    def central(self, offset: int, crc: int) -> bytes:
        """Return the entry of the central directory (4.3.12) for a header at `offset`."""
        flags, _ = self._flags()
        large = self._large_fields(offset)
        extra = self._time_field() + large
        size = _LARGE if self.is_large else self.size
        mode = _FOLDER_MODE if self.is_folder else _PROGRAM_MODE if self.executable else _FILE_MODE
        head = _CENTRAL.pack(
            b"PK\1\2",
            _MADE_BY_UNIX,
            _NEEDS_64 if large else _PLAIN,
            flags,
            0,
            *self._dos_time(),
            crc,
            size,
            size,
            len(self.name),
            len(extra),
            0,
            0,
            0,
            mode << 16 | (_DOS_FOLDER if self.is_folder else 0),
            min(offset, _LARGE),
        )
        return head + self.name + extra

    def _flags(self) -> tuple[int, int]:
        """Return the general purpose flags, and the version of the format that the header needs."""
        flags = _UTF_8 | (_CRC_BEHIND if self.has_content else 0)
        return flags, _NEEDS_64 if self.is_large else _PLAIN

    def _large_fields(self, offset: int) -> bytes:
        """Return the ZIP64 field of the central directory (4.5.3): what does not fit into 32 bits, if anything."""
        sizes = struct.pack("<QQ", self.size, self.size) if self.is_large else b""
        values = sizes + (struct.pack("<Q", offset) if offset >= _LARGE else b"")
        return struct.pack("<HH", 1, len(values)) + values if values else b""

    def _time_field(self) -> bytes:
        """Return the time in UTC, to the second: the extended timestamp of Info-ZIP, which the DOS time has not."""
        return _TIME.pack(0x5455, 5, 1, self._time_s())

    def _dos_time(self) -> tuple[int, int]:
        """Return time and date of MS-DOS (4.4.6), of UTC, since nobody knows where the reader is."""
        at = datetime.fromtimestamp(max(self._time_s(), _EARLIEST_S), UTC)
        return at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day

    def _time_s(self) -> int:
        return max(0, min(self.mtime_ms // 1000, _LATEST_S))


def end_of(entries: int, central_offset: int, central_size: int) -> bytes:
    """Return the end of a zip (4.3.14 to 4.3.16), with ZIP64 if a number does not fit otherwise."""
    end = _END.pack(
        b"PK\5\6",
        0,
        0,
        min(entries, _MANY),
        min(entries, _MANY),
        min(central_size, _LARGE),
        min(central_offset, _LARGE),
        0,
    )
    if entries < _MANY and central_size < _LARGE and central_offset < _LARGE:
        return end
    end_64 = _END_64.pack(
        b"PK\6\6",
        _END_64.size - 12,
        _MADE_BY_UNIX,
        _NEEDS_64,
        0,
        0,
        entries,
        entries,
        central_size,
        central_offset,
    )
    return end_64 + _LOCATOR.pack(b"PK\6\7", 0, central_offset + central_size, 1) + end


def safe_name(name: str) -> str:
    """Return a node's name as one step of a path in a zip (security.md, O4).

    What another system could take for a way out of the folder, or what shows a name as another, becomes `_`.
    """
    return _UNSAFE.sub("_", _DRIVE.sub(r"\1_", name))
