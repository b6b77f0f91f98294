"""Names hold on every disk: examples, and properties over names that people and bad servers come up with."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.sync.names import conflict_name, conflict_stem, free_name, key, local_names, server_name
from client.sync.seams.files import Traits

LINUX = Traits()
MAC = Traits(case_sensitive=False, keeps_form=False)
WINDOWS = Traits(case_sensitive=False, windows_names=True)
SHORT = Traits(max_name_bytes=143)
ALL = [LINUX, MAC, WINDOWS, SHORT]
STAMP = "2026-11-23 14-05-09"

_FOLDED = "\xe9 e\u0301 \u1e9e \xdf \u0131 \u0130 \u017f \u212a \u0345 \U0001d49c \u65e5"
_LETTERS = st.sampled_from([*"aAbB. _~:*/\x00", *_FOLDED.split(), ".tar.gz", "con", "(case 2)"])
_NAMES = st.one_of(
    st.lists(_LETTERS, min_size=1, max_size=6).map("".join),
    st.sampled_from([".cairn", ".CAIRN", "..", ".", "AUX.txt", "x (conflict from d 2026-11-23 14-05-09) 2.txt"]),
    st.builds(lambda letter, times, end: letter * times + end, _LETTERS, st.integers(30, 255), st.just(".txt")),
    st.text(min_size=1, max_size=12),
)
_TRAITS = st.sampled_from(ALL)


def _siblings(names: list[str]) -> list[tuple[str, str]]:
    return [(f"n{number:04}_x", name) for number, name in enumerate(names)]


def _fits(name: str, traits: Traits) -> bool:
    return 0 < len(name.encode()) <= min(255, traits.max_name_bytes)


def _leads_nowhere(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\x00" not in name


@given(st.lists(_NAMES, max_size=12), _TRAITS)
def test_names_of_a_folder_fit_the_disk_lead_nowhere_and_stand_side_by_side(names: list[str], traits: Traits) -> None:
    here = local_names(_siblings(names), traits)

    assert len({key(name, traits) for name in here.values()}) == len(names)
    for name in here.values():
        assert _leads_nowhere(name)
        assert _fits(name, traits)
        assert key(name, traits) != ".cairn"


@given(st.lists(_NAMES, max_size=8), _NAMES, _TRAITS, st.randoms())
def test_names_depend_on_ids_alone_and_a_later_node_changes_none_before_it(
    names: list[str], later: str, traits: Traits, order: object
) -> None:
    siblings = _siblings(names)
    before = local_names(siblings, traits)

    after = local_names([("n9999_x", later), *reversed(siblings)], traits)

    assert {node_id: after[node_id] for node_id, _ in siblings} == before


@given(_NAMES, _TRAITS)
def test_a_key_is_its_own_key(name: str, traits: Traits) -> None:
    assert key(key(name, traits), traits) == key(name, traits)
    assert key(unicodedata.normalize("NFD", name), traits) == key(unicodedata.normalize("NFC", name), traits)


@given(_NAMES, st.text(max_size=60), st.integers(0, 12), _TRAITS)
def test_a_conflict_copy_has_a_free_name_that_every_disk_and_the_server_can_hold(
    name: str, device: str, taken: int, traits: Traits
) -> None:
    asked: list[str] = []

    def is_taken(candidate: str) -> bool:
        asked.append(candidate)
        return len(asked) <= taken

    copy = conflict_name(name, device, STAMP, is_taken, traits)

    assert copy == asked[-1]
    assert len(set(asked)) == taken + 1
    assert _fits(copy, traits)
    assert server_name(copy) == copy
    assert local_names([("n1", copy)], traits) == {"n1": copy}
    assert conflict_stem(copy) is not None


@given(_NAMES, st.text(max_size=40), _TRAITS)
def test_a_conflict_copy_of_a_conflict_copy_takes_the_first_stem(name: str, device: str, traits: Traits) -> None:
    first = conflict_name(name, device, STAMP, lambda _: False, traits)

    again = conflict_name(first, device, "2027-01-01 00-00-00", lambda _: False, traits)

    assert again == first.replace(STAMP, "2027-01-01 00-00-00")


@given(_NAMES, st.integers(0, 12))
def test_a_free_name_is_the_first_that_is_free(name: str, taken: int) -> None:
    asked: list[str] = []

    def is_taken(candidate: str) -> bool:
        asked.append(candidate)
        return len(asked) <= taken

    chosen = free_name(name, is_taken)

    assert chosen == asked[-1]
    assert len(set(asked)) == taken + 1
    assert len(chosen.encode()) <= 255


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.txt", f"report (conflict from tin {STAMP}).txt"),
        ("data.tar.gz", f"data (conflict from tin {STAMP}).tar.gz"),
        (".profile", f".profile (conflict from tin {STAMP})"),
        (".profile.bak", f".profile (conflict from tin {STAMP}).bak"),
        ("Makefile", f"Makefile (conflict from tin {STAMP})"),
        ("ends.", f"ends. (conflict from tin {STAMP})"),
        (".tar.gz", f".tar (conflict from tin {STAMP}).gz"),
    ],
)
def test_conflict_copies_keep_the_extension(name: str, expected: str) -> None:
    assert conflict_name(name, "tin", STAMP, lambda _: False, LINUX) == expected
    assert conflict_stem(expected) == name


def test_a_taken_conflict_name_is_numbered_and_the_number_is_not_part_of_the_stem() -> None:
    first = conflict_name("a.txt", "tin", STAMP, lambda _: False, LINUX)

    second = conflict_name("a.txt", "tin", STAMP, lambda name: name == first, LINUX)

    assert second == f"a (conflict from tin {STAMP}) 2.txt"
    assert conflict_stem(second) == "a.txt"


def test_a_device_name_cannot_lead_out_of_a_folder() -> None:
    copy = conflict_name("a", "../../x:\n\u202fy", STAMP, lambda _: False, LINUX)

    assert copy == f"a (conflict from .._.._x__\u202fy {STAMP})"


def test_plain_names_are_not_those_of_conflict_copies() -> None:
    assert conflict_stem("a (conflict from b).txt") is None
    assert conflict_stem("a.txt") is None


def test_of_two_names_that_differ_in_case_the_older_node_keeps_its_name() -> None:
    siblings = [("n2", "README.md"), ("n1", "Readme.md"), ("n3", "readme.MD")]

    assert local_names(siblings, LINUX) == dict(siblings)
    assert local_names(siblings, MAC) == {"n1": "Readme.md", "n2": "README (case 2).md", "n3": "readme (case 3).MD"}


def test_names_that_windows_reads_otherwise_are_mapped() -> None:
    siblings = [("n1", "a:b"), ("n2", "a?b"), ("n3", "dot."), ("n4", "nul.txt"), ("n5", "dot"), ("n6", "DOT ")]

    assert local_names(siblings, WINDOWS) == {
        "n1": "a_b",
        "n2": "a_b (2)",
        "n3": "dot_",
        "n4": "_nul.txt",
        "n5": "dot",
        "n6": "DOT_ (2)",
    }


def test_a_name_too_long_for_this_disk_keeps_its_extension_and_six_digits_of_the_id() -> None:
    here = local_names([("n12_abcdef", "é" * 100 + ".jpeg")], SHORT)["n12_abcdef"]

    assert here.endswith("é abcdef.jpeg")
    assert len(here.encode()) in {142, 143}


def test_an_id_leads_nowhere_either() -> None:
    here = local_names([("../../etc/x", "b" * 200)], SHORT)["../../etc/x"]

    assert "/" not in here


def test_the_private_folder_is_nobody_elses() -> None:
    assert local_names([("n1", ".cairn")], LINUX) == {"n1": ".cairn (2)"}
    assert local_names([("n1", ".Cairn")], MAC) == {"n1": ".Cairn (case 2)"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\x00b", "a\nb", "x" * 256, "bad\udcff"])
def test_what_no_server_keeps_has_no_name_there(name: str) -> None:
    assert server_name(name) is None


def test_a_decomposed_name_is_sent_composed() -> None:
    assert server_name("e\u0301.txt") == "é.txt"
    assert key("e\u0301.txt", LINUX) == key("é.txt", LINUX)


def test_ten_thousand_siblings_are_named_at_once() -> None:
    plain = [(f"n{number}", f"IMG_{number:05} é copy.jpeg") for number in range(10_000)]
    begin = time.process_time()

    assert local_names(plain, LINUX) == dict(plain)
    assert time.process_time() - begin < 0.2
    assert local_names(plain, MAC) == dict(plain)
    assert time.process_time() - begin < 1.0
