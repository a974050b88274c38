"""What simulated machines answer: as the real one did, under their own names, and nothing that was not learned."""

from __future__ import annotations

import shlex

import pytest

from bench.playback import Record, Reply, Unlearned, asked
from bench.simulated import plan
from providers.core import batch
from providers.ssh.command import limited

REAL, OTHER = plan(2, 2222)


def reply(stdout: str = "", status: int = 0) -> Reply:
    """What a machine said."""
    return Reply(stdout=stdout.encode(), stderr=b"", status=status, seconds=0.25)


def test_an_answer_carries_the_name_of_the_one_who_gives_it() -> None:
    """Name and address are taken out and put in."""
    record = Record()
    record.learn(REAL, "a", f"hostname {REAL.name}", b"", reply(f"{REAL.name} {REAL.own_address}\n"))
    played, _ = record.play(OTHER, "a", f"hostname {OTHER.name}", b"")
    assert played.stdout.decode() == f"{OTHER.name} {OTHER.own_address}\n"
    assert played.seconds == 0.25


def test_a_question_about_the_address_it_is_reached_at_is_everyones() -> None:
    """The program asks which interface holds its own connection."""
    record, question = Record(), ("ip", "route", "get")
    own = [batch.Batch(questions=((*question, one.address),)) for one in (REAL, OTHER)]
    record.learn(REAL, "a", "sudo sh -s", own[0].script, answered(own[0]))
    played, _ = record.play(OTHER, "a", "sudo sh -s", own[1].script)
    assert own[1].parse(played.stdout) == {
        batch.key((*question, OTHER.address)): batch.Answer(exit_status=0, stdout=b"a", stderr=b"")
    }


def test_what_was_done_before_decides_the_answer() -> None:
    """The same command after another one is another question."""
    record = Record()
    after = record.learn(REAL, "a", "cat x", b"", reply("old"))
    after = record.learn(REAL, after, "write x", b"new", reply())
    record.learn(REAL, after, "cat x", b"", reply("new"))
    first, history = record.play(OTHER, "a", "cat x", b"")
    _, history = record.play(OTHER, history, "write x", b"new")
    second, _ = record.play(OTHER, history, "cat x", b"")
    assert (first.stdout, second.stdout) == (b"old", b"new")


def test_an_unknown_command_is_no_answer() -> None:
    """Nothing is made up."""
    with pytest.raises(Unlearned, match="rm x"):
        Record().play(OTHER, "a", "rm x", b"")


def answered(asked: batch.Batch) -> Reply:
    """What the real machine says to a batch: to each question an "a"."""
    lines = [
        f"\n{asked.mark} {batch.key(one)}\na\n{asked.mark} 0\n\n{asked.mark}\n" for one in asked.questions
    ]
    return reply("".join(lines) + f"{asked.mark} end\n")


def learned_batch(record: Record) -> list[tuple[str, ...]]:
    """Two questions that the real machine answered."""
    asked = batch.Batch(questions=(("cat", "/etc/hostname"), ("sh", "-c", "echo a\necho b", "two")))
    record.learn(REAL, "a", "sudo sh -s", asked.script, answered(asked))
    return list(asked.questions)


def test_questions_come_in_any_order_and_change_nothing() -> None:
    """Each is answered by itself; the history stays."""
    record = Record()
    first, second = learned_batch(record)
    for questions in ((second,), (second, first)):
        own = batch.Batch(questions=questions)
        played, history = record.play(OTHER, "a", "sudo sh -s", own.script)
        answers = own.parse(played.stdout)
        assert answers is not None and answers.keys() == {batch.key(one) for one in questions}
        assert history == "a"


def test_a_survey_brings_all_that_the_machine_has_listed() -> None:
    """As a real machine answers its own list in the same round trip."""
    record = Record()
    first, second = learned_batch(record)
    own = batch.Batch(questions=(first,), prefetch=True)
    played, _ = record.play(OTHER, "a", "sudo sh -s", own.script)
    assert batch.key(second) in (own.parse(played.stdout) or {})


def test_questions_of_several_lines_are_told_apart() -> None:
    """A script in a question may hold line ends."""
    questions = (("sh", "-c", "echo 1\necho 2", "x"), ("true",))
    for prefetch in (True, False):
        found = asked(batch.Batch(questions=questions, prefetch=prefetch).script)
        assert list(found) == [batch.key(one) for one in questions]


def test_a_question_alone_is_the_same_question() -> None:
    """Learned alone it is known among others, and the other way round; the history stays."""
    record = Record()
    learned_batch(record)
    argv = ("cat", "/etc/hosts")
    line = "env LC_ALL=C sudo -n -- " + shlex.join(limited(argv, batch.TOGETHER_SECONDS))
    assert record.learn(REAL, "a", line, b"", reply("hosts")) == "a"
    among = batch.Batch(questions=(argv, ("cat", "/etc/hostname")))
    played, _ = record.play(OTHER, "a", "sudo sh -s", among.script)
    answers = among.parse(played.stdout)
    assert answers is not None and answers[batch.key(argv)].stdout == b"hosts"
    name = line.replace("/etc/hosts", "/etc/hostname")
    assert record.play(OTHER, "a", name, b"")[0].stdout == b"a"
    with pytest.raises(Unlearned):
        record.play(OTHER, "a", line.replace("/etc/hosts", "/etc/other"), b"")
