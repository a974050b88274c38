"""Single words in texts of every shape, put in and taken out without a trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.facts.command_line import words
from providers.system.kernel_words import add, drop_in, parse_drop_in, take, without_empty_line

_word = st.from_regex(r"[a-z]{1,5}(=[a-z0-9,./]{1,4})?", fullmatch=True)
_lines = st.lists(_word, min_size=1, max_size=6, unique=True)
_shapes = st.sampled_from(
    [
        ("", "{}"),
        ("", "{}\n"),
        ("", "{} \r\n"),
        ("extraargs", "a=1\nextraargs={}\nb=2\n"),
        ("extraargs", "extraargs={}"),
        ("GRUB_CMDLINE_LINUX", 'A=1\nGRUB_CMDLINE_LINUX="{}"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'),
        ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX='{}'\n"),
    ]
)


@given(shape=_shapes, line=_lines, word=_word)
def test_a_word_comes_and_goes(shape: tuple[str, str], line: list[str], word: str) -> None:
    """It is there once, the others are as they were, and afterwards every byte is."""
    key, text = shape[0], shape[1].format(" ".join(line))
    added = add(text, key, word)
    assert words(added, key) == (line if word in line else [*line, word])
    if word not in line:
        assert take(added, key, word) == text


@given(shape=_shapes, line=_lines, data=st.data())
def test_a_word_goes_and_comes(shape: tuple[str, str], line: list[str], data: st.DataObject) -> None:
    """A word that was taken out comes back at its place."""
    key, text = shape[0], shape[1].format(" ".join(line))
    word = data.draw(st.sampled_from(line))
    taken = take(text, key, word)
    assert words(taken, key) == [one for one in line if one != word]
    assert words(add(taken, key, word, line.index(word)), key) == line


@pytest.mark.parametrize("text", ["", "a=1\n", "a=1", "a=1\n\n"])
def test_a_missing_line_is_made_and_removed(text: str) -> None:
    """To the last byte."""
    made = add(text, "extraargs", "audit=0")
    assert words(made, "extraargs") == ["audit=0"]
    assert without_empty_line(take(made, "extraargs", "audit=0"), "extraargs") == text


def test_a_part_of_a_word_is_no_word() -> None:
    """cgroup_enable=memory is not taken from cgroup_enable=memory2, nor a dot for any sign."""
    assert take("a.b=1 axb=1 a.b=12", "", "a.b=1") == "axb=1 a.b=12"


def test_the_last_of_two_lines_counts() -> None:
    """As it does for U-Boot and GRUB."""
    assert add("extraargs=a\nextraargs=b\n", "extraargs", "c") == "extraargs=a\nextraargs=b c\n"


@given(st.lists(_word, max_size=4), st.lists(_word, max_size=4))
def test_our_file_of_grub_is_read_back(added: list[str], dropped: list[str]) -> None:
    """What it adds, and what it takes away."""
    assert parse_drop_in(drop_in(added, dropped)) == (added, dropped)
