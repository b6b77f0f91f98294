"""How far a reader is with spaces that came into view at different times."""

from app.repositories.feed import Head, Place
from app.services.cursor import END_ID, STANDS, Cursor, Stand

MARK = bytes(8)


def head(seq: int) -> Head:
    return Head("epoch", seq, MARK, 0, 1)


def complete(seq: int) -> Cursor:
    return Cursor.at(head(seq), 0, seq, MARK)


def test_what_was_in_view_goes_on_and_what_came_later_begins_at_the_beginning() -> None:
    cursor = complete(10).begin(head(20), newest=15)

    assert cursor.place(0) == cursor.place(10) == Place(10, END_ID)
    assert cursor.place(11) == cursor.place(15) == Place(0, 0)
    assert (cursor.base, cursor.start, cursor.seq) == (10, 20, 10)


def test_a_listing_that_reaches_the_place_of_the_rest_is_one_with_it() -> None:
    cursor = complete(10).begin(head(20), newest=15)

    behind = cursor.after(head(20), Place(4, 1))
    level = behind.begin(head(20), newest=15).after(head(20), Place(12, 3))

    assert behind.stands == (Stand(10, Place(10, END_ID)), Stand(20, Place(4, 1)))
    assert level.stands == (Stand(20, Place(12, 3)),)


def test_a_space_that_comes_while_another_is_listed_has_a_stand_of_its_own() -> None:
    cursor = complete(10).begin(head(20), newest=15).after(head(20), Place(4, 1)).begin(head(30), newest=25)

    assert [cursor.place(shown) for shown in (10, 15, 25)] == [Place(10, END_ID), Place(4, 1), Place(0, 0)]
    assert Cursor.decode(cursor.after(head(30), Place(2, 1)).encode()).place(25) == Place(2, 1)


def test_beyond_eight_stands_the_youngest_is_read_again() -> None:
    cursor = complete(100)
    for number in range(20):
        cursor = cursor.begin(head(101 + number), newest=101 + number).after(head(101 + number), Place(50 - number, 1))
        assert len(cursor.stands) <= STANDS
        assert Cursor.decode(cursor.encode()) == cursor

    assert cursor.place(100) == Place(100, END_ID)
    assert cursor.place(101) == Place(50, 1)
    assert cursor.place(120) == Place(31, 1)


def test_what_was_gone_before_the_reader_looked_is_no_news() -> None:
    cursor = complete(10).begin(head(20), newest=15).after(head(30), Place(4, 1))

    assert cursor.never_showed(created_seq=1, gone_seq=10)
    assert not cursor.never_showed(created_seq=1, gone_seq=11)
    assert cursor.never_showed(created_seq=12, gone_seq=20)
    assert not cursor.never_showed(created_seq=12, gone_seq=21)
    assert cursor.never_showed(created_seq=31, gone_seq=40)
