"""What a device keeps for itself."""

import os
import stat
from pathlib import Path

import pytest

from client.errors import LocalFileError, NotLoggedInError
from client.home import UPLOAD_LIFE_S, BatchNote, Home, Login, UploadNote, home_folder

LOGIN = Login("https://files.example.org", "ada", "d1", "secret-token")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_login_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")

    home.keep_login(LOGIN)

    assert home.get_login() == LOGIN
    assert mode(home.folder) == 0o700
    assert [(path.name, mode(path)) for path in home.folder.iterdir()] == [("login.json", 0o600)]


def test_a_login_replaces_the_one_before(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.keep_login(LOGIN)
    second = Login("http://nas.local", "bob", "d2", "other")

    home.keep_login(second)

    assert home.get_login() == second


def test_an_installation_has_one_random_name_until_its_logout(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    name = home.install_id()
    home.keep_login(LOGIN)

    assert Home(home.folder).install_id() == name
    assert mode(home.folder / "install_id") == 0o600
    assert Home(tmp_path / "other").install_id() != name
    home.forget_login()
    assert home.install_id() != name


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff", bytes(22), b"x" * 65])
def test_a_name_of_the_installation_that_no_server_takes_is_made_anew(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path / "home")
    home.install_id()
    (home.folder / "install_id").write_bytes(content)

    made = home.install_id()

    assert made.encode() != content
    assert home.install_id() == made


def test_rights_of_others_on_the_token_are_taken_away(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.keep_login(LOGIN)
    home.folder.chmod(0o755)
    (home.folder / "login.json").chmod(0o644)

    home.get_login()

    assert (mode(home.folder), mode(home.folder / "login.json")) == (0o700, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_login_that_belongs_to_somebody_else_is_not_used(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.keep_login(LOGIN)
    os.chown(home.folder / "login.json", 12345, -1)

    with pytest.raises(LocalFileError, match="another user"):
        home.get_login()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"not json"])
def test_without_a_readable_login_the_person_is_told_how_to_log_in(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "login.json").write_bytes(content)

    with pytest.raises(NotLoggedInError, match="cairn login"):
        Home(tmp_path).get_login()


def test_a_token_does_not_show_in_the_text_of_a_login() -> None:
    assert "secret-token" not in f"{LOGIN!r} {LOGIN}"


def test_a_note_is_found_again_by_what_it_is_about_and_by_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.hold_note("server", "/path", 1, 2) as note:
        assert note is not None
        note.write(UploadNote("u1"))

    with home.hold_note("server", "/path", 1, 2) as same, home.hold_note("server", "/path", 1, 3) as other:
        assert same is not None
        assert same.read() == UploadNote("u1")
        assert other is not None
        assert other.read() is None


def test_a_note_that_was_never_written_leaves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    with home.hold_note("x") as note:
        assert note is not None

    assert list((home.folder / "uploads").iterdir()) == []


def test_a_longer_note_is_replaced_whole_by_a_shorter_one(tmp_path: Path) -> None:
    with Home(tmp_path / "home").hold_note("x") as note:
        assert note is not None
        note.write(UploadNote("a" * 60))
        note.write(UploadNote("b"))

        assert note.read() == UploadNote("b")


def test_a_note_that_another_command_holds_is_not_given_twice(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    with home.hold_note("x"), home.hold_note("x") as second:
        assert second is None


def test_uploads_of_a_batch_that_was_cut_off_are_left_to_the_next_run_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(RuntimeError), home.note_batch(BatchNote("http://a", ["u1", "u2"])):
        raise RuntimeError("as if the process had ended here")

    assert home.take_left_uploads("http://other") == []
    assert home.take_left_uploads("http://a") == ["u1", "u2"]
    assert home.take_left_uploads("http://a") == []


def test_uploads_of_a_batch_under_way_and_of_a_finished_one_are_not_left(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.note_batch(BatchNote("http://a", ["done"])):
        pass

    with home.note_batch(BatchNote("http://a", ["busy"])):
        assert home.take_left_uploads("http://a") == []


def test_a_note_that_goes_while_the_notes_are_looked_through_is_passed_over(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.note_batch(BatchNote("http://a", ["u1"])):
        (home.folder / "uploads" / "batch-gone.json").symlink_to("nowhere")  # listed, and not there when it is opened

        assert home.take_left_uploads("http://a") == []


def test_notes_go_when_the_server_has_forgotten_their_uploads(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.hold_note("x") as note:
        assert note is not None
        note.write(UploadNote("u1"))
    (path,) = (home.folder / "uploads").iterdir()
    old_s = path.stat().st_mtime - UPLOAD_LIFE_S - 1
    os.utime(path, (old_s, old_s))

    home.take_left_uploads("http://a")

    assert list((home.folder / "uploads").iterdir()) == []


def test_the_place_of_the_state_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", "/home/ada")

    assert home_folder({"CAIRN_HOME": "/x/y"}) == Path("/x/y")
    assert home_folder({"XDG_CONFIG_HOME": "/conf"}) == Path("/conf/cairn")
    assert home_folder({"XDG_CONFIG_HOME": "relative"}) == Path("/home/ada/.config/cairn")
    assert home_folder({}) == Path("/home/ada/.config/cairn")
