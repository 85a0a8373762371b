import pytest

from trainables.config.schedule import Gain, Linear, Lose, StartAt, parse_schedules


def test_rules_are_data() -> None:
    rules = parse_schedules("w_a from 0.8, lovasz linear 1 0 ,gdl lose 100, bl gain 100")
    assert rules == {
        "w_a": StartAt(0.8),
        "lovasz": Linear(1.0, 0.0),
        "gdl": Lose(100),
        "bl": Gain(100),
    }
    assert parse_schedules("") == {}


def test_the_last_fifth() -> None:
    last_fifth = StartAt(0.8)
    assert [last_fifth.factor(progress) for progress in (0.0, 0.79, 0.8, 0.99)] == [0, 0, 1, 1]


def test_a_line_from_a_to_b() -> None:
    assert [Linear(1.0, 0.0).factor(progress) for progress in (0.0, 0.25, 1.0)] == [1, 0.75, 0]


def test_stealing_as_released_moves_a_hundredth_per_epoch() -> None:
    """StealWeight over 200 epochs: from (1, .01), the first stops at .1, the second does not."""
    epochs = (0, 1, 50, 90, 150)
    lost = [Lose(200).factor((epoch + 0.5) / 200) for epoch in epochs]
    gained = [Gain(200).factor((epoch + 0.5) / 200) for epoch in epochs]
    assert lost == pytest.approx([1.0, 0.99, 0.5, 0.1, 0.1])
    assert gained == pytest.approx([0.01, 0.02, 0.51, 0.91, 1.51])


@pytest.mark.parametrize(
    "text",
    [
        "w_a",
        "w_a from",
        "w_a from 1.0",
        "w_a from half",
        "w_a from nan",
        "w_a linear 0",
        "w_a linear -1 1",
        "w_a until 0.5",
        "w_a lose 0",
    ],
)
def test_an_invalid_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="schedule must hold rules 'from F', 'linear A B'"):
        parse_schedules(text)


@pytest.mark.parametrize("text", ["xe from 0.5", "w_a from 0.5, w_a from 0.6"])
def test_each_weight_has_one_rule(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule must name each of beta, .* at most once"):
        parse_schedules(text)
