"""Settings: what lies over what, and the sentence that stops a wrong start."""

import ast
import dataclasses
import itertools
import tomllib
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from app.config import S3, Server, Settings, SettingsError, load, variable_of

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.toml"


def _keys(section: Any, before: str = "") -> list[str]:
    return [
        key
        for field in dataclasses.fields(section)
        for value in [getattr(section, field.name)]
        for key in (
            _keys(value, f"{before}{field.name}.") if dataclasses.is_dataclass(value) else [before + field.name]
        )
    ]


def _flat(table: Mapping[str, Any], before: str = "") -> list[str]:
    return [
        key
        for name, value in table.items()
        for key in (_flat(value, f"{before}{name}.") if isinstance(value, dict) else [before + name])
    ]


KEYS = _keys(Settings())


def _written(folder: Path, text: str) -> Path:
    path = folder / "cairn.toml"
    path.write_text(text, "utf-8")
    return path


def _refusal(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path, environ, overrides)
    return str(caught.value)


def test_defaults_hold_without_file_and_environment() -> None:
    assert load(None, {}, {}) == Settings()


def test_example_file_holds_every_key_with_its_default() -> None:
    tables = tomllib.loads(EXAMPLE.read_text("utf-8"))

    loaded = load(EXAMPLE, {}, {})

    assert _flat(tables) == KEYS
    assert dataclasses.replace(loaded, data=Settings().data) == Settings()
    assert loaded.data.folder == ROOT / "data"


def test_example_file_explains_every_key() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    unexplained = [
        line
        for before, line in itertools.pairwise(lines)
        if " = " in line and not line.startswith("#") and not before.startswith("#") and " = " not in before
    ]

    assert unexplained == []


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_used_by_the_server(key: str) -> None:
    section, name = key.split(".")[-2:]
    name = {"hosts": "host_names"}.get(name, name)

    used = [
        path
        for path in (ROOT / "app").rglob("*.py")
        if path.name != "config.py"
        for tree in [ast.parse(path.read_text("utf-8"))]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == name and _last_word(node.value) in _names_of(section, tree)
    ]

    assert used


def _names_of(section: str, tree: ast.AST) -> set[str]:
    """Give what a module calls a section: `limits`, or a parameter with the section's class as its annotation."""
    parameters = {
        node.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) and isinstance(node.annotation, ast.Name) and node.annotation.id == section.title()
    }
    return {section} | parameters


def _last_word(node: ast.expr) -> str:
    """Give `limits` for `settings.limits`, `self._limits` and `limits`."""
    word = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return word.removeprefix("_")


def test_environment_wins_over_file_and_command_line_over_both(tmp_path: Path) -> None:
    path = _written(tmp_path, "[server]\nport = 1001\nname = 'from file'\nhost = '::1'\n")
    environ = {"CAIRN_SERVER__PORT": "1002", "CAIRN_SERVER__NAME": "from environment"}

    server = load(path, environ, {"server.port": 1003, "server.host": None}).server

    assert (server.port, server.name, server.host) == (1003, "from environment", "::1")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_an_environment_form(key: str) -> None:
    other = {
        "server.host": "0.0.0.0",  # noqa: S104 - nothing listens here
        "server.public_url": "https://a.example",
        "server.security_contact": "mailto:ada@a.example",
        "server.hosts": "a.example",
        "server.trusted_proxies": "::1",
        "storage.backend": "s3",
        "storage.zstd_level": "9",
        "storage.s3.endpoint": "https://a.example",
        "storage.s3.public_endpoint": "https://a.example",
        "storage.s3.prefix": "a/",
        "storage.s3.path_style": "false",
        "storage.s3.connect_timeout_s": "9",
        "limits.uncommitted_bytes_per_user": "8388608",
        "limits.connections_per_network": "99",
        "limits.free_disk_percent": "9",
        "uploads.allowed_types": "image/*",
        "uploads.refused_types": "text/html",
        "log.level": "debug",
        "log.format": "json",
        "metrics.open": "true",
        "tls.open_passwords": "true",
    }.get(key, "100")

    loaded = load(None, {variable_of(key): other}, {})

    assert attrgetter(key)(loaded) != attrgetter(key)(Settings())


def test_list_in_environment_is_split_at_commas() -> None:
    environ = {"CAIRN_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, ::1", "CAIRN_SERVER__HOSTS": ""}

    server = load(None, environ, {}).server

    assert server.trusted_proxies == ("10.0.0.0/8", "::1")
    assert server.hosts == ()


def test_folder_in_file_counts_from_the_file(tmp_path: Path) -> None:
    path = _written(tmp_path, "[data]\nfolder = 'store'\n")

    assert load(path, {}, {}).data.folder == tmp_path / "store"
    assert load(path, {"CAIRN_DATA__FOLDER": "here"}, {}).data.folder == Path("here")
    assert load(path, {}, {"data.folder": Path("there")}).data.folder == Path("there")


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("", ""),
        ("https://Files.example.org/cairn", "https://files.example.org"),
        ("https://files.example.org:443", "https://files.example.org"),
        ("http://nas.local:8080/", "http://nas.local:8080"),
    ],
)
def test_origin_of_pages_is_written_as_browsers_do(public_url: str, origin: str) -> None:
    assert Server(public_url=public_url).origin == origin


def test_origin_of_the_bucket_has_its_name_where_addresses_have() -> None:
    assert S3(public_endpoint="https://s3.example.org", bucket="cairn").public_origin == "https://s3.example.org"
    assert (
        S3(public_endpoint="https://s3.example.org", path_style=False).public_origin == "https://cairn.s3.example.org"
    )
    assert S3().public_origin == ""


