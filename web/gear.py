"""Makes the parts of the browser's chunker that are tables or machine code: `python -m web.gear` writes them anew.

FastCDC 2020 rolls a hash of 64 bits, for which JavaScript has no fast number; WebAssembly has. The loop is so short
that it is assembled here, straight into the binary format (WebAssembly Core Specification 1.0, section 5), and neither
a compiler nor a build step is needed. A test holds the committed files to what this module makes.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

WINDOW: Final = 64 * 1024
"""Where the window begins in the module's memory; the gear table lies below."""
PAGES: Final = 1 + 256
"""Pages of 64 KiB: the table's, and 16 MiB of window, twice the largest chunk."""

GEAR: Final = tuple(int.from_bytes(hashlib.md5(bytes([byte]) * 64).digest()[:8], "big") for byte in range(256))  # noqa: S324 - the paper's table is made so
"""The gear table of FastCDC's reference code: of each byte the first half of the MD5 of 64 copies of it."""
MASKS: Final = {
    19: 0x0000D91707537000,
    20: 0x0000D91747537000,
    21: 0x0000D91767537000,
    22: 0x0000D93767537000,
    23: 0x0000D93777537000,
}
"""Which bits of the hash are nought at a cut, by how many they are; the reference code chose their places."""

_I32, _I64 = 0x7F, 0x7E
_BYTE_AT, _MID, _END, _STRICT_LOW, _STRICT_HIGH, _LOOSE_LOW, _LOOSE_HIGH, _HASH, _MASK = range(9)
_PARAMETERS = 7
_SEVEN = 7  # bits of a number in one byte


def wasm() -> bytes:
    """Return the module: its memory and the function `scan`, whose body `_scan` explains."""
    return b"".join(
        (
            b"\0asm\x01\0\0\0",
            _section(1, _vector([b"\x60" + _vector([bytes([_I32])] * _PARAMETERS) + _vector([bytes([_I32])])])),
            _section(3, _vector([_unsigned(0)])),
            _section(5, _vector([b"\x01" + _unsigned(PAGES) + _unsigned(PAGES)])),
            _section(7, _vector([_named("memory") + b"\x02\0", _named("scan") + b"\0\0"])),
            _section(10, _vector([_sized(_vector([b"\x02" + bytes([_I64])]) + _scan() + b"\x0b")])),
            _section(11, _vector([b"\0" + b"\x41\0\x0b" + _bytes(b"".join(g.to_bytes(8, "little") for g in GEAR))])),
        )
    )


def table() -> str:
    """Return the module of the same table and masks for the loop in JavaScript: the 48 bits that masks look at."""
    rows = "\n".join(
        "  " + " ".join(f"{value & (2**48 - 1):012x}" for value in GEAR[start : start + 8])
        for start in range(0, 256, 8)
    )
    masks = ", ".join(f'{bits}: "{mask:012x}"' for bits, mask in MASKS.items())
    return (
        "// Made by `python -m web.gear`.\n\n"
        "/** The lower 48 bits of the gear of each byte, as hexadecimal text: no mask looks at the others. */\n"
        f"export const GEAR = `\n{rows}\n`;\n\n"
        "/** The masks by the number of their bits. */\n"
        f"export const MASKS = {{ {masks} }};\n"
    )


def _scan() -> bytes:
    """Return the code that looks for a cut in the bytes from `at` on.

    scan(at, mid, end, strict low, strict high, loose low, loose high): bytes before `mid` are judged by the strict
    mask, those up to `end` by the loose one. Returns the place of the byte at which the hash shows a cut, else `end`.
    """
    return (
        _mask(_STRICT_LOW, _STRICT_HIGH)
        + _roll_up_to(_MID)
        + _mask(_LOOSE_LOW, _LOOSE_HIGH)
        + _roll_up_to(_END)
        + _get(_BYTE_AT)
    )


def _mask(low: int, high: int) -> bytes:
    """Return the code of mask = high << 32 | low."""
    return _get(high) + b"\xad\x42\x20\x86" + _get(low) + b"\xad\x84" + _set(_MASK)


def _roll_up_to(stop: int) -> bytes:
    """Return the code that rolls the hash over the bytes before `stop`, an even number, up to where it shows a cut.

    block; loop
      br_if 1 unless at < stop
      for each of the next two bytes: (half of the steps would be spent on the loop itself)
        hash = (hash << 1) + gear[byte]
        return its place if (hash & mask) == 0
      at = at + 2; br 0
    end; end
    """
    return (
        (b"\x02\x40\x03\x40" + _get(_BYTE_AT) + _get(stop) + b"\x4f\x0d\x01")
        + (_roll_byte(0) + _roll_byte(1))
        + (_plus(2) + _set(_BYTE_AT) + b"\x0c\0" + b"\x0b\x0b")
    )


def _roll_byte(offset: int) -> bytes:
    """Return the code that rolls the hash over the byte at `at` + `offset`."""
    gear = _get(_BYTE_AT) + b"\x2d\0" + _unsigned(offset) + b"\x41\x03\x74" + b"\x29\x03\0"
    return (_get(_HASH) + b"\x42\x01\x86" + gear + b"\x7c" + b"\x22" + _unsigned(_HASH)) + (
        _get(_MASK) + b"\x83\x50\x04\x40" + _plus(offset) + b"\x0f\x0b"
    )


def _plus(offset: int) -> bytes:
    """Return the code of at + `offset`."""
    return _get(_BYTE_AT) + b"\x41" + _unsigned(offset) + b"\x6a"


def _get(local: int) -> bytes:
    return b"\x20" + _unsigned(local)


def _set(local: int) -> bytes:
    return b"\x21" + _unsigned(local)


def _section(number: int, content: bytes) -> bytes:
    return bytes([number]) + _bytes(content)


def _named(name: str) -> bytes:
    return _bytes(name.encode())


def _sized(code: bytes) -> bytes:
    return _bytes(code)


def _bytes(content: bytes) -> bytes:
    return _unsigned(len(content)) + content


def _vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return _unsigned(len(items)) + b"".join(items)


def _unsigned(value: int) -> bytes:
    """Return `value` in LEB128."""
    out = bytearray()
    while value >> _SEVEN:
        out.append(value & 0x7F | 0x80)
        value >>= _SEVEN
    out.append(value)
    return bytes(out)


def write(folder: Path) -> None:
    """Write both files into `folder`."""
    (folder / "gear.wasm").write_bytes(wasm())
    (folder / "gear_table.js").write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / "static" / "js" / "upload")
