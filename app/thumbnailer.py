"""A program of its own that makes small pictures of large ones, so that no hostile image is decoded in the server.

The server starts it and talks to it over a socket, its first argument: for each picture it is handed an open file and
the longest edge that is wanted. It decodes the formats of a list and no others, looks at the header first, and shuts
itself in before the first picture: it can open no file and no connection, start no program and use no more memory and
processor time than a picture may (security.md, O6). What breaks it costs one thumbnail.

It ends when the server does, when nothing was asked for a while, or when it has done its share. It imports nothing of
ours, and nobody imports it.
"""

import ctypes
import io
import os
import platform
import resource
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from PIL import GifImagePlugin, Image, ImageCms, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

try:
    from pi_heif import as_plugin as heif  # type: ignore[import-untyped] # it has no types
    from pi_heif import options
except ImportError:  # not built for this platform: all but what iPhones make is shown
    heif = None

MOST_PIXELS = 100_000_000
MEMORY = 512 * 1024 * 1024
CPU_S = 20
IDLE_S = 60.0
SHARE = 500
"""Pictures that one process makes: whatever a decoder leaks ends with it."""

QUESTION = struct.Struct(">H")
ANSWER = struct.Struct(">BI")
NONE, JPEG, WEBP = range(3)

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by the EXIF orientation (CIPA DC-008, 4.6.5)."""
_ORIENTATION = 0x0112
_SHARP = 1.2
"""How much larger than wanted a JPEG is decoded at least, before it is made smaller with care."""
_QUICK = 256
"""Up to this edge the passes of a progressive JPEG, a tenth smaller, cost nothing that counts."""

# Calls that no decoder has use for, by machine: opening files and connections, starting programs, reaching other
# processes, and the ring through which all of that could be asked for unseen.
_CALLS = {
    "x86_64": (0xC000003E, (2, 41, 42, 49, 50, 53, 57, 58, 59, 62, 85, 101, 200, 234, 257, 310, 311, 322)),
    "aarch64": (0xC00000B7, (56, 117, 129, 130, 131, 198, 199, 200, 201, 203, 221, 270, 271, 281)),
}
_NEW_CALLS = (424, 425, 434, 437)  # the same number on both
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_THREAD = 0x10000  # of the flags of clone(2)
_LOAD, _IS, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FLAGS_AT = 0, 4, 16
_ALLOW, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x00050001, 0x00050026  # as it is, EPERM, ENOSYS
_FOREIGN = 0x40000000  # x86_64: calls of its other ABI begin here
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_MAKE_RULES, _KEEP_RULES, _ASK_VERSION = 444, 446, 1


def main() -> None:
    """Answer the server until it leaves."""
    with socket.socket(fileno=int(sys.argv[1])) as server:
        server.settimeout(IDLE_S)
        prepare()
        shut_in()
        for _ in range(SHARE):
            try:
                question, files, _flags, _address = socket.recv_fds(server, QUESTION.size, 1)
            except TimeoutError:
                return
            if not files:
                return
            with open(files[0], "rb") as source:  # noqa: PTH123 - a descriptor, no path
                kind, body = answer(source, *QUESTION.unpack(question))
            server.sendall(ANSWER.pack(kind, len(body)) + body)


def prepare() -> None:
    """Load all that a picture takes: once shut in, nothing more can be."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    if heif is not None:
        options.DECODE_THREADS = 1
        options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    profile, exif = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), Image.Exif()
    exif[_ORIENTATION] = 3
    for kind, mode in (("JPEG", "RGB"), ("PNG", "I;16"), ("GIF", "P"), ("WEBP", "RGBA")):
        sample = io.BytesIO()
        Image.new(mode, (2, 2)).save(sample, kind, icc_profile=profile, exif=exif)
        sample.seek(0)
        _made(sample, 1)


