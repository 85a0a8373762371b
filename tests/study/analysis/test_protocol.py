"""What so many seeds can decide, said before anything runs."""

import pytest

from study.analysis import protocol


@pytest.mark.parametrize(
    ("seeds", "compared", "words"),
    [
        (5, 1, "5 seeds can never be significant: a two-sided sign-flip test needs 6"),
        (6, 1, "6 seeds can decide"),
        (6, 2, "corrected by Holm's method, need 7"),
        (10, 13, "10 seeds can decide; 13 comparisons need at least 10"),
        (6, 0, "Nothing is compared"),
    ],
)
def test_the_number_of_seeds_is_judged_before_anything_runs(
    seeds: int, compared: int, words: str
) -> None:
    assert words in protocol.seeds_message(seeds, compared, "holm")


def test_with_max_t_six_seeds_can_decide_any_number_of_comparisons() -> None:
    assert protocol.seeds_message(6, 10, "max_t") == (
        "6 seeds can decide; 10 comparisons need at least 6."
    )
    assert "needs 6." in protocol.seeds_message(5, 10, "max_t")
