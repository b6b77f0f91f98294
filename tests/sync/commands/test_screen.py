"""What `cairn status` shows a person, word for word, and tells a program."""

import os

import msgspec
import pytest

from client.sync.known import Held
from client.sync.screen import render, summary
from client.sync.status import Pending, Status, Transfer, Trouble, Unknown, encode, report

NOW_MS = 1_764_000_000_000
IN_STEP = Status(
    root="/home/ada/Cairn",
    remote="/",
    server="https://files.example.org",
    state="in_step",
    since_ms=NOW_MS - 5_000,
    last_sync_ms=NOW_MS - 5_000,
)


def with_(**changes: object) -> Status:
    return msgspec.structs.replace(IN_STEP, **changes)


def shown(status: Status, width: int = 80) -> str:
    return render(status, width, NOW_MS)


def test_a_folder_in_step_says_so_and_no_more() -> None:
    assert shown(IN_STEP) == "/home/ada/Cairn and / at https://files.example.org\nIn step with the server."


def test_what_is_under_way_shows_with_rate_and_time_left_and_what_is_not_safe_yet() -> None:
    status = with_(
        state="syncing",
        last_sync_ms=NOW_MS - 7_200_000,
        pending=Pending(send=2, send_bytes=3_500_000, fetch=1, fetch_bytes=1_000, move=3, delete=12_000),
        transfers=[
            Transfer("Photos/2026/a.raw", up=True, size=3_000_000, done=1_500_000),
            Transfer("x" * 200 + "/the end.txt", up=False, size=0, done=0),
        ],
        rate_up=1_048_576,
        rate_down=2_048,
        seconds_left=65,
        not_safe=["Photos/2026/a.raw", "b.txt"],
        not_safe_files=2,
    )

    assert shown(status).splitlines() == [
        "/home/ada/Cairn and / at https://files.example.org",
        "Syncing. Last in step 2 hours ago.",
        "To do: send 2 files (3.3 MiB), fetch 1 file (1000 B), move 3, delete 12,000.",
        "",
        "Under way: 1.0 MiB/s up, 2.0 KiB/s down, 1:05 left",
        "  up    Photos/2026/a.raw   50 % of 2.9 MiB",
        "  down  " + "x" * 19 + "…" + "x" * 26 + "/the end.txt  100 % of 0 B",
        "",
        "Not yet safe at the server: 2 files.",
        "  Photos/2026/a.raw",
        "  b.txt",
    ]


def test_what_is_in_the_way_shows_with_what_to_do() -> None:
    status = with_(
        problems=[
            Trouble("Private/key.pem", "unreadable", "it cannot be read: give yourself the right to read it.", NOW_MS),
            Trouble("", "quota", "The quota at the server is used up: purge something or ask for more.", NOW_MS),
        ],
        unknown=[Unknown("Broken", "damaged")],
        held=[Held("held_deletes", "there", 600, 1_000, ["a.txt", "b.txt"])],
        conflicts=1,
        came_back=7,
        polled_folders=3,
    )

    assert shown(status).splitlines()[1:] == [
        "In step with the server, but for what is listed below.",
        "",
        "Held: 600 of 1,000 files going at the server, until you say so.",
        "  a.txt",
        "  b.txt",
        "  … and 598 more",
        "  `cairn held confirm` lets them go on, `cairn held refuse` brings the files back.",
        "",
        "In the way (2):",
        "  Private/key.pem: it cannot be read: give yourself the right to read it.",
        "  The quota at the server is used up: purge something or ask for more.",
        "",
        "Could not be looked at, so nothing is taken for deleted there:",
        "  Broken: damaged",
        "",
        "Conflict copies: 1; `cairn conflicts` lists them.",
        (
            "Sent as new: 7 files, since this device had lost its memory. What of them had been deleted elsewhere "
            "came back by that: delete what you do not want."
        ),
        (
            "Polled: 3 folders, since the system allows no more watches; raise fs.inotify.max_user_watches "
            "for changes there to be seen at once."
        ),
    ]