def answer(source: BinaryIO, edge: int) -> tuple[int, bytes]:
    """Return the kind and bytes of a picture no longer than `edge` pixels, NONE where none can be made."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_S, resource.RLIM_INFINITY))
    try:
        return _made(source, edge)
    except Exception:  # noqa: BLE001 - what a decoder thinks of hostile bytes comes in any form
        return NONE, b""


def _made(source: BinaryIO, edge: int) -> tuple[int, bytes]:
    picture = _opened(source)
    if picture is None or picture.width * picture.height > MOST_PIXELS:
        return NONE, b""
    if picture.mode.startswith("I"):  # 16 bits of grey
        picture = picture.point(lambda value: value * (1 / 256)).convert("L")
    elif picture.mode in ("P", "1"):  # whose dots cannot be mixed
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=_SHARP)
    small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode in ("RGB", "RGBA") and "icc_profile" in picture.info:
        small = _in_srgb(small, picture.info["icc_profile"])
    turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    if turn is not None:
        small = small.transpose(turn)
    clean = Image.new(small.mode, small.size)  # without whatever hung on the source
    clean.paste(small)
    body = io.BytesIO()
    if clean.mode == "RGBA":
        clean.save(body, "WEBP", quality=80, method=2)
        return WEBP, body.getvalue()
    clean.save(body, "JPEG", quality=82, progressive=edge <= _QUICK)
    return JPEG, body.getvalue()


def _opened(source: BinaryIO) -> Image.Image | None:
    """Return the picture, of which no more than the header was read; None where it is of no kind on the list."""
    head = source.read(64)
    source.seek(0)
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile(source)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(source)
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GifImagePlugin.GifImageFile(source)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and _webp_pixels(head) <= MOST_PIXELS:
        return WebPImagePlugin.WebPImageFile(source)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and heif is not None:
        whole: Image.Image = heif.HeifImageFile(source)
        return whole
    return None


def _webp_pixels(head: bytes) -> int:
    """Return how many pixels a WebP's header announces: its decoder takes memory for all of them at once (RFC 9649)."""
    if head[12:16] == b"VP8X":
        return (int.from_bytes(head[24:27], "little") + 1) * (int.from_bytes(head[27:30], "little") + 1)
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture in the colours that browsers take for granted, for its profile is not sent along."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=picture.mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return picture if converted is None else converted


def shut_in() -> None:
    """Give up what no picture needs. What this machine's kernel does not know of is left out, the limits never."""
    with suppress(OSError):
        os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # where memory runs out, this goes first
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 8),
        (resource.RLIMIT_AS, MEMORY),
    ):
        resource.setrlimit(limit, (most, most))
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _leave_files(system)
        _leave_calls(system)


def _leave_files(system: ctypes.CDLL) -> None:
    """Give up every path, port and process by a Landlock domain without a single rule (landlock(7))."""
    version = system.syscall(_MAKE_RULES, None, 0, _ASK_VERSION)
    if version < 1:
        return
    known = ((1, 0x1FFF), (2, 0x2000), (3, 0x4000))  # rights over files, by the version that brought them
    handled = [sum(rights for since, rights in known if version >= since)]
    handled += [3] * ((version >= 4) + (version >= 6))  # noqa: PLR2004 - versions that brought ports, and processes
    given = struct.pack(f"={len(handled)}Q", *handled)
    rules = system.syscall(_MAKE_RULES, given, len(given), 0)
    if rules >= 0:
        system.syscall(_KEEP_RULES, rules, 0)
        os.close(rules)


def _leave_calls(system: ctypes.CDLL) -> None:
    """Give up the system calls of the list, by a filter that answers them with EPERM (seccomp(2))."""
    if platform.machine() not in _CALLS:
        return
    machine, calls = _CALLS[platform.machine()]
    refused = (*calls, *_NEW_CALLS)
    allow, refuse, unknown = (len(refused) + place for place in (8, 9, 10))  # where the three ends stand
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IS, 0, allow - 2, machine),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, refuse - 4, 0, _FOREIGN),
        *((_IS, refuse - at, 0, call) for at, call in enumerate(refused, 5)),
        (_IS, unknown - len(refused) - 5, 0, _CLONE3),  # its flags cannot be seen; libraries fall back on the other
        (_IS, 0, allow - len(refused) - 6, _CLONE[platform.machine()]),
        (_LOAD, 0, 0, _FLAGS_AT),
        (_HAS, 0, 1, _THREAD),  # a decoder may start threads, and no process
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(packed))
    system.prctl(_SET_SECCOMP, _FILTER, program, 0, 0)


if __name__ == "__main__":
    main()
