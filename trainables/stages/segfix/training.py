"""Training SegFix's network, and measuring its quality.

Shape letters: B crops, N directions, H rows, W columns.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Generator, Tensor

from trainables.config import SegFixConfig, TrialConfig, refused
from trainables.config.pixels import RGB, Pixels
from trainables.data.dataset import Dataset
from trainables.data.units import in_units
from trainables.refinement.segfix import NEAR, UNKNOWN
from trainables.stages.result import Curve, TrainedStage
from trainables.stages.segfix.crops import Crops, draw, learnt
from trainables.stages.segfix.loss import segfix_loss
from trainables.stages.segfix.network import SegFixNet
from trainables.stages.unfinished import StageState
from trainables.stages.work import Work

_MOMENTUM, _WEIGHT_DECAY, _POWER = 0.9, 5e-4, 0.9
"""Of SGD and of its polynomial decay, as released."""
_QUALITY_IMAGES = 64


def build(config: TrialConfig, num_classes: int, pixels: Pixels = RGB) -> SegFixNet:
    """The untrained network; the number of classes does not matter to it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.segfix.seed)
        return SegFixNet(config.segfix, pixels)


def train(config: TrialConfig, dataset: Dataset, work: Work) -> TrainedStage:
    """Train on crops of the training images; measure on the validation images.

    Its state is written now and then. A training that continues from there ends with the same bits
    as one that nothing interrupted.

    Raises:
        ValueError: the loss is not a number, as it can be with the released code's.
    """
    with _repeatable(work.device):
        training = _Training(config, dataset, work)
        training.run()
        quality = measure(training.network, dataset, config.segfix, work.device)
    return TrainedStage(training.network.cpu(), quality, training.curve.points)


class _Training:
    """The network, its optimiser, and all that decides the steps to come."""

    def __init__(self, config: TrialConfig, dataset: Dataset, work: Work) -> None:
        self.settings, self.dataset, self.work = config.segfix, dataset, work
        self.network = build(config, dataset.num_classes, dataset.pixels).to(work.device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            self.settings.lr,
            momentum=_MOMENTUM,
            weight_decay=_WEIGHT_DECAY,
        )
        self.generator = Generator().manual_seed(self.settings.seed)
        self.curve = Curve(self.settings.steps, work.report)
        self.step = 0

    def run(self) -> None:
        """Take the steps that are left, from the state that was written last."""
        unfinished = self.work.unfinished
        if unfinished is not None and (found := unfinished.read()) is not None:
            self._load(found)
        images, classes = self.dataset.splits["train"], self.dataset.num_classes
        self.network.train()
        while self.step < self.settings.steps:
            self._learn(draw(images, classes, self.settings, self.generator))
            self.step += 1
            if unfinished is not None and unfinished.due:
                unfinished.write(self._state())
        self.network.eval()

    def _learn(self, crops: Crops) -> None:
        images_BCSS, near_BSS, direction_BSS = (part.to(self.work.device) for part in crops)
        left = 1 - self.step / self.settings.steps
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.lr * left**_POWER
        output, variant = self.network(images_BCSS), self.settings.variant
        loss = segfix_loss(
            output.near_B2hw, output.direction_BNhw, near_BSS, direction_BSS, variant=variant
        )
        value = loss.item()
        if not np.isfinite(value):
            allowed = f"paper where the released loss is {value} (step {self.step + 1})"
            raise refused("segfix/variant", allowed, variant)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.curve.add(value)

    def _state(self) -> StageState:
        return {
            "step": self.step,
            "seconds": self.work.seconds,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "curve": self.curve.state(),
        }

    def _load(self, state: StageState) -> None:
        self.step = state["step"]
        self.work.earlier_s = state["seconds"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.curve.load(state["curve"])


@torch.no_grad()
def measure(
    network: SegFixNet, dataset: Dataset, settings: SegFixConfig, device: torch.device
) -> dict[str, float]:
    """IoU of the pixels near a boundary, and the share of right directions among those that are
    near one. 0 where there is none."""
    images = dataset.splits["val"]
    step = -(-len(images) // _QUALITY_IMAGES)
    counts = torch.zeros(4)
    for row in range(0, len(images), step):
        image_HWC = np.ascontiguousarray(images.images_NHWC[row])
        image_1CHW = in_units(torch.from_numpy(image_HWC).permute(2, 0, 1)).unsqueeze(0)
        near_B2HW, direction_BNHW = network.at_full_size(image_1CHW.to(device))
        labels_1HW = torch.from_numpy(images.labels_NHW[row]).long().unsqueeze(0)
        true = learnt(labels_1HW, dataset.num_classes, settings)
        found_1HW = (near_B2HW.argmax(dim=1) == NEAR).cpu()
        counts += _counts(found_1HW, direction_BNHW.argmax(dim=1).cpu(), *true)
    both, either, right, known = counts.clamp(min=0).tolist()
    return {"boundary_iou": both / max(either, 1), "direction_accuracy": right / max(known, 1)}


def _counts(found_BHW: Tensor, direction_BHW: Tensor, near_BHW: Tensor, true_BHW: Tensor) -> Tensor:
    """(4,): near a boundary as found and in truth, in either; directions that are right, known."""
    true_near_BHW, valid_BHW = near_BHW == NEAR, near_BHW != UNKNOWN
    either_BHW = (found_BHW | true_near_BHW) & valid_BHW
    known_BHW = true_near_BHW & (true_BHW != UNKNOWN)
    right_BHW = known_BHW & (direction_BHW == true_BHW)
    both_BHW = found_BHW & true_near_BHW
    return torch.stack([x.sum() for x in (both_BHW, either_BHW, right_BHW, known_BHW)]).float()


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """Have a GPU compute the same bits each time; a CPU does on one thread."""
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
