"""What the metrics cost, one thread: beside a confusion matrix, and beside the forward pass.

    python tests/benchmarks/metrics.py [CamVid folder]

All rows of a table are measured in turns in one run, since a shared machine's speed varies, and
medians are compared. The first table is for a 256x512 image of 19 classes. The second is what an
evaluation adds to the forward pass of FPN on EfficientNet-Lite0 (segmentation-models-pytorch) over
a 360x480 image of 11 classes, CamVid's if its folder is given; rows are padded to 384, a multiple
of 32.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from trainables.geometry.boundaries import VOID, eight_neighbour_boundary
from trainables.metrics import bands, boundary, overlap, surface
from trainables.metrics.catalog import BOUNDARY_IOU_RATIO, TOLERANCES_PX, TRIMAP_WIDTHS_PX
from trainables.metrics.other_tasks.edge_detection import edge_counts
from trainables.metrics.per_image import count
from trainables.metrics.summaries import summarize

Work = Callable[[], object]


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    predicted, labels = voronoi(256, 512, 19)
    print("256x512, 19 classes, one image, one thread")
    report({"confusion matrix": confusion(predicted, labels, 19), **parts(predicted, labels, 19)})
    edge = eight_neighbour_boundary(labels).float()
    blurred = F.avg_pool2d(edge, 5, stride=1, padding=2)[0]
    print("the same, on scipy")
    report(
        {
            "confusion matrix": confusion(predicted, labels, 19),
            "Hausdorff, HD95, ASSD": lambda: surface.surface_by_class(predicted, labels, 19, None),
            "odsF, 99 thresholds": lambda: edge_counts(blurred, edge[0] > 0),
        },
        rounds=3,
    )
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    predicted, labels = camvid(folder) if folder else voronoi(360, 480, 11)
    print(f"360x480, 11 classes, {'CamVid' if folder else 'Voronoi'}, one image, one thread")
    report({"forward pass": forward_pass(), **evaluation(predicted, labels)})


def report(works: dict[str, Work], rounds: int = 15) -> None:
    """Print each work's median, its fastest round, and its median as a multiple of the first's."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(rounds_s) for name, rounds_s in seconds.items()}
    unit = next(iter(medians.values()))
    print(f"{'':36}  median ms  fastest ms  ratio")
    for name, median in medians.items():
        fastest = min(seconds[name])
        print(f"{name:36}  {median * 1e3:9.2f}  {fastest * 1e3:10.2f}  {median / unit:6.3f}")


def confusion(predicted: Tensor, labels: Tensor, num_classes: int) -> Work:
    def work() -> Tensor:
        valid = labels != VOID
        index = labels[valid] * num_classes + predicted[valid]
        return torch.bincount(index, minlength=num_classes**2)

    return work


def parts(predicted: Tensor, labels: Tensor, num_classes: int) -> dict[str, Work]:
    """Each metric alone, of all classes together."""
    height, width = labels.shape[-2:]
    width_px = boundary.boundary_iou_width(height, width, BOUNDARY_IOU_RATIO)
    widest_px = len(TRIMAP_WIDTHS_PX)
    counts = count(predicted, labels, num_classes)
    predicted = predicted.masked_fill(labels == VOID, VOID)
    zones = bands.band_zones(labels, widest_px)
    return {
        "mBA": lambda: bands.boundary_accuracy(predicted, labels),
        "boundary F at 1, 3, 5 px": lambda: boundary.contour_hits(
            predicted, labels, num_classes, TOLERANCES_PX
        ),
        "boundary IoU": lambda: boundary.boundary_regions(predicted, labels, num_classes, width_px),
        "trimap bands": lambda: bands.band_zones(labels, widest_px),
        "overlap, in all bands": lambda: overlap.zone_overlap(
            predicted, labels, zones, widest_px + 1, num_classes
        ),
        "all of ImageCounts": lambda: count(predicted, labels, num_classes),
        "summarize": lambda: summarize(counts),
    }


def evaluation(predicted: Tensor, labels: Tensor) -> dict[str, Work]:
    return {
        "confusion matrix": confusion(predicted, labels, 11),
        "all of ImageCounts": lambda: count(predicted, labels, 11),
        "with surface distances": lambda: count(predicted, labels, 11, (1, 1)),
    }


def forward_pass() -> Work:
    model = smp.FPN("tu-tf_efficientnet_lite0", encoder_weights=None, classes=11).eval()
    image = torch.randn(1, 3, 384, 480)

    def work() -> Tensor:
        with torch.inference_mode():
            return torch.as_tensor(model(image)).argmax(dim=1)

    return work


def voronoi(height: int, width: int, num_classes: int) -> tuple[Tensor, Tensor]:
    """As many regions as classes twice over, a prediction 2 px off with 1 % noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    seeds = rng.uniform((0, 0), (height, width), (2 * num_classes, 2))
    distance = (rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2
    labels = torch.from_numpy(distance.argmin(-1) % num_classes)[None]
    return worsened(labels, num_classes), labels


def camvid(folder: Path) -> tuple[Tensor, Tensor]:
    file = sorted((folder / "testannot").glob("*.png"))[100]
    labels = torch.from_numpy(np.array(Image.open(file))).long()[None]
    return worsened(labels, 11), labels.masked_fill(labels == 11, VOID)


def worsened(labels: Tensor, num_classes: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    noisy = torch.randint(0, num_classes, labels.shape, generator=generator)
    keep = torch.rand(labels.shape, generator=generator) > 0.01
    shifted = labels.roll((1, 2), (1, 2))
    return shifted.where(keep & (shifted < num_classes), noisy)


if __name__ == "__main__":
    main()
