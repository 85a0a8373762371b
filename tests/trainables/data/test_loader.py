"""Which way batches are made, what a lane keeps, and that every way gives the same images."""

import os
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.config import TrialConfig, Value
from trainables.data import DataError, Dataset, load
from trainables.data.batches import Epoch, evaluation_batches, ready, training_batches
from trainables.data.dataset import ImageList
from trainables.data.device_memory import DeviceMemory
from trainables.data.loader import Loader, Loaders
from trainables.data.pickled import as_it_was_raised
from trainables.data.worker_processes import Evaluated, Trained, WorkerLostError
from trainables.training import waiting
from trainables.training.waiting import Waiting

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
EPOCH = Epoch(batch=4, seed=0, epoch=1, rank=0, ranks=1)
SCALED: dict[str, Value] = {
    **{"data/scale_min": 0.5, "data/scale_max": 2.0, "data/crop_height": 24},
    **{"data/crop_width": 32, "data/brightness": 10.0},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 3), ("test", 2)):
        for kind in ("images", "masks"):
            (root / kind / split).mkdir(parents=True)
        for number in range(count):
            image = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
            Image.fromarray(image).save(root / "images" / split / f"{number}.jpg")
            mask = np.repeat(rng.integers(0, 3, (32, 8), dtype=np.uint8), 5, axis=1)
            Image.fromarray(mask).save(root / "masks" / split / f"{number}.png")
    (root / "classes.txt").write_text("a\nb\nc\n")
    return root


def trial(folder: Path, **changes: Value) -> tuple[TrialConfig, Dataset]:
    flat = {"data/dataset": "folder", "data/root": str(folder), "batch": 4, **SCALED, **changes}
    config = TrialConfig().changed(flat)
    return config, load(config.data.unaugmented())


def require_same_batches(loader: Loader, config: TrialConfig, data: Dataset) -> None:
    train, val = data.splits["train"], data.splits["val"]
    usual = list(training_batches(train, config.data, **vars(EPOCH)))
    given = list(loader.training(train, config.data, EPOCH))
    for ours, theirs in zip(given, usual, strict=True):
        assert all(map(torch.equal, ours[:2], theirs[:2]))
    share = {"batch": 2, "rank": 0, "ranks": 1}
    pairs = zip(loader.evaluation(val, **share), evaluation_batches(val, **share), strict=True)
    for (rows, ours_of), (known, theirs_of) in pairs:
        assert np.array_equal(rows, known)
        assert all(map(torch.equal, ours_of[:2], theirs_of[:2]))


@pytest.mark.parametrize("way", ["auto", "threads", "device"])
def test_every_way_gives_the_same_batches(folder: Path, way: str) -> None:
    config, data = trial(folder, **{"data/loader": way})
    loader = Loaders(CPU).of(data, config.data, 4)
    assert loader.name == ("threads" if way == "auto" else way)
    require_same_batches(loader, config, data)


def test_what_a_process_does_depends_on_its_job_alone(folder: Path) -> None:
    config, data = trial(folder, **{"data/cache": "off"})
    train = data.splits["train"]
    share = EPOCH.shares(len(train))[1]
    trained = Trained(share, config.data, EPOCH.draws(share), data.pixels)
    job, images = pickle.loads(pickle.dumps((trained, train)))
    usual = list(training_batches(train, config.data, **vars(EPOCH)))[1]
    assert all(map(torch.equal, ready(job.made(images))[:2], usual[:2]))
    rows, usual_of = list(evaluation_batches(train, batch=3, rank=0, ranks=1))[1]
    assert all(map(torch.equal, ready(Evaluated(rows).made(images))[:2], usual_of[:2]))


@pytest.mark.slow  # it starts processes
def test_processes_give_the_same_batches_and_their_errors_and_losses_arrive(folder: Path) -> None:
    config, data = trial(folder, **{"data/cache": "off", "data/loader": "workers"})
    loaders = Loaders(CPU, cpus=3)
    loader = loaders.of(data, config.data, 4)
    require_same_batches(loader, config, data)
    train = data.splits["train"]
    assert loaders.of(data, config.data, 4)._processes is loader._processes  # type: ignore[attr-defined]
    path = folder / "images" / "train" / "0.jpg"
    content = path.read_bytes()
    path.write_bytes((folder / "images" / "train" / "1.jpg").read_bytes())
    with pytest.raises(DataError, match=r"^0: changed since the study began$"):
        epochs(1, loader, train, config)
    path.write_bytes(content)
    workers = loader._processes._loader._iterator._workers  # type: ignore[attr-defined]
    os.kill(workers[0].pid, signal.SIGKILL)
    with pytest.raises(WorkerLostError, match="a process that reads images was lost"):
        epochs(50, loader, train, config)  # it may have made its next batches already
    loaders.end()


