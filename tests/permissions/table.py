"""The reviewed table: for every route who gets what, about an object in the shared folder and one in the private one.

Read it like this: `Line(route, maker of the object, rule, what is sent)`; the rule is a `Pair` where the place of the
object matters. Roles that a rule does not name get its `rest`. In what is sent, `{file_id}` and the like stand for what
the maker returned, `{own_file}` and `{own_folder}` for something of the asker's own, `{new}` for a name that is free.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from app.api.shell import PLACES
from tests.accounts.api import PASSWORD
from tests.permissions import objects
from tests.permissions.objects import Maker
from tests.permissions.roles import Outcome, Role, Rule, rule
from tests.permissions.world import OWN_KINDS

NOBODY = "anonymous link revoked disabled"
PLAIN = "owner stale session"
# With the app passwords stands the browser on a foreign page, which gets nothing by its cookie.
APPS = "app app_read editor_read app_shared app_elsewhere webdav foreign"
ABSENT, FORBIDDEN, OK = Outcome.ABSENT, Outcome.FORBIDDEN, Outcome.OK


@dataclass(frozen=True)
class Pair:
    """A rule for objects in the shared folder, and one for those in the private folder."""

    shared: Rule
    private: Rule


def _both(only: Rule) -> Pair:
    return Pair(only, only)


# Of the tree: routes that app passwords open as well.
READ_SHARED = rule(
    "READ_SHARED",
    rest=ABSENT,
    unauthenticated=NOBODY,
    ok=f"viewer editor editor_read {PLAIN} bare app app_read app_shared",
    forbidden="webdav foreign",
)
READ_PRIVATE = rule(
    "READ_PRIVATE", rest=ABSENT, unauthenticated=NOBODY, ok=f"{PLAIN} bare app app_read", forbidden="webdav foreign"
)
READ = Pair(READ_SHARED, READ_PRIVATE)
# A POST that only reads: a browser's page shows its token all the same.
READ_BY_POST = Pair(
    READ_SHARED.but("READ_SHARED_BY_POST", forbidden="bare"), READ_PRIVATE.but("READ_PRIVATE_BY_POST", forbidden="bare")
)
WRITE_SHARED = READ_SHARED.but("WRITE_SHARED", forbidden="viewer editor_read app_read bare")
WRITE_PRIVATE = READ_PRIVATE.but("WRITE_PRIVATE", forbidden="app_read bare")
WRITE = Pair(WRITE_SHARED, WRITE_PRIVATE)
# By path in one's own view: a credential that sees the shared folder alone has other paths.
READ_PATH = Pair(READ_SHARED.but("READ_PATH", absent="app_shared"), READ_PRIVATE)
WRITE_PATH = Pair(WRITE_SHARED.but("WRITE_PATH", absent="app_shared"), WRITE_PRIVATE)
# What one reads there comes into a folder of one's own.
TAKE = Pair(
    READ_SHARED.but("TAKE_SHARED", forbidden="editor_read app_read bare"),
    READ_PRIVATE.but("TAKE_PRIVATE", forbidden="app_read bare"),
)
# A member moves, renames and leaves a shared folder in the own view; the shared folder itself is not touched.
MOUNT = Pair(WRITE_SHARED.but("MOUNT_SHARED", ok="viewer", absent="app_shared"), WRITE_PRIVATE)
# Of the whole view: a credential that sees one folder has no such thing.
FEED = Pair(
    READ_SHARED.but("FEED_SHARED", forbidden="app_shared app_elsewhere"),
    READ_PRIVATE.but("FEED_PRIVATE", forbidden="app_shared app_elsewhere"),
)
REWIND = Pair(
    WRITE_SHARED.but("REWIND_SHARED", forbidden="app_shared app_elsewhere"),
    WRITE_PRIVATE.but("REWIND_PRIVATE", forbidden="app_shared app_elsewhere"),
)
# WebDAV opens for app passwords made for it alone; a cookie without its token is none, on whatever page.
DAV_READ = Pair(
    READ_PATH.shared.but("DAV_READ_SHARED", ok="webdav", unauthenticated="bare"),
    READ_PATH.private.but("DAV_READ_PRIVATE", ok="webdav", unauthenticated="bare"),
)
DAV_WRITE = Pair(
    WRITE_PATH.shared.but("DAV_WRITE_SHARED", ok="webdav", unauthenticated="bare"),
    WRITE_PATH.private.but("DAV_WRITE_PRIVATE", ok="webdav", unauthenticated="bare"),
)
# What is made in a folder that is not there, or not shown, is a conflict (RFC 4918, 9.3.1).
DAV_MAKE = Pair(
    DAV_WRITE.shared.but("DAV_MAKE_SHARED", conflict="former stranger admin stale_admin app_shared app_elsewhere"),
    DAV_WRITE.private.but(
        "DAV_MAKE_PRIVATE",
        conflict="former stranger admin stale_admin viewer editor editor_read app_shared app_elsewhere",
    ),
)
DAV_TAKE = Pair(
    TAKE.shared.but("DAV_TAKE_SHARED", ok="webdav", unauthenticated="bare", absent="app_shared"),
    TAKE.private.but("DAV_TAKE_PRIVATE", ok="webdav", unauthenticated="bare"),
)
# Something of one's own takes the place of something there; in a part of the view one's own is not at that path.
DAV_REPLACE = Pair(
    DAV_MAKE.shared.but("DAV_REPLACE_SHARED", absent="app_shared app_elsewhere"),
    DAV_MAKE.private.but("DAV_REPLACE_PRIVATE", absent="app_shared app_elsewhere"),
)
DAV_VIEW = rule("DAV_VIEW", rest=OK, unauthenticated=f"{NOBODY} bare", forbidden="foreign")
VIEW = rule("VIEW", rest=OK, unauthenticated=NOBODY, forbidden="app_shared app_elsewhere webdav foreign")
FILES = rule("FILES", rest=OK, unauthenticated=NOBODY, forbidden="webdav foreign")
FILES_BY_POST = FILES.but("FILES_BY_POST", forbidden="bare")
# What nobody gets, since the ids do not belong together.
NEVER = rule("NEVER", rest=ABSENT, unauthenticated=NOBODY, forbidden="webdav foreign")
NEVER_BY_POST = NEVER.but("NEVER_BY_POST", forbidden="bare")
NEVER_CHANGE = NEVER.but("NEVER_CHANGE", forbidden="bare app_read editor_read")
# A job is the user's who asked for it; a credential that sees one folder sees its own jobs alone.
JOB = rule("JOB", rest=ABSENT, unauthenticated=NOBODY, ok=f"{PLAIN} bare app app_read", forbidden="webdav foreign")
# What was chosen for a zip is the user's who chose it, and comes to credentials that see it.
SELECTION = Pair(JOB.but("SELECTION", ok="app_shared"), JOB)
# So is an upload, whatever others may do in that folder; what may not change everything sees its own alone.
UPLOAD = JOB.but("UPLOAD", absent="app_read")
UPLOAD_CHANGE = UPLOAD.but("UPLOAD_CHANGE", forbidden="bare")

# Of accounts: routes that no app password opens.
OWN = Pair(
    rule("OWN_SHARED", rest=ABSENT, unauthenticated=NOBODY, ok=PLAIN, forbidden=f"viewer editor bare {APPS}"),
    rule("OWN_PRIVATE", rest=ABSENT, unauthenticated=NOBODY, ok=PLAIN, forbidden=f"bare {APPS}"),
)
OWN_PROOF = Pair(
    OWN.shared.but("OWN_PROOF_SHARED", reauth="stale stale_admin"),
    OWN.private.but("OWN_PROOF_PRIVATE", reauth="stale stale_admin"),
)
SEE = Pair(
    rule("SEE_SHARED", rest=ABSENT, unauthenticated=NOBODY, ok=f"viewer editor {PLAIN} bare", forbidden=APPS),
    rule("SEE_PRIVATE", rest=ABSENT, unauthenticated=NOBODY, ok=f"{PLAIN} bare", forbidden=APPS),
)
# Whoever may leave; the owner is told to hand the folder over first.
LEAVE = Pair(
    SEE.shared.but("LEAVE_SHARED", conflict=PLAIN, forbidden="bare"),
    SEE.private.but("LEAVE_PRIVATE", conflict=PLAIN, forbidden="bare"),
)
MINE = rule("MINE", rest=ABSENT, unauthenticated=NOBODY, ok=PLAIN, forbidden=f"bare {APPS}")
ACCOUNT = rule("ACCOUNT", rest=OK, unauthenticated=NOBODY, forbidden=APPS)
ACCOUNT_CHANGE = ACCOUNT.but("ACCOUNT_CHANGE", forbidden="bare")
ACCOUNT_PROOF = ACCOUNT_CHANGE.but("ACCOUNT_PROOF", reauth="stale stale_admin")
ADMIN = rule("ADMIN", rest=FORBIDDEN, unauthenticated=NOBODY, ok="admin stale_admin")
ADMIN_PROOF = ADMIN.but("ADMIN_PROOF", reauth="stale_admin")

# Of nobody in particular: what is shown beside the secret in the URL or body does not count.
FEW = (Role.ANONYMOUS, Role.STRANGER, Role.ADMIN, Role.OWNER, Role.APP_ELSEWHERE)
PUBLIC = replace(rule("PUBLIC", rest=OK), asked_by=FEW)
NOTHING = replace(rule("NOTHING", rest=ABSENT), asked_by=FEW)
UNSAID = replace(rule("UNSAID", rest=FORBIDDEN), asked_by=(Role.SESSION,))
BASIC = replace(rule("BASIC", rest=FORBIDDEN), asked_by=(Role.ANONYMOUS,))
LOCKED = replace(rule("LOCKED", rest=Outcome.UNAUTHENTICATED), asked_by=(Role.ANONYMOUS,))
CLOSED = replace(rule("CLOSED", rest=FORBIDDEN), asked_by=FEW)


@dataclass(frozen=True, eq=False)
class Line:
    """One way to call a route, and who gets what.

    Attributes:
        rule: a pair where there is an object in each place.
        path: what stands in the path where that is not what the maker named so.
        url: in place of the path: a signed URL.
        passes: how the call ends for whoever is let through, where that costs less to see than a success.
        within: the field of a batch's answer whose first entry is judged; FRAMES where it is frames.
        spends: the caller's own credential, which is renewed afterwards.
        notes: tables to which a refusal is written.
    """

    route: str
    make: Maker
    rule: Rule | Pair
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] | None = None
    json: Any = None
    data: str | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    passes: Outcome = OK
    within: str | None = None
    spends: bool = False
    notes: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The method of the route."""
        return self.route.partition(" ")[0]

    @property
    def ids(self) -> list[str]:
        """The ids by which the call names what the maker returned."""
        named = _ID.findall(repr((self.route, self.path, self.query, self.json))) if self.url is None else []
        return sorted(set(named) - self.path.keys())

    @property
    def base(self) -> str:
        """What stands as the version that a change grew from: a wrong one is a conflict."""
        return str({**(self.query or {}), **(self.json or {})}.get("base_version", ""))

    @property
    def own(self) -> list[str]:
        """Which of the asker's own things the call names."""
        sent = repr((self.path, self.query, self.json, self.headers))
        return [kind for kind in OWN_KINDS if f"{{{kind}}}" in sent]