@pytest.mark.parametrize(
    ("state", "last_sync_ms", "line"),
    [
        ("paused", NOW_MS - 90_000_000, "Paused: `cairn resume` goes on. Last in step 1 day ago."),
        (
            "offline",
            NOW_MS - 60_000,
            "The server is out of reach: what changes here is sent when it is back. Last in step 1 minute ago.",
        ),
        (
            "stopped",
            None,
            "Stopped: no process keeps this folder in step; `cairn sync` starts one.",
        ),
        ("scanning", NOW_MS + 60_000, "Looking through the folder. Last in step just now."),
        ("blocked", NOW_MS, "Something is in the way, see below. Last in step just now."),
    ],
)
def test_each_state_has_a_sentence(state: str, last_sync_ms: int | None, line: str) -> None:
    assert shown(with_(state=state, last_sync_ms=last_sync_ms)).splitlines()[1] == line


def test_a_screen_holds_ten_of_each_list_and_says_how_many_more() -> None:
    many = [f"{n}.txt" for n in range(100)]
    lines = shown(with_(not_safe=many, not_safe_files=5_000)).splitlines()

    assert lines[-1] == "  … and 4,990 more"
    assert len(lines) == 15


@pytest.mark.parametrize("width", [0, 40, 80, 200])
def test_no_path_makes_a_line_wider_than_the_terminal(width: int) -> None:
    status = with_(
        not_safe=["é" * 300],
        not_safe_files=1,
        transfers=[Transfer("y" * 300, up=True, size=10**13, done=10**12)],
        held=[Held("held_shrinks", "there", 1, 1, ["z" * 300])],
    )
    long = [line for line in shown(status, width).splitlines() if set("éyz") & set(line) and "…" in line]

    assert len(long) == 3
    assert max(len(line) for line in long) <= max(width, 40)


def test_names_do_not_steer_the_terminal() -> None:
    status = with_(not_safe=["a\x1b[2Jb", os.fsdecode(b"\xff"), "\u202etxt.exe"], not_safe_files=3)
    text = shown(status)

    assert "\x1b" not in text
    assert text.isprintable() or text.replace("\n", "").isprintable()


def test_json_gives_each_reason_with_its_path() -> None:
    status = with_(
        problems=[Trouble("a", "busy", "it is in use.", 5)],
        unknown=[Unknown("b", "unreadable")],
        held=[Held("held_deletes", "here", 2, 3, ["c", "d"])],
    )
    told = msgspec.json.decode(encode(report(status)))

    assert told["blocked"] == [{"path": "a", "reason": "busy", "message": "it is in use.", "since_ms": 5}]
    assert told["unknown"] == [{"path": "b", "reason": "unreadable"}]
    assert [(each["path"], each["reason"]) for each in told["held"]] == [("c", "held_deletes"), ("d", "held_deletes")]
    assert told["state"] == "in_step"
    assert "problems" not in told


def test_a_status_that_is_kept_reads_back_the_same() -> None:
    status = with_(
        held=[Held("held_deletes", "here", 2, 3, ["c", "d"])], transfers=[Transfer("a", up=True, size=1, done=1)]
    )

    assert msgspec.json.decode(encode(status), type=Status) == status


def test_a_run_that_left_nothing_open_is_told_in_a_line() -> None:
    assert summary(IN_STEP, agrees=True) == "/home/ada/Cairn and / at https://files.example.org are in step."


def test_a_run_that_did_not_get_there_does_not_say_in_step() -> None:
    assert summary(IN_STEP, agrees=False).endswith(" are not in step yet: run it again.")


def test_what_is_only_left_out_is_no_reason_for_but() -> None:
    status = with_(problems=[Trouble("a", "link", "A link stands here.", 5, is_note=True)])

    assert summary(status, agrees=True).splitlines() == [
        "/home/ada/Cairn and / at https://files.example.org are in step.",
        "Left out: 1 thing that cannot be synced, told above.",
    ]


def test_a_run_that_left_something_open_says_what() -> None:
    status = with_(
        not_safe=["a"],
        not_safe_files=1,
        pending=Pending(send=1, send_bytes=5),
        problems=[Trouble("a", "busy", "it is in use.", 5)],
        unknown=[Unknown("b", "unreadable"), Unknown("c", "unreadable")],
        held=[Held("held_shrinks", "there", 21, 100, ["c", "d"])],
        conflicts=2,
    )

    assert summary(status, agrees=False).splitlines() == [
        "/home/ada/Cairn and / at https://files.example.org are not in step yet:",
        "  Not yet safe at the server: 1 file.",
        "  To do: send 1 file (5 B).",
        "  Held: 21 of 100 files becoming empty at the server, until you say so. `cairn held` lists and decides.",
        "  In the way: 1 problem, told above.",
        "  Could not be looked at: 2 paths.",
        "Conflict copies: 2; `cairn conflicts` lists them.",
    ]
