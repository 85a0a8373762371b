"""STM: its published size, a clip's step and evaluation, and what it remembers of a film."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from trainables.config import TrialConfig, Value
from trainables.networks.attempt import Attempt
from trainables.networks.segmentation import Segmenter
from trainables.networks.stm.follow import Follower
from trainables.networks.stm.memory import Memory
from trainables.networks.stm.network import STM

PUBLISHED = 38_925_570  # seoungwugoh/STM, counted of its network
SMALL: dict[str, Value] = {"model/network": "stm_small", "model/encoder": "mobilenetv3_small_050"}


def built(changes: dict[str, Value] | None = None, boundary: bool = False) -> Segmenter:
    config = TrialConfig().changed({"data/clip": 3, **SMALL, **(changes or {})})
    torch.manual_seed(0)
    network = Segmenter(config.model, 2, boundary)
    nn.init.normal_(weight_of(network), std=0.1)  # it begins near 0, and says nothing
    return network


def weight_of(network: Segmenter) -> nn.Parameter:
    """The classifier's."""
    weight = network.network.get_submodule("classifier").weight
    assert isinstance(weight, nn.Parameter)
    return weight


@lru_cache(maxsize=1)
def small() -> Segmenter:
    return built().eval()


def clips(count: int, frames: int, rows: int = 64, columns: int = 64) -> tuple[Tensor, Tensor]:
    """Frames of clips, and the object's mask in the first of each."""
    torch.manual_seed(1)
    mask = torch.zeros(count, rows, columns)
    mask[:, 10:40, 12:30] = 1
    return torch.rand(count * frames, 3, rows, columns), mask


def test_the_number_of_parameters_is_the_published_one() -> None:
    with torch.device("meta"):
        network = built({"model/network": "stm"})
    assert sum(weight.numel() for weight in network.parameters()) == PUBLISHED


@pytest.mark.parametrize("name", [pytest.param("stm", marks=pytest.mark.slow), "stm_small"])
def test_a_clip_trains_every_parameter_and_is_evaluated(name: str) -> None:
    network = built({"model/network": name}, boundary=True)
    frames, mask = clips(2, 3)
    output = network.train()(frames, False, mask)
    assert output.logits_BKHW.shape == (4, 2, 64, 64)
    assert output.boundary_logits_BHW is not None
    assert output.boundary_logits_BHW.shape == (4, 64, 64)
    (output.logits_BKHW.square().mean() + output.boundary_logits_BHW.square().mean()).backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
    with torch.no_grad():
        assert network.eval()(frames, False, mask).logits_BKHW.isfinite().all()


def test_clips_are_predicted_apart_and_from_all_their_earlier_frames() -> None:
    network, (frames, mask) = small(), clips(2, 3)
    with torch.no_grad():
        both = network(frames, False, mask).logits_BKHW
        alone = network(frames[3:], False, mask[1:]).logits_BKHW
        assert torch.allclose(both[2:], alone, atol=1e-4)
        other = frames.clone()
        other[1] = 0
        changed = network(other, False, mask).logits_BKHW
    same = [torch.equal(a, b) for a, b in zip(both, changed, strict=True)]
    assert same == [False, False, True, True]  # the third frame reads the second


def test_a_film_is_followed_as_a_clip_is_predicted() -> None:
    """Sides that 32 does not divide: masks that are remembered end at the frame's edge."""
    network, (frames, mask) = small(), clips(1, 4, 45, 70)
    with torch.no_grad():
        clip = network(frames, False, mask).logits_BKHW
        follower = Follower(network, frames[:1], mask)
        film = [follower.next(frame.unsqueeze(0)).logits_BKHW for frame in frames[1:3]]
    assert clip.shape == (3, 2, 45, 70)
    assert torch.allclose(clip[:2], torch.cat(film), atol=1e-4)


def test_the_first_every_fifth_and_the_last_frame_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which frames are read for each: their number is what is remembered of them."""
    read: list[list[int]] = []
    network = small()

    def memorise(frames: Tensor, mask: Tensor) -> Memory:
        number = frames[:, :1, :1, :1].unsqueeze(2)
        return Memory(number, number)

    def forward(frame: Tensor, _: bool, memory: Memory) -> object:
        read.append(memory.keys_BCMhw.flatten().int().tolist())
        return type("Output", (), {"logits_BKHW": torch.zeros(1, 2, 4, 4)})

    monkeypatch.setattr(network, "memorise", memorise)
    monkeypatch.setattr(network, "forward", forward)
    film = torch.arange(13.0).view(13, 1, 1, 1, 1).expand(13, 1, 3, 4, 4)
    follower = Follower(network, film[0], torch.ones(1, 4, 4))
    for frame in film[1:]:
        follower.next(frame)
    assert read[:7] == [[0], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 5, 6]]
    assert read[-3:] == [[0, 5, 9], [0, 5, 10], [0, 5, 10, 11]]


def test_soft_masks_are_remembered_with_their_gradient_or_without() -> None:
    """The third frame's loss reaches the classifier a second time through the second one's mask,
    unless that is detached."""
    frames, mask = clips(1, 3)
    gradients = []
    for detached in (False, True):
        network = built({"model/detach_masks": detached}).eval()
        network(frames, False, mask).logits_BKHW[1, 1].sum().backward()
        gradient = weight_of(network).grad
        assert gradient is not None
        gradients.append(gradient)
    assert (gradients[0] - gradients[1]).norm() > 1e-4 * gradients[1].norm() > 0


def test_a_network_is_tried_on_clips() -> None:
    config = TrialConfig().changed({"data/clip": 3, **SMALL})
    frames, _ = clips(2, 3)
    assert Attempt(config.model, 2, True, frames, 2, clip=3).run() == []


def refusals() -> Iterator[tuple[dict[str, Value], str]]:
    yield {"data/clip": 1}, r"data/clip must be >= 2 with stm_small, which follows .* got 1"
    yield {"model/network": "tiny"}, "data/clip must be 1 with tiny: only stm and stm_small see"
    tasks: dict[str, Value] = {"task/tasks": "semseg,edge", "data/targets": "edge"}
    yield tasks, "task/tasks must be semseg alone with stm_small"
    joined: dict[str, Value] = {"model/boundary_input": True}
    yield joined, "model/boundary_input must be false with stm_small"


@pytest.mark.parametrize(("changes", "words"), list(refusals()))
def test_what_does_not_go_with_it_is_one_line(changes: dict[str, Value], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrialConfig().changed({"data/clip": 3, **SMALL, **changes})


def test_several_objects_and_encoders_without_such_stages_are_one_line() -> None:
    config = TrialConfig().changed({"data/clip": 3, **SMALL}).model
    with pytest.raises(ValueError, match=r"classes must be background and one object .* got 4"):
        Segmenter(config, 4, False)
    for encoder in ("vit_tiny_patch16_224", "no_such_encoder"):
        with pytest.raises(ValueError, match=r"model/encoder must be .* got"):
            built({"model/encoder": encoder})


def test_frames_alone_are_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="the object's mask in the first one"):
        small()(torch.rand(1, 3, 64, 64))


def test_places_of_a_clip_differ() -> None:
    """Each predicted frame has logits of its own, clip by clip."""
    network, (frames, mask) = small(), clips(1, 4)
    assert isinstance(network.network, STM)
    with torch.no_grad():
        found = network(frames, False, mask).logits_BKHW
    assert all(not torch.equal(one, other) for one, other in pairwise(found))
