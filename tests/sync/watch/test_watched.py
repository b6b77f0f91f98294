"""The book of watches: by path and by number, whatever order folders come and go in."""

from hypothesis import given
from hypothesis import strategies as st

from client.sync.device.watched import Watched
from client.sync.model import Path

_PATHS = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)
_STEPS = st.one_of(
    st.tuples(st.just("put"), _PATHS, st.integers(1, 9)),
    st.tuples(st.just("drop"), st.just(()), st.integers(1, 9)),
    st.tuples(st.just("drop_below"), _PATHS, st.integers(0, 12)),
)


@given(st.lists(_STEPS, max_size=30))
def test_the_book_agrees_with_a_plain_list(steps: list[tuple[str, Path, int]]) -> None:
    watched = Watched()
    model: dict[int, tuple[Path, int]] = {}
    for number, (step, path, value) in enumerate(steps):
        match step:
            case "put":
                replaced = watched.put(path, value, number)
                old = [each for each, (at, _) in model.items() if at == path and each != value]
                assert old == ([] if replaced is None else [replaced])
                model = {each: place for each, place in model.items() if each not in old} | {value: (path, number)}
            case "drop":
                watched.drop(value)
                model.pop(value, None)
            case _:
                at = None if value > 10 else value
                gone = {
                    each
                    for each, (there, since) in model.items()
                    if there[: len(path)] == path and (at is None or since < at)
                }
                assert set(watched.drop_below(path, at)) == gone
                model = {each: place for each, place in model.items() if each not in gone}
        assert {each: watched.path_of(each) for each in range(1, 10)} == {
            each: model[each][0] if each in model else None for each in range(1, 10)
        }
        assert len(watched) == len(model)


def test_a_folder_that_came_after_the_event_is_kept() -> None:
    watched = Watched()
    watched.put(("a",), 1, since=0)
    watched.put(("a", "b"), 2, since=50)

    assert watched.drop_below(("a",), at=50) == [1]
    assert watched.path_of(2) == ("a", "b")
