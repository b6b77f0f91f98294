"""Names and paths."""

import pytest

from client.errors import LocalFileError, UsageError
from client.names import join_remote, local_name, parse_remote, sendable_name, shown, split_remote


@pytest.mark.parametrize(
    ("text", "path"),
    [("/", "/"), ("/a/b", "/a/b"), ("/a//b/", "/a/b"), ("/u\u0308.txt", "/\u00fc.txt"), ("/a b/c:d", "/a b/c:d")],
)
def test_a_remote_path_is_brought_to_its_one_form(text: str, path: str) -> None:
    assert parse_remote(text) == path


@pytest.mark.parametrize("text", ["", "a/b", "/a/../b", "/./a", "/a\x00", "/a\nb", "/" + "x" * 256, "/" + "ü" * 128])
def test_what_can_be_no_remote_path_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError):
        parse_remote(text)


def test_folder_and_name_of_a_path_go_together_again() -> None:
    assert split_remote("/a/b.txt") == ("/a", "b.txt")
    assert split_remote("/b.txt") == ("/", "b.txt")
    assert join_remote("/", "b.txt") == "/b.txt"
    assert join_remote("/a", "b.txt") == "/a/b.txt"


def test_a_name_is_sent_in_its_composed_form() -> None:
    assert sendable_name("u\u0308.txt") == "\u00fc.txt"


@pytest.mark.parametrize("name", ["bad\udcff.txt", "line\nbreak", "\x7f", "x" * 256])
def test_a_name_that_no_server_keeps_is_told_before_it_is_sent(name: str) -> None:
    with pytest.raises(LocalFileError, match="rename it"):
        sendable_name(name)


@pytest.mark.parametrize("windows", [True, False])
@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", "a\x00", "a\x1b[2J", "x" * 256])
def test_a_name_that_a_hostile_server_sends_is_refused(name: str, *, windows: bool) -> None:
    with pytest.raises(LocalFileError):
        local_name(name, windows=windows)


@pytest.mark.parametrize(
    ("name", "on_windows"),
    [
        ("plain.txt", "plain.txt"),
        ("a:b", "a_b"),
        ("..\\up", ".._up"),
        ("C:\\x", "C__x"),
        ("dot.", "dot_"),
        ("space ", "space_"),
        ("CON", "_CON"),
        ("lpt1.txt", "_lpt1.txt"),
        ("COM¹", "_COM¹"),
        ("CONSOLE", "CONSOLE"),
        ('<>:"|?*', "_______"),
    ],
)
def test_a_name_is_changed_where_windows_would_read_it_differently(name: str, on_windows: str) -> None:
    assert local_name(name, windows=True) == on_windows
    assert local_name(name, windows=False) == name


def test_text_for_a_terminal_holds_nothing_that_steers_it() -> None:
    assert shown("evil\x1b[2J\u202etxt") == "evil\\x1b[2J\\u202etxt"
    assert shown("Übung 日本.txt") == "Übung 日本.txt"
