"""Generators of work: their result without a stop, and their stops renamed."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from driftlab.steps import result_of, saying


def counted(count: int) -> Generator[int, None, str]:
    yield from range(count)
    return f"{count} steps"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_result_is_what_is_returned(count: int) -> None:
    assert result_of(counted(count)) == f"{count} steps"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_every_stop_says_what_is_asked(count: int) -> None:
    results = []

    def work() -> Generator[str, None, None]:
        results.append((yield from saying(lambda: "stop", counted(count))))

    assert list(work()) == ["stop"] * count and results == [f"{count} steps"]


def test_an_error_is_that_of_the_work() -> None:
    def failing() -> Generator[None, None, None]:
        yield
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        result_of(failing())
