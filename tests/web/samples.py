"""Files of every kind that the viewer shows."""

import io
import math
import struct
import wave
import zipfile

from tests.thumbnails.pictures import picture

MARKDOWN = """# Trip to the lake

See [the list](list.csv), [the site](https://example.com) and [a trap](javascript:alert(1)).

- [x] stove

| who | brings |
| --- | --- |
| Ada | bread |

![lake](lake.jpg) ![away](https://evil.example/x.png)

<script>window.hit = 1</script><img src=x onerror="window.hit = 2"><b onclick="window.hit = 3">bold</b>
<iframe src="javascript:parent.hit = 4"></iframe><style>body { display: none }</style>
"""
PYTHON = "import os\n\n\ndef pack(things):\n    return sorted(things)  # quickly\n"
TABLE = 'name,city\n"Quoted, ""twice""",Wien\n' + "".join(f"Person {number},City {number}\n" for number in range(6_000))
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><script>parent.hit = 5</script>
<rect width="40" height="30" fill="red"/></svg>"""
HTML = b"<h1>Page</h1><script>window.hit = 6</script>"
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n"
)


def photo(width: int = 2_400, height: int = 1_600) -> bytes:
    """Return a picture, red on the left and blue on the right."""
    return picture((width, height))


PACKED = {
    "photos/": 0,
    "photos/Ünd 1.jpg": 3_000_000,
    "<img src=x onerror='window.hit = 7'>": 10,
    "../../etc/passwd": 10,
    "gpj.\u202eexe.txt": 10,
    "x" * 1_200: 10,
    **{f"notes/{number}.txt": 10 for number in range(500)},
}


def archive() -> bytes:
    """Return a zip of what `PACKED` names, each of its size and of noon on 3 February 2024."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        for name, size in PACKED.items():
            packed.writestr(zipfile.ZipInfo(name, (2024, 2, 3, 12, 0, 0)), bytes(size))
    return body.getvalue()


def tone(seconds: int) -> bytes:
    """Return a sound of so many seconds, 4,000 bytes each."""
    body, second = io.BytesIO(), b"".join(struct.pack("<B", 128 + int(60 * math.sin(n / 9))) for n in range(4_000))
    with wave.open(body, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(4_000)
        sound.writeframes(second * seconds)
    return body.getvalue()
