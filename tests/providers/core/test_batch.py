"""Many questions in one round trip: the script runs in the shell of this machine."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.core import batch
from providers.core.host import Argv

# Arguments of a process hold no NUL, and text that is no Unicode cannot be sent.
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def answered(
    *questions: Argv, prefetch: bool = False, seconds: float | None = None
) -> dict[str, batch.Answer]:
    """The answers that the shell gives."""
    asked = batch.Batch(questions=questions, prefetch=prefetch, seconds=seconds)
    done = subprocess.run(["sh", "-s"], input=asked.script, capture_output=True, check=True)
    found = asked.parse(done.stdout)
    assert found is not None, done.stderr
    return found


def test_each_question_has_its_status_and_both_outputs() -> None:
    """An answer is what the command left behind, bytes that are no text included."""
    argv = ("sh", "-c", "printf 'a\\nb\\377'; echo wrong >&2; exit 3")
    done = answered(argv)[batch.key(argv)].to(argv)
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"a\nb\xff", b"wrong\n")


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=5))
def test_arguments_arrive_as_they_are(arguments: list[list[str]]) -> None:
    """Quotes, spaces, newlines, dollars: nothing is for the shell."""
    questions: list[Argv] = [("printf", "%s\\n", *words) for words in arguments]
    found = answered(*questions)
    for argv, words in zip(questions, arguments, strict=True):
        assert found[batch.key(argv)].stdout.decode() == "".join(f"{word}\n" for word in words)


def test_a_command_that_is_missing_is_an_answer() -> None:
    """A machine without the program says so and answers the rest."""
    questions = [("no-such-program",), ("echo", "on")]
    found = answered(*questions)
    assert found[batch.key(questions[0])].exit_status == 127
    assert found[batch.key(questions[1])].stdout == b"on\n"


def test_a_hung_question_does_not_hold_up_the_others() -> None:
    """Its answer says that there was none."""
    questions: list[Argv] = [("sleep", "60"), ("echo", "on")]
    found = answered(*questions, seconds=1.0)
    late = found[batch.key(questions[0])].to(questions[0])
    assert (late.exit_status, b"no answer" in late.stderr) == (batch.HUNG, True)
    assert found[batch.key(questions[1])].stdout == b"on\n"


def test_a_question_has_no_input() -> None:
    """A command that reads its input must not read the questions behind it."""
    questions: list[Argv] = [("cat",), ("echo", "on")]
    found = answered(*questions)
    assert [found[batch.key(one)].stdout for one in questions] == [b"", b"on\n"]


def test_identical_questions_run_once(tmp_path: Path) -> None:
    """Several things may ask the same."""
    argv = ("sh", "-c", f"echo ran >> {shlex.quote(str(tmp_path / 'log'))}")
    answered(argv, argv)
    assert (tmp_path / "log").read_text() == "ran\n"


@pytest.mark.parametrize("reader", ["cat", "head -n 2"])
def test_nothing_is_left_on_the_machine(tmp_path: Path, reader: str) -> None:
    """The file for standard error is gone afterwards, also when nobody takes the answers any more."""
    seen = tmp_path / "seen"
    where: Argv = ("sh", "-c", f"readlink /proc/self/fd/2 > {shlex.quote(str(seen))}; sleep 0.3")
    script = shlex.quote(batch.Batch(questions=(where, ("echo", "on"))).script.decode())
    subprocess.run(["sh", "-c", f"printf %s {script} | sh -s | {reader}"], check=True, capture_output=True)
    file = Path(seen.read_text().strip())
    assert file.name.startswith(("helicon.", "tmp.")) and not file.exists()


@pytest.fixture
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for the machine's own questions."""
    monkeypatch.setattr(batch, "_OWN_LIST", batch._OWN_LIST.replace(batch.QUESTIONS, str(tmp_path)))
    return tmp_path


def test_the_machines_own_questions_are_answered_too(own_list: Path) -> None:
    """With `prefetch` the answers to its list come along, scripts of several lines included."""
    theirs = ("sh", "-c", "echo one\necho 'it'\"'\"'s two'")
    (own_list / "System").write_text(batch.listing([theirs, ("echo", "three")]))
    found = answered(("echo", "mine"), prefetch=True)
    assert found[batch.key(theirs)].stdout == b"one\nit's two\n"
    assert len(found) == 3


def test_without_prefetch_the_list_is_not_read(own_list: Path) -> None:
    """Only reads of many resources want the whole list."""
    (own_list / "System").write_text(batch.listing([("echo", "theirs")]))
    assert len(answered(("echo", "mine"))) == 1


@pytest.mark.parametrize("broken", ["question 1 'cut sho", "echo not in the format\n", "", "((("])
def test_a_broken_list_spoils_nothing(own_list: Path, broken: str) -> None:
    """A list that was cut short, or is of an older format, costs only its own answers."""
    (own_list / "A").write_text(broken)
    (own_list / "B").write_text(batch.listing([("echo", "theirs")]))
    found = answered(("echo", "mine"), prefetch=True)
    assert {one.stdout for one in found.values()} == {b"mine\n", b"theirs\n"}


@pytest.mark.parametrize("cut", [b"", b"end of something\n", b"\nm abc\nhi\nm 0\n\nm\n", b"another end\n"])
def test_output_that_was_cut_short_is_no_answer(cut: bytes) -> None:
    """Half of the answers must not pass for all of them."""
    assert batch.parse(cut, "m") is None


def test_an_answer_may_look_like_the_frame_of_another() -> None:
    """What a machine shows is never taken for the lines between answers: they carry the batch's mark."""
    former = batch.Batch(questions=(("true",),))
    shown = f"\\n{former.mark} {'0' * 32}\\n{former.mark} end\\n\\nend\\n"
    argv = ("printf", shown)
    assert answered(argv)[batch.key(argv)].stdout.decode() == shown.replace("\\n", "\n")
