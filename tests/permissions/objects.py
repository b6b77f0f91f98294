"""Fresh objects for a call, each in the shared folder or in the private one. A maker returns all that names it."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from app.ids import decode_id
from app.repositories import links
from tests.api.people import noise
from tests.links.people import PASSWORD as LINK_PASSWORD
from tests.permissions.world import PRIVATE, SHARED, World, device_id_of

Named = dict[str, Any]
Maker = Callable[[World, str], Awaitable[Named]]


async def nothing(world: World, place: str) -> Named:
    """For calls that name no object."""
    return {}


async def file(world: World, place: str) -> Named:
    """A file of one version."""
    made = world.must(await world.owner.put(f"{place}/file {world.number()}", noise(20)))
    return {name: made[name] for name in ("file_id", "version_id", "path", "space_id")}


async def resource(world: World, place: str) -> Named:
    """A file, by its path as WebDAV asks for it."""
    made = await file(world, place)
    return {"path": quote(made["path"][1:]), "hidden": ["path"]}


async def collection(world: World, place: str) -> Named:
    """A folder with a file in it, by its path as WebDAV asks for it."""
    made = await folder(world, place)
    return {"path": quote(made["path"][1:]), "hidden": ["path"]}


async def placed(world: World, place: str) -> Named:
    """A file, by its folder's path as WebDAV asks for it, and its name."""
    made = await file(world, place)
    folder_path, _, name = made["path"][1:].rpartition("/")
    return {"place": quote(folder_path), "name": quote(name), "hidden": ["place"]}


async def file_and_basic(world: World, place: str) -> Named:
    """A file, and an app password of the owner's as a browser shows it by itself."""
    made = world.must(await world.owner.post("/api/v1/app-passwords", {"name": "basic"}))
    return {**await file(world, place), "basic": b64encode(f"owner:{made['password']}".encode()).decode()}


async def folder(world: World, place: str) -> Named:
    """A folder with a file in it."""
    made = await world.owner.make_folder(f"{place}/folder {world.number()}")
    world.must(await world.owner.put(f"{made['path']}/in it", noise(20)))
    return {name: made[name] for name in ("file_id", "path", "space_id")}


async def versioned(world: World, place: str) -> Named:
    """A file and an earlier version of it."""
    made = await file(world, place)
    world.must(await world.owner.put(made["path"], noise(30)))
    return made


async def trashed(world: World, place: str) -> Named:
    """A file in the trash."""
    made = await file(world, place)
    world.must(await world.owner.delete(f"/api/v1/files/{made['file_id']}"))
    return {**made, "trash_id": made["file_id"]}


async def space(world: World, place: str) -> Named:
    """A folder that is itself shared: like the shared one and with a guest, or with the guest alone."""
    made = await world.owner.make_folder(f"/space {world.number()}")
    await world.let_in(made["file_id"], "guest", "viewer")
    if place == SHARED:
        await world.share(made["file_id"])
    return {"file_id": made["file_id"], "path": made["path"]}


async def space_and_disabled(world: World, place: str) -> Named:
    """A shared folder, and the name of somebody who was disabled: who shares shall not learn that there is one."""
    return {**await space(world, place), "username": "disabled", "hidden": ["username"]}


async def space_with_disabled(world: World, place: str) -> Named:
    """A shared folder with a member who was disabled."""
    made, name = await space(world, place), (await user(world, place))["username"]
    await world.let_in(made["file_id"], name, "editor")
    await world.server.cairn.services.accounts.disable(name)
    return {**made, "username": name}


async def upload(world: World, place: str) -> Named:
    """An open upload of an empty file, which could be committed."""
    return {"upload_id": (await world.owner.open_upload(f"{place}/upload {world.number()}"))["upload_id"]}


async def growing(world: World, place: str) -> Named:
    """An open upload whose chunk list still grows."""
    made = world.must(await world.owner.request(f"{place}/upload {world.number()}", size=1, append=True))
    return {"upload_id": made["upload_id"]}


async def signed(world: World, place: str) -> Named:
    """Signed URLs: to put a chunk, to put it in a bundle, to get another and a whole file."""
    data = noise(40)
    opened = await world.owner.open_upload(f"{place}/signed {world.number()}", data)
    bundled = world.must(await world.owner.request(f"{place}/bundled {world.number()}", [data], bundle=True))
    made = await file(world, place)
    download = world.must(await world.owner.get("/api/v1/download", params={"file_id": made["file_id"]}))
    return {
        "put_url": opened["chunks"][0]["url"],
        "bundle_url": bundled["bundle_url"],
        "get_url": download["chunks"][0]["url"],
        "content_url": download["content_url"],
        "bytes": data,
        "upload_ids": [opened["upload_id"], bundled["upload_id"]],
    }


async def closed(world: World, place: str) -> Named:
    """Signed URLs of uploads that were given up."""
    named = await signed(world, place)
    for upload_id in named["upload_ids"]:
        world.must(await world.owner.delete(f"/api/v1/uploads/{upload_id}"))
    return named


async def link(world: World, place: str) -> Named:
    """A link to a folder with a file in it, and another file beside that folder."""
    return await _link(world, place)


