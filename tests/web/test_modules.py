"""What a page of the shell asks for at its head."""

from web.modules import needs_of
from web.pages import Pages

ASSETS = {
    "js/app.js": b'import { a } from "./core/a.js";\nimport "./views.js";\n',
    "js/views.js": b"""export const VIEWS = {
  one: { load: () => import("./one/view.js"), style: "css/one.css" },
};
""",
    "js/core/a.js": b'export { b } from "../core/b.js";\nconst later = import("./later.js");\n',
    "js/core/b.js": b'import { a } from "./a.js";\n',
    "js/core/later.js": b"",
    "js/one/view.js": b'import {\n  a,\n} from "../core/a.js";\nimport { c } from "./c.js";\n',
    "js/one/c.js": b"",
}


def test_a_view_needs_what_it_imports_and_what_the_shell_does() -> None:
    needs = needs_of(ASSETS)

    assert needs["one"].style == "css/one.css"
    assert needs["one"].modules == (
        "js/app.js", "js/core/a.js", "js/core/b.js", "js/one/c.js", "js/one/view.js", "js/views.js",
    )  # fmt: skip


def test_every_view_of_the_shell_is_found() -> None:
    needs = needs_of({name: asset.body for name, asset in Pages().assets.items()})

    assert set(needs) == {"files", "search", "photos", "shared", "trash", "settings", "admin"}
