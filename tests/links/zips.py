"""How these tests make trees for zips, and look into these."""

import io
import zipfile

from tests.api.people import Person, noise


def held(body: bytes) -> dict[str, bytes]:
    """Return what a zip holds by name, every CRC checked; folders hold nothing."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist())
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


async def make_trip(person: Person, *, folders: int = 2) -> dict[str, bytes]:
    """Make /Trip with files of all kinds; return what its zip must hold."""
    await person.make_folder("/Trip")
    await person.make_folder("/Trip/empty")
    expected = {"Trip/": b"", "Trip/empty/": b""}
    for number in range(folders):
        await person.make_folder(f"/Trip/{number}")
        expected[f"Trip/{number}/"] = b""
        contents = {"none": b"", "note.txt": b"a walk\n" * 40, "raw": noise(3_000_000), "näme.bin": noise(70_000)}
        for name, content in contents.items():
            await person.put(f"/Trip/{number}/{name}", content)
            expected[f"Trip/{number}/{name}"] = content
    return expected


async def zip_path(person: Person, path: str) -> str:
    """Return the address of a folder's zip."""
    folder = (await person.at(path)).json["file_id"]
    return f"/api/v1/folders/{folder}/archive.zip"
