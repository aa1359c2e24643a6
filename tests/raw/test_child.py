from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from driftlab.raw import child
from driftlab.raw.frame import RawError
from driftlab.raw.load import load_raw
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def faulty(monkeypatch):
    """Ask a decoder that crashes, hangs or quits when told so; none of it is left over."""
    child.close_idle()
    monkeypatch.setattr(child, "MODULE", "tests.raw.faulty_decoder")
    yield lambda name, seconds=20.0: child.ask({"path": name}, seconds)
    child.close_idle()


@pytest.mark.parametrize(("name", "sentence"), [("crash", "SIGSEGV"), ("quit", "exit code 3")])
def test_a_crash_is_one_sentence_and_the_next_file_is_fine(faulty, name, sentence):
    with pytest.raises(RawError, match=sentence):
        faulty(name)
    with pytest.raises(RawError, match="answered"):
        faulty("good")


def test_a_hang_ends_in_time(faulty):
    with pytest.raises(RawError, match="--time-limit"):
        faulty("hang", 0.5)
    assert not child._idle


def test_a_used_process_that_crashes_gets_a_second_chance(faulty):
    for _ in range(3):
        with pytest.raises(RawError, match="answered"):
            faulty("tired")


def test_a_process_that_died_while_idle_is_replaced(faulty):
    with pytest.raises(RawError, match="answered"):
        faulty("good")
    child._idle[0].process.kill()
    child._idle[0].process.wait()
    with pytest.raises(RawError, match="answered"):
        faulty("good")


def test_a_process_that_dies_before_it_is_asked_is_told_apart(faulty):
    dead = child.Child()
    dead.process.kill()
    dead.process.wait()
    with pytest.raises(child.ChildDied, match="SIGKILL"):
        dead.ask({"path": "good"}, 20, lambda: None)
    dead.close()


def test_an_interrupt_leaves_no_answer_behind(faulty):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        child.ask({"path": "good"}, 20, meanwhile=interrupt)
    assert not child._idle


def test_one_process_serves_many_files(tmp_path):
    child.close_idle()
    path = tmp_path / "a.npy"
    np.save(path, np.arange(12, dtype="u2").reshape(3, 4))
    load_raw(path)
    (first,) = child._idle
    load_raw(path)
    assert child._idle == [first]


def test_threads_get_their_own_answers(tmp_path):
    def one(index):
        path = tmp_path / f"{index}.npy"
        np.save(path, np.arange(index, index + 600, dtype="u2").reshape(20, 30))
        return all(load_raw(path).mosaic[0, 0, 0] == index for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(one, range(12)))
    assert threading.active_count() == 1 or not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def test_the_process_ends_with_its_owner():
    other = child.Child()
    other.process.stdin.close()
    assert other.process.wait(PATIENCE) == 0
    os.close(other.samples)
    other.process.stdout.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_leaves_its_parents_process_alone(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(12, dtype="u2").reshape(3, 4))
    load_raw(path)
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if load_raw(path).mosaic[0, 2, 3] == 11 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert load_raw(path).mosaic[0, 2, 3] == 11


@pytest.mark.parametrize(
    ("module", "absent"),
    [("driftlab.raw", ["torch", "rawpy", "tifffile", "PIL"]), ("driftlab.raw.decode", ["torch", "PySide6"])],
)
def test_what_is_imported(module, absent):
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
