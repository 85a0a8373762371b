"""Training SEMEDA's edge network (Chen, Dapogny and Cord, 3.3), and measuring its quality.

Shape letters: B images or crops, K classes, H rows, W columns, S crop side.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from trainables.config import EdgeNetConfig, TrialConfig
from trainables.data.dataset import DataError, Dataset, ImageList
from trainables.geometry.boundaries import VOID, eight_neighbour_boundary, one_hot
from trainables.stages.edge_net.network import EdgeNet
from trainables.stages.result import Curve, ReportProgress, TrainedStage, ignore_progress
from trainables.stages.sheet import sheet

_QUALITY_IMAGES = 32
_AT_ONCE = 32
"""Labels that are read together, if the list is read on access."""


def build(config: TrialConfig, num_classes: int) -> EdgeNet:
    """The untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.edge_net.seed)
        return EdgeNet(num_classes)


def train(
    config: TrialConfig, dataset: Dataset, report: ReportProgress = ignore_progress
) -> TrainedStage:
    """Per-pixel cross-entropy between the edges found in true masks and the true edges (Eq. 4).

    The paper adds Gaussian noise to the one-hot masks and takes the softmax, so that they look
    like predictions. The softmax of zeros and ones is far less confident than any network, so
    ours also sharpens it by a random factor, and leaves a share of the masks one-hot, because the
    loss gives the network such masks, too.

    Raises:
        DataError: the training masks have no edge at all.
    """
    settings = config.edge_net
    crops = _Crops(dataset, settings)
    network = build(config, dataset.num_classes)
    generator = Generator().manual_seed(settings.seed)
    optimizer = torch.optim.Adam(network.parameters(), settings.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.lr, settings.steps)
    curve = Curve(settings.steps, report)
    for _ in range(settings.steps):
        crop_BSS = crops.draw(generator)
        prob_BKSS = masks(crop_BSS, dataset.num_classes, settings, generator)
        edge_B2SS = network(prob_BKSS)[-1]
        target_BSS = eight_neighbour_boundary(crop_BSS).long().masked_fill(crop_BSS == VOID, -1)
        known = (target_BSS >= 0).sum().clamp(min=1)
        loss = F.cross_entropy(edge_B2SS, target_BSS, ignore_index=-1, reduction="sum") / known
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        curve.add(loss.item())
    network.eval()
    some = [labels_HW.long() for labels_HW in _labels(dataset.splits["val"], _QUALITY_IMAGES)]
    quality = measure(network, some, dataset.num_classes, settings)
    return TrainedStage(network, quality, curve.points)


def masks(
    labels_BHW: Tensor, num_classes: int, settings: EdgeNetConfig, generator: Generator
) -> Tensor:
    """(B,K,H,W): masks, some one-hot, some noisy and soft; void pixels are zero in every class."""
    noisy_BKHW = soft_masks(labels_BHW, num_classes, settings, generator)
    clean_B = torch.rand(len(labels_BHW), generator=generator) < settings.clean_share
    clean_BKHW = one_hot(labels_BHW, num_classes).float()
    return torch.where(clean_B.view(-1, 1, 1, 1), clean_BKHW, noisy_BKHW)


def soft_masks(
    labels_BHW: Tensor,
    num_classes: int,
    settings: EdgeNetConfig,
    generator: Generator,
    sharpness: float | None = None,
) -> Tensor:
    """(B,K,H,W): softmax of one-hot masks with noise, sharpened by a given or a random factor."""
    clean_BKHW = one_hot(labels_BHW, num_classes).float()
    noise_BKHW = torch.randn(clean_BKHW.shape, generator=generator)
    share_B111 = torch.rand(len(labels_BHW), 1, 1, 1, generator=generator)
    factor_B111 = settings.sharpness**share_B111 if sharpness is None else sharpness
    soft_BKHW = (factor_B111 * (clean_BKHW + settings.noise * noise_BKHW)).softmax(dim=1)
    return soft_BKHW * (labels_BHW != VOID).unsqueeze(1)