def test_names_for_the_host_header_include_that_of_the_public_url() -> None:
    environ = {"CAIRN_SERVER__HOSTS": "NAS.example", "CAIRN_SERVER__PUBLIC_URL": "https://Files.example:8443/cairn"}

    assert load(None, environ, {}).server.host_names == {"nas.example", "files.example"}
    assert Settings().server.host_names == frozenset()


def test_variables_that_are_no_settings_are_left_alone() -> None:
    environ = {"CAIRN_HOME": "/x", "CAIRN_ADMIN_USER": "ann", "CAIRN_ADMIN_PASSWORD_FILE": "/p", "PATH": "/bin"}

    assert load(None, environ, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[server]\nport = '80'", "{path}: server.port must be a whole number from 0 to 65535, not '80'."),
        ("[server]\nport = true", "{path}: server.port must be a whole number from 0 to 65535, not True."),
        ("[server]\nport = 65536", "{path}: server.port must be a whole number from 0 to 65535, not 65536."),
        ("[server]\nprot = 80", "{path}: server.prot is not a setting: did you mean server.port?"),
        (
            "[log]\ncolour = 1",
            "{path}: log.colour is not a setting: known are log.level, log.format.",
        ),
        ("[sever]\nport = 80", "{path}: sever is not a setting: did you mean server?"),
        (
            "port = 80",
            (
                "{path}: port is not a setting: "
                "known are server, tls, data, storage, encryption, limits, uploads, history, log, metrics."
            ),
        ),
        ("server = 1", "{path}: server must be a section, begun by a line [server]."),
        ("[server]\nname = ''", "{path}: server.name must be a name of 1 to 64 characters, not ''."),
        ("[log]\nlevel = 'loud'", "{path}: log.level must be debug, info, warning or error, not 'loud'."),
        ("[data]\nfolder = ''", "{path}: data.folder must be the path of a folder, not ''."),
        ("[data]\nfolder = 3", "{path}: data.folder must be the path of a folder, not 3."),
        ('[data]\nfolder = "a\\u0000b"', "{path}: data.folder must be the path of a folder, not {folder}."),
        (
            "[server]\ntrusted_proxies = ['10.0.0.1/8']",
            (
                "{path}: server.trusted_proxies must be a list of IP addresses or networks such as 10.0.0.0/8,"
                " not ['10.0.0.1/8']."
            ),
        ),
        (
            "[server]\nhosts = ['https://a.example']",
            "{path}: server.hosts must be a list of host names without port, not ['https://a.example'].",
        ),
        (
            "[server]\npublic_url = 'https://a.example:99999'",
            (
                "{path}: server.public_url must be an http or https URL without query, or empty,"
                " not 'https://a.example:99999'."
            ),
        ),
        (
            "[uploads]\nrefused_types = ['IMAGE']",
            (
                "{path}: uploads.refused_types must be a list of content types such as image/png or image/*,"
                " not ['IMAGE']."
            ),
        ),
    ],
)
def test_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = _written(tmp_path, text)

    refusal = _refusal(path, {}, {})

    folder = repr(str(tmp_path / "a\0b"))
    shown = folder if len(folder) <= 80 else f"{folder[:77]}…"
    assert refusal == sentence.replace("{path}", str(path)).replace("{folder}", shown)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("CAIRN_SERVER__PORT", "", "CAIRN_SERVER__PORT must be a whole number from 0 to 65535, not ''."),
        (
            "CAIRN_UPLOADS__URL_LIFETIME_S",
            "59",
            "CAIRN_UPLOADS__URL_LIFETIME_S must be a whole number from 60 to 86400 seconds, not '59'.",
        ),
        (
            "CAIRN_SERVER__PROT",
            "1",
            "The environment: CAIRN_SERVER__PROT is not a setting: did you mean CAIRN_SERVER__PORT?",
        ),
        (
            "CAIRN_SERVER_PORT",
            "1",
            "CAIRN_SERVER_PORT is not a setting: did you mean CAIRN_SERVER__PORT (two underscores)?",
        ),
    ],
)
def test_wrong_variable_is_refused_in_one_sentence(variable: str, value: str, sentence: str) -> None:
    refusal = _refusal(None, {variable: value}, {})

    assert refusal == sentence


def test_secret_of_a_wrong_kind_is_not_shown(tmp_path: Path) -> None:
    path = _written(tmp_path, "[storage.s3]\nsecret_key = ['hush']")

    refusal = _refusal(path, {}, {})

    assert refusal == f"{path}: storage.s3.secret_key must be a text, not that."
    assert "hush" not in repr(load(None, {"CAIRN_STORAGE__S3__SECRET_KEY": "hush"}, {}))


def test_wrong_option_is_refused_in_one_sentence() -> None:
    refusal = _refusal(None, {}, {"server.port": -1})

    assert refusal == "The command line: server.port must be a whole number from 0 to 65535, not -1."


def test_long_value_is_shown_in_part(tmp_path: Path) -> None:
    path = _written(tmp_path, f"[log]\nlevel = '{'x' * 1000}'")

    refusal = _refusal(path, {}, {})

    assert len(refusal) - len(str(path)) < 160


def test_file_with_a_slip_is_named_with_the_place(tmp_path: Path) -> None:
    path = _written(tmp_path, "[server]\nport 80\n")

    refusal = _refusal(path, {}, {})

    assert refusal.startswith(f"{path} is not valid TOML: ")
    assert "line 2" in refusal


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    refusal = _refusal(tmp_path / "absent.toml", {}, {})

    assert refusal == f"{tmp_path}/absent.toml cannot be read: No such file or directory."


def test_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cairn.toml"
    path.write_bytes(b"\xff\xfe")

    refusal = _refusal(path, {}, {})

    assert refusal == f"{path} is not UTF-8 text."
