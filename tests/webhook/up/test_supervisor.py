"""Members are real processes: small Python programs that behave in the way a test needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from processes import until

from webhook.up import supervisor as supervisor_module
from webhook.up.supervisor import SIGNALS, Supervisor
from worker.process.parent import tied

SAYS_HELLO = "print('hello', flush=True); import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('no', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time; p = subprocess.Popen(['sleep', '61.5']); print(p.pid, flush=True); time.sleep(60)"
)


class Paper:
    """A printer that keeps what it is given, and does something when the first line comes."""

    def __init__(self, first=lambda: None):
        self.lines = []
        self._first = first

    def write(self, message):
        self.lines.append((message.name, message.data))
        if len(self.lines) == 1:
            self._first()


@pytest.fixture(autouse=True)
def signals_as_they_were():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def crew_of(printer, **programs):
    with Supervisor(printer) as crew:
        for name, program in programs.items():
            crew.start(name, [sys.executable, "-c", program], os.environ)
        yield crew


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid):
    until(lambda: not is_alive(pid))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_everybody_and_that_is_how_it_should_be(number):
    paper = Paper(first=lambda: signal.raise_signal(number))
    with crew_of(paper, web=SAYS_HELLO, worker=SAYS_HELLO) as crew:
        assert crew.work() is None
    assert ("web", "hello") in paper.lines or ("worker", "hello") in paper.lines


def test_a_member_that_ends_by_itself_takes_the_others_along_and_is_named():
    with crew_of(Paper(), web=SAYS_HELLO, worker="import sys; print('bye', flush=True); sys.exit(3)") as crew:
        deserter = crew.work()
    assert str(deserter) == "worker ended by itself (exit code 3)"


def test_a_member_that_was_killed_is_said_to_have_been():
    with crew_of(Paper(), web="import os; os.kill(os.getpid(), 9)") as crew:
        assert str(crew.work()) == "web ended by itself (SIGKILL)"


def test_who_does_not_listen_is_killed_when_the_grace_is_over(monkeypatch):
    monkeypatch.setattr(supervisor_module, "GRACE_SECONDS", 0.3)
    with crew_of(Paper(first=lambda: signal.raise_signal(signal.SIGTERM)), web=STUBBORN) as crew:
        assert crew.work() is None


def test_a_second_signal_kills_at_once(monkeypatch):
    monkeypatch.setattr(supervisor_module, "GRACE_SECONDS", 3600)

    def twice():
        signal.raise_signal(signal.SIGINT)
        Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    with crew_of(Paper(first=twice), web=STUBBORN) as crew:
        assert crew.work() is None


def test_what_a_member_leaves_behind_goes_with_it():
    paper = Paper(first=lambda: signal.raise_signal(signal.SIGTERM))
    with crew_of(paper, web=PARENT) as crew:
        crew.work()
    wait_until_gone(int(paper.lines[0][1]))


def test_every_line_is_shown_the_last_ones_too():
    paper = Paper()
    with crew_of(paper, web="for n in range(1000): print(n)\nprint('end', end='')") as crew:
        crew.work()
    assert [text for _, text in paper.lines] == [*map(str, range(1000)), "end"]


def test_when_nobody_reads_any_more_everybody_ends():
    def gone():
        raise BrokenPipeError

    with crew_of(Paper(first=gone), web=SAYS_HELLO) as crew:
        assert crew.work() is None


def test_an_error_while_it_starts_leaves_nobody_behind():
    started = []

    def fail():
        with crew_of(Paper(), web=SAYS_HELLO) as crew:
            started.extend(crew._members.values())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    wait_until_gone(started[0].pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_ends_with_its_parent_even_when_that_is_killed():
    command = tied(["sleep", "61.5"])
    program = f"import subprocess, time; p = subprocess.Popen({command!r}); print(p.pid, flush=True); time.sleep(60)"
    program = program.replace(f"'{os.getpid()}'", "str(__import__('os').getpid())")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n")
        parent.kill()
    wait_until_gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_whose_parent_is_gone_already_does_not_begin():
    command = tied(["echo", "begun"])
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b""