async def drop_link(world: World, place: str) -> Named:
    """A link that takes files in."""
    return await _link(world, place, mode="drop")


async def locked_link(world: World, place: str) -> Named:
    """A link with a password."""
    return await _link(world, place, password=LINK_PASSWORD)


async def looking_link(world: World, place: str) -> Named:
    """A link through which nothing is downloaded."""
    return await _link(world, place, allow_download=False)


async def paused_link(world: World, place: str) -> Named:
    """A link that was paused."""
    made = await _link(world, place)
    world.must(await world.owner.call("PATCH", f"/api/v1/links/{made['link_id']}", json={"paused": True}))
    return made


async def expired_link(world: World, place: str) -> Named:
    """A link whose time is over."""
    made = await _link(world, place)
    number, _ = decode_id(made["link_id"])
    await world.server.cairn.database.write(
        lambda tx: links.set_terms(
            tx, number, expires_ms=1, max_downloads=None, is_paused=False, allows_download=True, title=None
        )
    )
    return made


async def used_link(world: World, place: str) -> Named:
    """A link whose only download was begun in another network."""
    made = await _link(world, place, max_downloads=1)
    url = f"/s/{made['token']}/content?file_id={made['inside_id']}"
    assert (await world.server.stranger.get(url)).status == HTTPStatus.OK
    return made


async def link_of_disabled(world: World, place: str) -> Named:
    """A link of somebody who was disabled."""
    name = (await user(world, place))["username"]
    maker = await world.person(name)
    made = await maker.make_folder("/linked")
    made = world.must(await maker.post("/api/v1/links", {"file_id": made["file_id"]}))
    await world.server.cairn.services.accounts.disable(name)
    return {"token": made["url"].rpartition("/")[2]}


async def link_of_demoted(world: World, place: str) -> Named:
    """A link to a shared folder, of its owner who handed it over and is an editor now."""
    made = await space(world, place)
    shown = world.must(await world.owner.post("/api/v1/links", {"file_id": made["file_id"]}))
    url = f"/api/v1/files/{made['file_id']}/members/guest"
    world.must(await world.owner.call("PATCH", url, json={"role": "owner"}))
    return {"token": shown["url"].rpartition("/")[2]}


async def _link(world: World, place: str, **terms: Any) -> Named:
    shown, beside = await folder(world, place), await file(world, place)
    inside = world.must(await world.owner.at(f"{shown['path']}/in it"))["file_id"]
    made = world.must(await world.owner.post("/api/v1/links", {"file_id": shown["file_id"], **terms}))
    token = made["url"].rpartition("/")[2]
    return {"link_id": made["link_id"], "token": token, "inside_id": inside, "file_id": beside["file_id"]}


async def device(world: World, place: str) -> Named:
    """A device of the owner's."""
    return {"device_id": device_id_of(await world.device("owner"))}


async def job(world: World, place: str) -> Named:
    """A job that the owner asked for, and that is done."""
    made = await folder(world, place)
    at = world.must(await world.owner.get("/api/v1/sync"))["server_time_ms"]
    started = await world.owner.post(f"/api/v1/folders/{made['file_id']}/rewind", {"time_ms": at})
    job_id = world.must(started)["job_id"]
    await world.settled()
    return {"job_id": job_id, "file_id": made["file_id"]}


async def selection(world: World, place: str) -> Named:
    """A file that the owner chose to fetch as a zip."""
    made = await file(world, place)
    chosen = world.must(await world.owner.post("/api/v1/archives", {"file_ids": [made["file_id"]]}))
    return {"archive_id": chosen["archive_id"], "file_id": made["file_id"]}


async def invitation_of_disabled(world: World, place: str) -> Named:
    """An open invitation of an admin who was disabled."""
    name, made = await _invitation_of_another(world)
    await world.server.cairn.services.accounts.disable(name)
    return made


async def invitation_of_demoted(world: World, place: str) -> Named:
    """An open invitation of somebody who is no admin any more."""
    name, made = await _invitation_of_another(world)
    await world.server.cairn.services.accounts.set_admin(name, is_admin=False)
    return made


async def _invitation_of_another(world: World) -> tuple[str, Named]:
    name = (await user(world, PRIVATE))["username"]
    await world.server.cairn.services.accounts.set_admin(name, is_admin=True)
    made = world.must(await (await world.person(name)).post("/api/v1/invitations", {}))
    return name, {"token": made["url"].rpartition("/")[2]}


async def user(world: World, place: str) -> Named:
    """An account that nobody uses."""
    name = f"user{world.number()}"
    await world.server.cairn.services.accounts.create(name, "violet-harbour-kettle-43")
    return {"username": name}


async def invitation(world: World, place: str) -> Named:
    """An open invitation of the admin's."""
    made = world.must(await world.hands["admin"].post("/api/v1/invitations", {}))
    return {"invitation_id": made["invitation_id"], "token": made["url"].rpartition("/")[2]}


async def code(world: World, place: str) -> Named:
    """A one-time code with which a user sets a password."""
    made = world.must(await world.hands["admin"].post("/api/v1/users/guest/reset"))
    return {"username": "guest", "code": made["code"]}
