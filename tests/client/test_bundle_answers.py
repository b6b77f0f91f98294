"""The answer to a wish for many files, as the client reads it: whole, or none of it is believed."""

import tracemalloc

import pytest

from client.bundle import contents_in, most_bytes_of
from client.errors import ClientError
from tests.api.people import frame

END = bytes(36)
NOT_GIVEN = bytes(32) + b"\xff\xff\xff\xff"


def test_contents_are_read_in_order_whatever_their_chunks() -> None:
    answer = frame(b"one") + END + frame(b"tw") + frame(b"o") + END + END + NOT_GIVEN + frame(b"last") + END

    assert contents_in(answer, [3, 3, 0, 7, 4]) == [b"one", b"two", b"", None, b"last"]


def test_a_file_of_another_size_is_not_believed_and_the_others_are() -> None:
    answer = frame(b"one") + END + frame(b"two") + END

    assert contents_in(answer, [4, 3]) == [None, b"two"]
    assert contents_in(answer, [2, 3]) == [None, b"two"]


def test_what_came_of_a_file_that_is_not_given_is_forgotten() -> None:
    answer = frame(b"one") + NOT_GIVEN + frame(b"two") + END

    assert contents_in(answer, [3, 3]) == [None, b"two"]


WHOLE = frame(b"one") + END + frame(b"two") + END


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_an_answer_that_is_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(ClientError):
        contents_in(WHOLE[:cut], [3, 3])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(WHOLE + b"x", id="a byte more"),
        pytest.param(WHOLE + END, id="a file more"),
        pytest.param(frame(b"one", size=2**32 - 2) + END, id="a frame of 4 GiB"),
        pytest.param(frame(b"one") * 3, id="no end"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: bytes) -> None:
    with pytest.raises(ClientError):
        contents_in(answer, [3, 3])


def test_an_answer_of_tiny_frames_takes_no_more_memory_than_the_files_would() -> None:
    size = 20_000
    answer = frame(b"x") * size + END + frame(b"y") * (3 * size) + END
    tracemalloc.start()
    try:
        contents = contents_in(answer, [size, size])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert contents == [b"x" * size, None]
    assert most < 10 * size


def test_the_longest_answer_grows_with_what_was_asked_for_alone() -> None:
    assert most_bytes_of([]) == 0
    assert 1000 < most_bytes_of([0, 1000]) < 2000
    assert most_bytes_of([1 << 20] * 8) < (8 << 20) * 1.1