@torch.no_grad()
def measure(
    network: nn.Module, labels: Iterable[Tensor], num_classes: int, settings: EdgeNetConfig
) -> dict[str, float]:
    """F of the edges in one-hot masks, in noisy ones (the paper's, sharpness 1), and in sharpened
    ones. 0 where there is no edge to find."""
    generator = Generator().manual_seed(settings.seed)
    kinds = {"f_clean": None, "f_noisy": 1.0, "f_sharp": settings.sharpness}
    counts = {kind: torch.zeros(3) for kind in kinds}
    for label_HW in labels:
        label_1HW = label_HW.unsqueeze(0)
        for kind, sharpness in kinds.items():
            shown_1KHW = one_hot(label_1HW, num_classes).float()
            if sharpness is not None:
                shown_1KHW = soft_masks(label_1HW, num_classes, settings, generator, sharpness)
            counts[kind] += _counts(network(shown_1KHW)[-1], label_1HW)
    return {
        kind: (2 * hit / (found + true).clamp(min=1)).item()
        for kind, (hit, found, true) in counts.items()
    }


def _counts(edge_12HW: Tensor, label_1HW: Tensor) -> Tensor:
    """(3,): edge pixels that are found and true, found, and true."""
    found_1HW = (edge_12HW.argmax(dim=1) == 1) & (label_1HW != VOID)
    true_1HW = eight_neighbour_boundary(label_1HW)
    return torch.stack([(found_1HW & true_1HW).sum(), found_1HW.sum(), true_1HW.sum()]).float()


class _Crops:
    """Random crops of the training masks, each around an edge, as most of a mask has none.

    Raises:
        DataError: there is no edge at all.
    """

    def __init__(self, dataset: Dataset, settings: EdgeNetConfig) -> None:
        images = dataset.splits["train"]
        maps = list(_labels(images, len(images)))
        self.edges = torch.cat(
            [
                nn.functional.pad(_edge_places(label_HW), (1, 0), value=image)
                for image, label_HW in enumerate(maps)
            ]
        )
        if len(self.edges) == 0:
            raise DataError(f"dataset {dataset.name}: no boundary in the train masks")
        rows, columns = (max(one.shape[axis] for one in maps) for axis in (0, 1))
        self.size = min(settings.crop, rows), min(settings.crop, columns)
        # A smaller map than a crop is filled up with void.
        self.labels_RC, self.tops_N, self.sizes_N2 = sheet(maps, VOID, least=self.size)
        self.batch = settings.batch

    def draw(self, generator: Generator) -> Tensor:
        """(B,S,S): class labels."""
        chosen = torch.randint(len(self.edges), (self.batch,), generator=generator)
        image_B, row_B, column_B = self.edges[chosen].unbind(dim=1)
        rows_BS = self._span(row_B, image_B, 0, generator) + self.tops_N[image_B].unsqueeze(1)
        columns_BS = self._span(column_B, image_B, 1, generator)
        return self.labels_RC[rows_BS.unsqueeze(2), columns_BS.unsqueeze(1)].long()

    def _span(self, at_B: Tensor, image_B: Tensor, axis: int, generator: Generator) -> Tensor:
        """(B,S): the rows or columns of a crop, within the map as far as it is large enough."""
        size = self.size[axis]
        last_B = (self.sizes_N2[image_B, axis] - size).clamp(min=0)
        start_B = at_B - torch.randint(size, at_B.shape, generator=generator)
        start_B = torch.minimum(start_B.clamp(min=0), last_B)
        return start_B.unsqueeze(1) + torch.arange(size)


def _labels(images: ImageList, most: int) -> Iterator[Tensor]:
    """Yield the labels (H,W), uint8, of at most so many images, the first ones of a list."""
    count = min(len(images), most)
    for start in range(0, count, _AT_ONCE):
        some = images.labels_NHW[start : min(start + _AT_ONCE, count)]
        yield from map(torch.from_numpy, some)


def _edge_places(label_HW: Tensor) -> Tensor:
    return eight_neighbour_boundary(label_HW.long().unsqueeze(0)).squeeze(0).nonzero()
