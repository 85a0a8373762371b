"""Counts in messages have a singular, and zero has no sign."""

import pytest

from trainables.config.words import counted, zero_without_sign


def test_one_has_no_plural() -> None:
    assert [counted(count, "trial") for count in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert counted(1, "class", "classes") == "1 class"
    assert counted(3, "class", "classes") == "3 classes"


@pytest.mark.parametrize(
    ("number", "shown"),
    [("-0.00", "0.00"), ("+0.00", "0.00"), ("-0", "0"), ("-0.01", "-0.01"), ("+3.12", "+3.12")],
)
def test_zero_has_no_sign(number: str, shown: str) -> None:
    assert zero_without_sign(number) == shown