_ID = re.compile(r"\{(\w+_id)\}")
GUEST = {"username": "guest", "password": PASSWORD}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FROM_EVIL = {"Origin": "https://evil.example"}
BY_BASIC = {"Authorization": "Basic {basic}"}
TOO_SHORT = "short"
"""No password: whoever is let through is told so, before any hash is worked out."""
EMPTY = {"size": 0}
FRAMES = "frames"
KEPT = {"newest": 10, "hourly_days": 1, "daily_days": 30, "weekly_days": 365}
PIECE = {"sha256": "00" * 32, "size": 1}

TREE: tuple[Line, ...] = (
    Line("GET /api/v1/files", objects.file, READ_PATH, query={"path": "{path}"}),
    Line("GET /api/v1/files/{file_id}", objects.file, READ),
    Line("PATCH /api/v1/files/{file_id}", objects.file, WRITE, json={"name": "{new}"}),
    Line("PATCH /api/v1/files/{file_id}", objects.file, WRITE, json={"parent_id": "{own_folder}"}),
    Line(
        "PATCH /api/v1/files/{file_id}",
        objects.folder,
        WRITE,
        path={"file_id": "{own_file}"},
        json={"parent_id": "{file_id}"},
    ),
    Line(
        "PATCH /api/v1/files/{file_id}",
        objects.file,
        UNSAID,
        json={"name": "{new}"},
        headers={"Sec-Fetch-Site": "same-site"},
    ),
    *(
        Line("PATCH /api/v1/files/{file_id}", objects.file_and_basic, BASIC, json={"name": "{new}"}, headers=headers)
        for headers in ({**BY_BASIC, "Sec-Fetch-Site": "same-site"}, {**BY_BASIC, **FROM_EVIL})
    ),
    Line("PATCH /api/v1/files/{file_id}", objects.space, MOUNT, json={"name": "{new}"}),
    Line("DELETE /api/v1/files/{file_id}", objects.file, WRITE),
    Line("DELETE /api/v1/files/{file_id}", objects.file, WRITE, query={"base_version": "{version_id}"}),
    Line("DELETE /api/v1/files/{file_id}", objects.space, MOUNT),
    Line("GET /api/v1/download", objects.file, READ, query={"file_id": "{file_id}"}),
    Line("GET /api/v1/download", objects.versioned, READ, query={"file_id": "{file_id}", "version_id": "{version_id}"}),
    Line("GET /api/v1/download", objects.file, NEVER, query={"file_id": "{own_file}", "version_id": "{version_id}"}),
    Line("GET /api/v1/files/{file_id}/content", objects.file, READ),
    Line("GET /api/v1/files/{file_id}/content", objects.versioned, READ, query={"version_id": "{version_id}"}),
    Line(
        "GET /api/v1/files/{file_id}/content",
        objects.file,
        NEVER,
        path={"file_id": "{own_file}"},
        query={"version_id": "{version_id}"},
    ),
    Line("GET /api/v1/files/{file_id}/thumbnail", objects.file, READ),
    Line("GET /api/v1/files/{file_id}/thumbnail", objects.versioned, READ, query={"version_id": "{version_id}"}),
    Line(
        "GET /api/v1/files/{file_id}/thumbnail",
        objects.file,
        NEVER,
        path={"file_id": "{own_file}"},
        query={"version_id": "{version_id}"},
    ),
    Line(
        "POST /api/v1/downloadBundle",
        objects.file,
        READ_BY_POST,
        json={"files": [{"file_id": "{file_id}"}]},
        within=FRAMES,
    ),
    Line(
        "POST /api/v1/downloadBundle",
        objects.versioned,
        READ_BY_POST,
        json={"files": [{"file_id": "{file_id}", "version_id": "{version_id}"}]},
        within=FRAMES,
    ),
    Line(
        "POST /api/v1/downloadBundle",
        objects.file,
        NEVER_BY_POST,
        json={"files": [{"file_id": "{own_file}", "version_id": "{version_id}"}]},
        within=FRAMES,
    ),
    Line("PUT /api/v1/files/content", objects.folder, WRITE_PATH, query={"path": "{path}/{new}"}, data="bytes"),
    Line("PUT /api/v1/files/content", objects.file, WRITE_PATH, query={"path": "{path}"}, data="bytes"),
    Line("GET /api/v1/folders/{file_id}/children", objects.folder, READ),
    Line("GET /api/v1/folders/{file_id}/archive.zip", objects.folder, READ),
    Line("POST /api/v1/archives", objects.file, READ_BY_POST, json={"file_ids": ["{file_id}"]}),
    Line("GET /api/v1/archives/{archive_id}", objects.selection, SELECTION),
    Line("POST /api/v1/folders", objects.folder, WRITE_PATH, json={"path": "{path}/{new}"}),
    Line("POST /api/v1/folders", objects.folder, WRITE, json={"parent_id": "{file_id}", "name": "{new}"}),
    Line("POST /api/v1/files/{file_id}/copy", objects.file, TAKE, json={"parent_id": "{own_folder}", "name": "{new}"}),
    Line(
        "POST /api/v1/files/{file_id}/copy",
        objects.folder,
        WRITE,
        path={"file_id": "{own_file}"},
        json={"parent_id": "{file_id}", "name": "{new}"},
    ),
    Line(
        "POST /api/v1/files/copy",
        objects.file,
        TAKE,
        json={"copies": [{"file_id": "{file_id}", "parent_id": "{own_folder}", "name": "{new}"}]},
        within="results",
    ),
    Line(
        "POST /api/v1/files/copy",
        objects.folder,
        WRITE,
        json={"copies": [{"file_id": "{own_file}", "parent_id": "{file_id}", "name": "{new}"}]},
        within="results",
    ),
    Line("GET /api/v1/files/{file_id}/versions", objects.versioned, READ),
    Line("POST /api/v1/files/{file_id}/versions/{version_id}/restore", objects.versioned, WRITE),
    Line(
        "POST /api/v1/files/{file_id}/versions/{version_id}/restore",
        objects.file,
        NEVER_CHANGE,
        path={"file_id": "{own_file}"},
    ),
    Line(
        "PATCH /api/v1/files/{file_id}/versions/{version_id}",
        objects.versioned,
        WRITE,
        json={"label": "kept"},
    ),
    Line(
        "PATCH /api/v1/files/{file_id}/versions/{version_id}",
        objects.file,
        NEVER_CHANGE,
        path={"file_id": "{own_file}"},
        json={"label": "kept"},
    ),
    Line("GET /api/v1/search", objects.folder, READ, query={"q": "in it", "in": "{file_id}"}),
    Line("GET /api/v1/search", objects.nothing, VIEW, query={"q": "in it"}),
    Line("GET /api/v1/photos", objects.nothing, VIEW),
    Line("GET /api/v1/photos/months", objects.nothing, VIEW),
    Line("POST /api/v1/qr", objects.nothing, FILES_BY_POST, json={"text": "https://nas.example/"}),
    Line("GET /api/v1/trash", objects.nothing, VIEW),
    Line("POST /api/v1/trash/{trash_id}/restore", objects.trashed, WRITE),
    Line("DELETE /api/v1/trash/{trash_id}", objects.trashed, WRITE),
    Line("POST /api/v1/trash/purge", objects.trashed, WRITE, json={"trash_ids": ["{trash_id}"]}, within="results"),
    Line("POST /api/v1/trash/restore", objects.trashed, WRITE, json={"trash_ids": ["{trash_id}"]}, within="results"),
    Line("POST /api/v1/files/trash", objects.file, WRITE, json={"file_ids": ["{file_id}"]}, within="results"),
    Line(
        "POST /api/v1/files/change",
        objects.file,
        WRITE,
        json={"changes": [{"file_id": "{file_id}", "name": "{new}"}]},
        within="results",
    ),
    Line(
        "POST /api/v1/files/change",
        objects.folder,
        WRITE,
        json={"changes": [{"file_id": "{own_file}", "parent_id": "{file_id}"}]},
        within="results",
    ),
    Line("GET /api/v1/sync", objects.file, FEED, query={"space_id": "{space_id}"}),
    Line("GET /api/v1/sync", objects.nothing, VIEW),
    Line("GET /api/v1/events", objects.file, FEED, query={"space_id": "{space_id}"}),
)
HISTORY = (
    Line("GET /api/v1/folders/{file_id}/retention", objects.folder, READ),
    Line("PUT /api/v1/folders/{file_id}/retention", objects.folder, OWN_PROOF, json=KEPT),
    Line("DELETE /api/v1/folders/{file_id}/retention", objects.folder, OWN_PROOF),
    Line("GET /api/v1/storage", objects.nothing, VIEW),
    Line("GET /api/v1/folders/{file_id}/activity", objects.folder, READ, query={"from_ms": "{now_ms}"}),
    Line("GET /api/v1/folders/{file_id}/at", objects.folder, READ, query={"time_ms": "{now_ms}"}),
    Line("POST /api/v1/folders/{file_id}/rewind", objects.folder, REWIND, json={"time_ms": 2**52}),
    Line("POST /api/v1/folders/{file_id}/rewind", objects.folder, REWIND, json={"time_ms": 2**52, "dry_run": True}),
    Line(
        "POST /api/v1/undo",
        objects.device,
        MINE.but("UNDO", ok="app"),
        json={"device_id": "{device_id}", "from_ms": 0, "to_ms": 1},
    ),
    Line(
        "POST /api/v1/undo",
        objects.link,
        MINE.but("UNDO", ok="app"),
        json={"link_id": "{link_id}", "from_ms": 0, "to_ms": 1},
    ),
    Line(
        "POST /api/v1/undo",
        objects.nothing,
        VIEW.but("UNDO_PERSON", forbidden="app_read editor_read bare"),
        json={"username": "owner", "from_ms": 0, "to_ms": 1, "dry_run": True},
    ),
    Line("GET /api/v1/jobs/{job_id}", objects.job, JOB),
    Line("GET /api/v1/jobs/{job_id}/kept", objects.job, JOB),
)
UPLOADS = (
    Line("POST /api/v1/uploadRequest", objects.folder, WRITE_PATH, json={"path": "{path}/{new}", **EMPTY}),
    Line(
        "POST /api/v1/uploadRequest", objects.folder, WRITE, json={"parent_id": "{file_id}", "name": "{new}", **EMPTY}
    ),
    Line(
        "POST /api/v1/uploadRequest",
        objects.file,
        WRITE,
        json={"file_id": "{file_id}", "base_version": "{version_id}", **EMPTY},
    ),
    Line("POST /api/v1/uploadRequest", objects.trashed, WRITE, json={"file_id": "{file_id}", "restore": True, **EMPTY}),
    Line(
        "POST /api/v1/uploadRequest",
        objects.folder,
        WRITE,
        json={"files": [{"parent_id": "{file_id}", "name": "{new}", **EMPTY}]},
        within="uploads",
    ),
    Line("GET /api/v1/uploads", objects.nothing, FILES),
    Line("GET /api/v1/uploads/{upload_id}", objects.upload, UPLOAD),
    Line(
        "POST /api/v1/uploads/{upload_id}/chunks", objects.growing, UPLOAD_CHANGE, json={"from": 0, "chunks": [PIECE]}
    ),
    Line("POST /api/v1/uploads/{upload_id}/commit", objects.upload, UPLOAD_CHANGE),
    Line(
        "POST /api/v1/uploads/commit",
        objects.upload,
        UPLOAD_CHANGE,
        json={"upload_ids": ["{upload_id}"]},
        within="results",
    ),
    Line("DELETE /api/v1/uploads/{upload_id}", objects.upload, UPLOAD_CHANGE),
)
SIGNED = (
    Line("PUT /chunks/{chunk}", objects.signed, PUBLIC, url="{put_url}", data="{bytes}"),
    Line("PUT /chunks/{chunk}", objects.signed, CLOSED, url="{get_url}", data="{bytes}"),
    Line("POST /chunks/{chunk}", objects.signed, PUBLIC, url="{put_url}", data="{bytes}"),
    Line("POST /chunks/{chunk}", objects.signed, CLOSED, url="{get_url}", data="{bytes}"),
    Line("GET /chunks/{chunk}", objects.signed, PUBLIC, url="{get_url}"),
    Line("GET /chunks/{chunk}", objects.signed, CLOSED, url="{put_url}"),
    Line("PUT /bundles/{bundle}", objects.signed, PUBLIC, url="{bundle_url}", data="{frame}"),
    Line("PUT /bundles/{bundle}", objects.signed, CLOSED, url="{bundle_url}0", data="{frame}"),
    Line("PUT /chunks/{chunk}", objects.closed, CLOSED, url="{put_url}", data="{bytes}"),
    Line("PUT /bundles/{bundle}", objects.closed, CLOSED, url="{bundle_url}", data="{frame}"),
    Line("GET /content/{file_id}/{version_id}", objects.signed, PUBLIC, url="{content_url}"),
    Line("GET /content/{file_id}/{version_id}", objects.versioned, CLOSED),
)
MEMBERS = (
    Line("POST /api/v1/files/{file_id}/members", objects.space, OWN, json={"username": "guest", "role": "viewer"}),
    Line(
        "POST /api/v1/files/{file_id}/members",
        objects.space_and_disabled,
        Pair(OWN.shared.but("NOBODY_SHARED", absent=PLAIN), OWN.private.but("NOBODY_PRIVATE", absent=PLAIN)),
        json={"username": "{username}", "role": "viewer"},
    ),
    Line("GET /api/v1/files/{file_id}/members", objects.space, SEE),
    Line("GET /api/v1/files/{file_id}/members", objects.file, SEE),
    Line(
        "PATCH /api/v1/files/{file_id}/members/{username}",
        objects.space,
        OWN,
        path={"username": "guest"},
        json={"role": "editor"},
    ),
    Line(
        "PATCH /api/v1/files/{file_id}/members/{username}",
        objects.space_with_disabled,
        Pair(OWN.shared.but("NO_OWNER_SHARED", conflict=PLAIN), OWN.private.but("NO_OWNER_PRIVATE", conflict=PLAIN)),
        json={"role": "owner"},
    ),
    Line("DELETE /api/v1/files/{file_id}/members/{username}", objects.space, OWN, path={"username": "guest"}),
    Line("DELETE /api/v1/files/{file_id}/members/{username}", objects.space, LEAVE, path={"username": "{asker}"}),
)
LINKS = (
    Line("POST /api/v1/links", objects.file, OWN, json={"file_id": "{file_id}"}),
    Line("POST /api/v1/links", objects.folder, OWN, json={"file_id": "{file_id}", "mode": "drop"}),
    Line(
        "GET /api/v1/links",
        objects.file,
        Pair(OWN.shared.but("OWN_READ", ok="bare"), OWN.private.but("OWN_READ", ok="bare")),
        query={"file_id": "{file_id}"},
    ),
    Line("GET /api/v1/links", objects.nothing, ACCOUNT),
    Line("PATCH /api/v1/links/{link_id}", objects.link, _both(MINE), json={"paused": True}),
    Line("DELETE /api/v1/links/{link_id}", objects.link, _both(MINE)),
    Line("GET /s/{token}", objects.link, _both(PUBLIC)),
    *(
        Line("GET /s/{token}", ended, _both(NOTHING))
        for ended in (objects.paused_link, objects.expired_link, objects.used_link, objects.link_of_disabled)
    ),
    Line("GET /s/{token}", objects.link_of_demoted, NOTHING),
    Line("GET /s/{token}", objects.link, _both(NOTHING), query={"file_id": "{file_id}"}),
    Line("GET /s/{token}/children", objects.link, _both(PUBLIC)),
    Line("GET /s/{token}/children", objects.paused_link, _both(NOTHING)),
    Line("GET /s/{token}/children", objects.drop_link, _both(NOTHING)),
    Line("GET /s/{token}/children", objects.locked_link, _both(CLOSED)),
    Line("GET /s/{token}/children", objects.link, _both(NOTHING), query={"file_id": "{file_id}"}),
    Line("GET /s/{token}/content", objects.link, _both(PUBLIC), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/content", objects.link, _both(NOTHING), query={"file_id": "{file_id}"}),
    Line("GET /s/{token}/content", objects.paused_link, _both(NOTHING), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/content", objects.drop_link, _both(NOTHING), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/content", objects.locked_link, _both(CLOSED), query={"file_id": "{inside_id}"}),
    Line(
        "GET /s/{token}/content", objects.looking_link, _both(CLOSED), query={"file_id": "{inside_id}", "download": "1"}
    ),
    Line("GET /s/{token}/thumbnail", objects.link, _both(PUBLIC), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/thumbnail", objects.link, _both(NOTHING), query={"file_id": "{file_id}"}),
    Line("GET /s/{token}/thumbnail", objects.paused_link, _both(NOTHING), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/thumbnail", objects.drop_link, _both(NOTHING), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/thumbnail", objects.locked_link, _both(CLOSED), query={"file_id": "{inside_id}"}),
    Line("GET /s/{token}/archive.zip", objects.link, _both(PUBLIC)),
    Line("GET /s/{token}/archive.zip", objects.link, _both(NOTHING), query={"file_id": "{file_id}"}),
    Line("GET /s/{token}/archive.zip", objects.paused_link, _both(NOTHING)),
    Line("GET /s/{token}/archive.zip", objects.drop_link, _both(NOTHING)),
    Line("GET /s/{token}/archive.zip", objects.locked_link, _both(CLOSED)),
    Line("GET /s/{token}/archive.zip", objects.looking_link, _both(CLOSED)),
    Line("PUT /s/{token}/upload", objects.drop_link, _both(PUBLIC), query={"name": "{new}"}, data="bytes"),
    Line("PUT /s/{token}/upload", objects.link, _both(NOTHING), query={"name": "{new}"}, data="bytes"),
    Line("POST /s/{token}/upload", objects.drop_link, _both(PUBLIC), query={"name": "{new}"}, data="bytes"),
    Line("POST /s/{token}/upload", objects.link, _both(NOTHING), query={"name": "{new}"}, data="bytes"),
    Line("POST /s/{token}/password", objects.link, _both(PUBLIC), json={"password": "any"}),
    Line("POST /s/{token}/password", objects.locked_link, _both(CLOSED), json={"password": "wrong"}),
    Line("POST /s/{token}/password", objects.link, _both(CLOSED), json={"password": "any"}, headers=FROM_EVIL),
)
ACCOUNTS = (
    Line("POST /api/v1/login", objects.nothing, PUBLIC, json={**GUEST, "device_name": "new"}),
    Line(
        "POST /api/v1/session",
        objects.nothing,
        PUBLIC,
        json=GUEST,
        headers={"Sec-Fetch-Site": "same-origin"},
        spends=True,
    ),
    *(
        Line("POST /api/v1/session", objects.nothing, CLOSED, json=GUEST, headers=headers)
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, FROM_EVIL)
    ),
    Line(
        "POST /api/v1/login",
        objects.nothing,
        LOCKED,
        json={**GUEST, "username": "disabled", "device_name": "new"},
        notes=("audit",),
    ),
    Line("POST /api/v1/reauth", objects.nothing, ACCOUNT_CHANGE, json={"password": PASSWORD}, spends=True),
    Line(
        "POST /api/v1/password",
        objects.nothing,
        ACCOUNT_CHANGE,
        json={"current": PASSWORD, "new": TOO_SHORT},
        passes=Outcome.INVALID,
    ),
    Line("POST /api/v1/logout", objects.nothing, ACCOUNT_CHANGE, spends=True),
    Line("GET /api/v1/me", objects.nothing, ACCOUNT),
    Line("PATCH /api/v1/me", objects.nothing, ACCOUNT_CHANGE, json={"theme": "dark"}),
    Line("GET /api/v1/devices", objects.nothing, ACCOUNT),
    Line("DELETE /api/v1/devices/{device_id}", objects.device, MINE),
    Line("POST /api/v1/devices/{device_id}/known", objects.device, MINE),
    Line(
        "POST /api/v1/devices/revoke-others",
        objects.nothing,
        ACCOUNT_CHANGE,
        json={"app_passwords": 1},
        passes=Outcome.INVALID,
    ),
    Line("POST /api/v1/installation", objects.nothing, ACCOUNT_CHANGE, json={"names": ["laptop"]}),
    Line("POST /api/v1/app-passwords", objects.nothing, ACCOUNT_PROOF, json={"name": "{new}"}),
    Line(
        "POST /api/v1/app-passwords",
        objects.folder,
        Pair(
            SEE.shared.but("SCOPE_SHARED", reauth="stale stale_admin", forbidden="bare"),
            SEE.private.but("SCOPE_PRIVATE", reauth="stale stale_admin", forbidden="bare"),
        ),
        json={"name": "{new}", "scope": {"folder_id": "{file_id}"}},
    ),
    Line("GET /api/v1/totp", objects.nothing, ACCOUNT),
    Line("POST /api/v1/totp", objects.nothing, ACCOUNT_PROOF),
    Line(
        "POST /api/v1/totp/confirm",
        objects.nothing,
        ACCOUNT_PROOF,
        json={"code": "", "end_devices": 1},
        passes=Outcome.INVALID,
    ),
    Line("POST /api/v1/totp/disable", objects.nothing, ACCOUNT_PROOF, json={"code": "0"}, passes=Outcome.CONFLICT),
    Line(
        "POST /api/v1/totp/recovery-codes",
        objects.nothing,
        ACCOUNT_PROOF,
        json={"code": "0"},
        passes=Outcome.CONFLICT,
    ),
)
ADMINS = (
    Line("GET /api/v1/users", objects.nothing, ADMIN),
    Line("POST /api/v1/users", objects.nothing, ADMIN_PROOF, json={"username": "{new}", "password": PASSWORD}),
    Line("GET /api/v1/users/{username}", objects.user, ADMIN),
    Line("PATCH /api/v1/users/{username}", objects.user, ADMIN_PROOF, json={"quota": 1, "is_admin": True}),
    Line("DELETE /api/v1/users/{username}", objects.user, ADMIN_PROOF, query={"files": "delete"}),
    Line("DELETE /api/v1/users/{username}", objects.user, ADMIN_PROOF, query={"files": "transfer", "to": "guest"}),
    Line(
        "DELETE /api/v1/users/{username}",
        objects.user,
        ADMIN_PROOF.but("NO_HEIR", invalid="admin"),
        query={"files": "transfer", "to": "disabled"},
    ),
    Line("POST /api/v1/users/{username}/reset", objects.user, ADMIN_PROOF),
    Line("POST /api/v1/users/{username}/sign-out", objects.user, ADMIN_PROOF),
    Line(
        "POST /api/v1/reset",
        objects.code,
        PUBLIC,
        json={"username": "{username}", "code": "{code}", "password": TOO_SHORT},
        passes=Outcome.INVALID,
    ),
    Line("GET /api/v1/invitations", objects.nothing, ADMIN),
    Line("POST /api/v1/invitations", objects.nothing, ADMIN_PROOF, json={"username": "{new}"}),
    Line("DELETE /api/v1/invitations/{invitation_id}", objects.invitation, ADMIN),
    Line("GET /api/v1/invite/{token}", objects.invitation, PUBLIC),
    Line("GET /api/v1/invite/{token}", objects.invitation_of_disabled, NOTHING),
    Line("GET /api/v1/invite/{token}", objects.invitation_of_demoted, NOTHING),
    Line(
        "POST /api/v1/invite/{token}",
        objects.invitation,
        PUBLIC,
        json={"username": "{new}", "password": TOO_SHORT},
        passes=Outcome.INVALID,
    ),
    Line("GET /invite/{token}", objects.invitation, PUBLIC),
    Line(
        "POST /invite/{token}",
        objects.invitation,
        PUBLIC,
        data="username={new}&password=short",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        passes=Outcome.INVALID,
    ),
    Line("GET /api/v1/audit", objects.user, ADMIN, query={"username": "{username}"}),
    Line("GET /api/v1/server", objects.nothing, ADMIN),
    Line("GET /api/v1/server/jobs", objects.nothing, ADMIN),
    Line("POST /api/v1/server/collection", objects.nothing, ADMIN),
)
PAGES = (
    Line("GET /healthz", objects.nothing, PUBLIC),
    Line("GET /readyz", objects.nothing, PUBLIC),
    Line("GET /metrics", objects.nothing, NOTHING),
    Line("GET /api/v1/openapi.json", objects.nothing, PUBLIC),
    Line("GET /", objects.nothing, PUBLIC),
    Line("GET /reset", objects.nothing, PUBLIC),
    *(
        Line(f"GET /{name}", objects.nothing, PUBLIC)
        for name in ("manifest.webmanifest", "service-worker.js", "offline", "favicon.ico")
    ),
    Line("GET /.well-known/security.txt", objects.nothing, NOTHING),
    Line("GET /ca.crt", objects.nothing, NOTHING),
    Line("GET /trust", objects.nothing, NOTHING),
    Line(
        "POST /reset",
        objects.nothing,
        LOCKED,
        data=f"username=guest&code=none&password={PASSWORD}",
        headers=FORM,
        notes=("audit",),
    ),
    Line("POST /", objects.nothing, CLOSED, data="username=guest&password=none", headers=FORM),
    *(Line(f"GET /{place}", objects.nothing, PUBLIC) for place in PLACES),
    *(Line(f"GET /{place}/{{place}}", objects.nothing, PUBLIC, path={"place": "a/b"}) for place in PLACES),
    Line("GET /static/{build}/{name}", objects.nothing, NOTHING, path={"build": "0", "name": "no.css"}),
    Line("GET /setup/{token}", objects.nothing, NOTHING, path={"token": "none"}),
    Line(
        "POST /setup/{token}",
        objects.nothing,
        NOTHING,
        path={"token": "none"},
        json={"username": "{new}", "password": PASSWORD},
    ),
)
_PROPERTY = '<propertyupdate xmlns="DAV:"><set><prop><mine xmlns="urn:x">1</mine></prop></set></propertyupdate>'
_LOCK = '<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>'
_TIME = (
    '<propertyupdate xmlns="DAV:"><set><prop><getlastmodified>Mon, 30 Nov 2026 08:00:00 GMT</getlastmodified></prop>'
    "</set></propertyupdate>"
)
_BESIDE = {"Destination": "/dav/{path}-{new}"}
_HOME = {"Destination": "/dav/{own_place}/{new}"}
_OVER = {"Destination": "/dav/{place}/{name}"}
_SYNC = (
    '<sync-collection xmlns="DAV:"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop>'
    "</sync-collection>"
)
_NOW = datetime.now(UTC)
_THEN = f"/@{_NOW.date()}{'' if _NOW.hour < 12 else '-12:00'}"
WEBDAV = (
    Line("OPTIONS /", objects.nothing, PUBLIC),
    Line("OPTIONS /dav{path}", objects.collection, DAV_VIEW, path={"path": "/{path}"}),
    Line("GET /dav{path}", objects.resource, DAV_READ, path={"path": "/{path}"}),
    Line("GET /dav{path}", objects.collection, DAV_READ, path={"path": "/{path}"}),
    Line("PROPFIND /dav{path}", objects.resource, DAV_READ, path={"path": "/{path}"}, headers={"Depth": "0"}),
    Line("PROPFIND /dav{path}", objects.collection, DAV_READ, path={"path": "/{path}"}, headers={"Depth": "1"}),
    Line("GET /dav{path}", objects.resource, DAV_READ, path={"path": _THEN + "/{path}"}),
    Line("GET /dav{path}", objects.collection, DAV_READ, path={"path": _THEN + "/{path}"}),
    Line("GET /dav{path}", objects.collection, DAV_VIEW, path={"path": "/@"}),
    Line("PROPFIND /dav{path}", objects.resource, DAV_READ, path={"path": _THEN + "/{path}"}, headers={"Depth": "0"}),
    Line("PROPFIND /dav{path}", objects.collection, DAV_READ, path={"path": _THEN + "/{path}"}, headers={"Depth": "1"}),
    Line("REPORT /dav{path}", objects.collection, DAV_READ, path={"path": "/{path}"}, data=_SYNC),
    Line("PROPPATCH /dav{path}", objects.resource, DAV_WRITE, path={"path": "/{path}"}, data=_PROPERTY),
    Line("PROPPATCH /dav{path}", objects.resource, DAV_WRITE, path={"path": "/{path}"}, data=_TIME),
    Line(
        "PATCH /dav{path}", objects.resource, DAV_READ, path={"path": "/{path}"}, headers={"X-Recalculate-Hash": "sha1"}
    ),
    Line("MKCOL /dav{path}", objects.collection, DAV_MAKE, path={"path": "/{path}/{new}"}),
    Line("LOCK /dav{path}", objects.resource, DAV_MAKE, path={"path": "/{path}"}, data=_LOCK),
    Line("LOCK /dav{path}", objects.collection, DAV_MAKE, path={"path": "/{path}/{new}"}, data=_LOCK),
    Line(
        "UNLOCK /dav{path}",
        objects.resource,
        DAV_READ,
        path={"path": "/{path}"},
        headers={"Lock-Token": "<urn:uuid:00000000-0000-0000-0000-000000000000>"},
        passes=Outcome.CONFLICT,
    ),
    Line("PUT /dav{path}", objects.collection, DAV_MAKE, path={"path": "/{path}/{new}"}, data="bytes"),
    Line("PUT /dav{path}", objects.resource, DAV_MAKE, path={"path": "/{path}"}, data="bytes"),
    Line("DELETE /dav{path}", objects.resource, DAV_WRITE, path={"path": "/{path}"}),
    Line("DELETE /dav{path}", objects.collection, DAV_WRITE, path={"path": "/{path}"}),
    *(
        Line(f"{method} /dav{{path}}", make, DAV_WRITE, path={"path": "/{path}"}, headers=_BESIDE)
        for method in ("MOVE", "COPY")
        for make in (objects.resource, objects.collection)
    ),
    Line("MOVE /dav{path}", objects.resource, DAV_WRITE, path={"path": "/{path}"}, headers=_HOME),
    Line("COPY /dav{path}", objects.resource, DAV_TAKE, path={"path": "/{path}"}, headers=_HOME),
    Line("COPY /dav{path}", objects.resource, DAV_TAKE, path={"path": _THEN + "/{path}"}, headers=_HOME),
    *(
        Line(f"{method} /dav{{path}}", objects.placed, DAV_REPLACE, path={"path": "/{own_path}"}, headers=_OVER)
        for method in ("MOVE", "COPY")
    ),
)
TABLE: tuple[Line, ...] = (
    *TREE, *HISTORY, *UPLOADS, *SIGNED, *MEMBERS, *LINKS, *ACCOUNTS, *ADMINS, *PAGES, *WEBDAV
)  # fmt: skip
