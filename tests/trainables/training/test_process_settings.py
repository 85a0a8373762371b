"""What torch holds for a whole process: set by every trial, inherited by none."""

from collections.abc import Iterator

import pytest
import torch

from tests.trainables.training.test_training import CPU, config, training
from trainables.config import OptimConfig
from trainables.training import process_settings
from trainables.training.process_settings import Settings, current, use

CUDA = torch.device("cuda")
ALL = OptimConfig(cudnn_benchmark=True, tf32="all")


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """torch takes the flags of a GPU without one; the card is a made-up Ampere."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Ampere")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    yield
    process_settings.reset()


def test_the_defaults_are_torch_s_own() -> None:
    assert current() == Settings()
    assert process_settings.of(OptimConfig(), CUDA, training=True) == Settings()


def test_a_trial_inherits_nothing_from_the_one_before_it() -> None:
    use(ALL, CUDA, training=True)
    assert current() == Settings(False, False, True, True, True)
    use(OptimConfig(deterministic=True, tf32="none"), CUDA, training=True)
    assert current() == Settings(True, True, False, False, False)
    use(OptimConfig(), CUDA, training=True)
    assert current() == Settings()


def test_an_evaluation_times_no_algorithms() -> None:
    use(ALL, CUDA, training=False)
    assert current() == Settings(False, False, False, True, True)


def test_a_cpu_reads_and_sets_nothing_of_a_gpu() -> None:
    use(ALL, CUDA, training=True)
    use(ALL, CPU, training=True)
    assert current() == Settings()
    assert process_settings.held(ALL, CPU) == {"optim/deterministic": False}


def test_a_user_s_own_process_is_left_as_it_was() -> None:
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.matmul.fp32_precision = "tf32"  # by its newer name
    before = current()
    with process_settings.restored():
        use(OptimConfig(tf32="none"), CUDA, training=False)
        assert current() == Settings(False, False, False, False, False)
    assert current() == before == Settings(False, True, False, True, True)


@pytest.mark.parametrize("tf32", ["convolutions", "all", "none"])
def test_what_is_said_as_held_is_read_from_torch(tf32: str) -> None:
    optim = OptimConfig(tf32=tf32)  # type: ignore[arg-type]
    use(optim, CUDA, training=True)
    assert process_settings.held(ALL, CUDA)["optim/tf32"] == tf32
    assert process_settings.held(ALL, CUDA)["optim/cudnn_benchmark"] is False


def test_a_card_without_bf16_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(OptimConfig(precision="bf16"), CUDA, training=True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    with pytest.raises(ValueError, match=r"^optim/precision must be fp32 or fp16 on Amp.*bf16"):
        use(OptimConfig(precision="bf16"), CUDA, training=True)
    use(OptimConfig(precision="fp16"), CUDA, training=True)


def test_a_workspace_that_repeats_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":0:0")
    use(OptimConfig(), CUDA, training=True)
    with pytest.raises(ValueError, match="optim/deterministic must be false where CUBLAS_WORK"):
        use(OptimConfig(deterministic=True), CUDA, training=True)


def test_a_workspace_is_fixed_before_cuda_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[torch.device] = []

    def capability(device: torch.device) -> tuple[int, int]:
        started.append(device)  # which is what starts CUDA
        return (8, 0)

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: bool(started))
    monkeypatch.setattr(torch.cuda, "get_device_capability", capability)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    use(OptimConfig(precision="bf16", deterministic=True), CUDA, training=True)
    assert started
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with pytest.raises(ValueError, match="optim/deterministic must be false"):
        use(OptimConfig(deterministic=True), CUDA, training=True)


def test_algorithms_are_not_timed_in_a_deterministic_trial() -> None:
    with pytest.raises(ValueError, match="optim/cudnn_benchmark must be false with optim/determ"):
        OptimConfig(cudnn_benchmark=True, deterministic=True)


def test_an_operation_without_a_deterministic_form_is_named_in_one_line() -> None:
    use(OptimConfig(deterministic=True), CPU, training=True)
    pooled, places = torch.nn.functional.max_pool2d(torch.rand(1, 1, 4, 4), 2, return_indices=True)
    with pytest.raises(RuntimeError) as caught:
        torch.nn.functional.max_unpool2d(pooled, places, (2, 2))
    line = process_settings.explained(caught.value)
    assert line.startswith("optim/deterministic must be false: max_unpooling2d_forward_out has no")
    assert "\n" not in line
    assert process_settings.explained(ValueError("other")) == ""


def test_a_training_and_its_evaluation_set_the_process_up() -> None:
    run, other = training(config(**{"optim/deterministic": True})), training(config())
    assert current() == Settings()
    run.train_epoch()
    assert current().deterministic
    other.evaluate()
    assert current() == Settings()
    run.evaluate()
    assert current().deterministic