def epochs(count: int, loader: Loader, images: ImageList, config: TrialConfig) -> None:
    for _ in range(count):
        every_image = replace(EPOCH, batch=2)
        assert len(list(loader.training(images, config.data, every_image))) == 5


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A GPU with so many MiB free, of which this lane may use half."""

    def of(mib: float) -> None:
        memory = int(mib * 2**20)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (memory, memory))
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _: 0.5)
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)

    of(100)
    return of


def test_auto_chooses_for_the_device_the_lists_and_the_cpus(
    folder: Path, gpu: Callable[[float], None]
) -> None:
    config, decoded = trial(folder)
    _, streamed = trial(folder, **{"data/cache": "off"})
    for device, cpus, data, expected in (
        (CPU, 8, decoded, "threads"),
        (CPU, 8, streamed, "threads"),
        (CUDA, 8, decoded, "device"),
        (CUDA, 8, streamed, "workers"),
        (CUDA, 1, streamed, "threads"),
    ):
        loaders = Loaders(device, cpus)
        assert loaders.of(data, config.data, 4).name == expected, (device, cpus)
    needed = sum(decoded.splits[name].nbytes for name in ("train", "val")) / 2**20
    gpu(needed * 8.01)  # an eighth: a quarter of the lane's half
    assert Loaders(CUDA, 1).of(decoded, config.data, 4).name == "device"
    gpu(needed * 7.99)
    assert Loaders(CUDA, 1).of(decoded, config.data, 4).name == "threads"


def test_a_way_that_cannot_be_gone_is_refused_in_one_line(
    folder: Path, gpu: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, decoded = trial(folder, **{"data/loader": "device"})
    _, streamed = trial(folder, **{"data/cache": "off"})
    with pytest.raises(ValueError, match=r"data/loader must be .* read each time, got 'device'"):
        Loaders(CPU).of(streamed, config.data, 4)
    gpu(0.001)
    with pytest.raises(ValueError, match=r"lists of 0\.0 GiB with 0\.0 GiB free, got 'device'"):
        Loaders(CUDA).of(decoded, config.data, 4)
    workers = config.changed({"data/loader": "workers"}).data
    assert Loaders(CPU, 3).of(decoded, workers, 4).name == "threads"
    monkeypatch.setattr("trainables.data.worker_processes._free", lambda: 2**20)
    with pytest.raises(ValueError, match=r"/dev/shm has 1 MiB free .*--shm-size"):
        Loaders(CPU, 3).of(streamed, workers, 400)


def test_a_lane_copies_lists_once_and_frees_what_no_trial_needs(folder: Path) -> None:
    _, data = trial(folder)
    train, val, memory = data.splits["train"], data.splits["val"], DeviceMemory(CPU)
    copy = memory.of(train).pixels_PC
    again = ImageList(train.images_NHWC, train.labels_NHW, train.names)  # as a lane reads it again
    assert memory.of(again).pixels_PC is copy
    assert len(memory.of(train.first(3))) == 3  # the same memory, but another list
    assert memory.of(train.picked([4, 2])).pixels_PC is copy
    images, labels = memory.of(train.picked([4, 2])).whole()
    assert np.array_equal(images.numpy(), train.images_NHWC[[4, 2]])
    assert np.array_equal(labels.numpy(), train.labels_NHW[[4, 2]])
    memory.keep_only([val])
    assert memory.nbytes == 0
    assert memory.of(train).pixels_PC is not copy


class _Odd(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def test_errors_of_a_process_keep_their_type_where_they_can() -> None:
    error = DataError("a.png: changed since the study began")
    assert as_it_was_raised(error) is error
    assert repr(as_it_was_raised(_Odd("no", "luck"))) == "RuntimeError('_Odd: no luck')"


def test_a_step_waits_from_its_end_to_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(waiting, "perf_counter", lambda: now[0])
    measured = Waiting(CPU)

    def batches():  # type: ignore[no-untyped-def]
        for wait in (3.0, 1.0):
            now[0] += wait
            yield torch.zeros(1), torch.zeros(1)

    for _ in measured.timed(batches()):
        now[0] += 8.0  # a step
    assert measured.share() == 4 / 20
