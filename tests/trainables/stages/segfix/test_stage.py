"""The stage of SegFix: trained once, continued where a process died, used as a refinement."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trainables.config import TrialConfig
from trainables.data import Dataset, load
from trainables.lane.refiner import saved_refiner_of
from trainables.refinement import segfix
from trainables.stages import copies, registry
from trainables.stages.files import SavedStage, StageFile
from trainables.stages.segfix import crops, refiner, training
from trainables.stages.segfix.network import SegFixOutput
from trainables.stages.unfinished import Unfinished

CPU = torch.device("cpu")
QUICK = TrialConfig().changed(
    {
        "data/train_images": 6,
        "data/val_images": 3,
        "data/test_images": 2,
        "refine/method": "segfix",
        "segfix/width": 4,
        "segfix/steps": 5,
        "segfix/batch": 2,
        "segfix/crop": 32,
    }
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load(QUICK.data)


@pytest.fixture(scope="module")
def folder(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the stage of an undisturbed training."""
    made = tmp_path_factory.mktemp("stages")
    registry.ensure("segfix", QUICK, data, made, "mine")
    return made


def file_in(folder: Path, data: Dataset, config: TrialConfig = QUICK) -> StageFile:
    return StageFile(folder, "segfix", registry.stage_key("segfix", config, data.digest))


def saved_in(folder: Path, data: Dataset, config: TrialConfig = QUICK) -> SavedStage:
    saved = file_in(folder, data, config).read()
    assert saved is not None
    return saved


class Died(Exception):
    """Stands for the end of a process."""


@contextmanager
def dying_at(step: int) -> Iterator[None]:
    """The training writes its state after every step, and dies in this one."""
    drawn = 0

    def draw(*given: object) -> crops.Crops:
        nonlocal drawn
        drawn += 1
        if drawn == step:
            raise Died
        return crops.draw(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "draw", draw)
        patch.setattr(Unfinished, "due", True)
        yield


@pytest.mark.parametrize("step", [1, 4])
def test_a_training_that_died_continues_bit_by_bit(
    step: int, tmp_path: Path, folder: Path, data: Dataset
) -> None:
    with dying_at(step), pytest.raises(Died):
        registry.ensure("segfix", QUICK, data, tmp_path)
    file = file_in(tmp_path, data)
    assert file.unfinished.path.exists() == (step > 1)
    assert file.read() is None
    with dying_at(6 - step + 1):  # so many steps are left, and no more are taken
        registry.ensure("segfix", QUICK, data, tmp_path)
    assert not file.unfinished.path.exists()
    resumed, whole = saved_in(tmp_path, data), saved_in(folder, data)
    assert resumed.state.keys() == whole.state.keys()
    for name, tensor in whole.state.items():
        assert torch.equal(resumed.state[name].nan_to_num(), tensor.nan_to_num()), name
    same = {"seconds": 0.0, "study": ""}
    assert replace(resumed.record, **same) == replace(whole.record, **same)  # type: ignore[arg-type]


def test_a_damaged_state_is_not_used(tmp_path: Path, folder: Path, data: Dataset) -> None:
    with dying_at(4), pytest.raises(Died):
        registry.ensure("segfix", QUICK, data, tmp_path)
    path = file_in(tmp_path, data).unfinished.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    registry.ensure("segfix", QUICK, data, tmp_path)
    whole, found = saved_in(folder, data), saved_in(tmp_path, data)
    assert torch.equal(found.state["near.1.weight"], whole.state["near.1.weight"])


def test_it_is_shared_and_says_how_good_it_is(folder: Path, data: Dataset) -> None:
    record = registry.ensure("segfix", QUICK, data, folder, "other")
    assert record.study == "mine"
    assert record.quality.keys() == {"boundary_iou", "direction_accuracy"}
    assert all(0 <= value <= 1 for value in record.quality.values())
    assert len(record.curve) == 5


def test_its_key_follows_what_it_is_trained_with(data: Dataset) -> None:
    def key(changes: Mapping[str, bool | int | float | str]) -> str:
        return registry.stage_key("segfix", QUICK.changed(changes), data.digest)

    used = {"segfix/scale": 1, "segfix/passes": 3, "loss/w_a": 1.0, "model/width": 16, "seed": 3}
    assert key(used) == key({})
    decide: dict[str, int | float | str] = {
        "segfix/width": 8,
        "segfix/directions": 4,
        "segfix/distance": 3.0,
        "segfix/seed": 1,
    }
    decide |= {"data/normalize": "train"}  # its network sees the images, and the digest lacks it
    keys = {key({path: value}) for path, value in decide.items()}
    keys |= {key({"segfix/network": "hrnet_w18"}), key({"segfix/variant": "released"}), key({})}
    assert len(keys) == len(decide) + 3
    hrnet = {"segfix/network": "hrnet_w18"}
    assert key(hrnet) == key({**hrnet, "segfix/width": 8})


def test_no_loss_waits_for_it(data: Dataset, tmp_path: Path) -> None:
    assert registry.needed(QUICK) == ["segfix"]
    assert registry.of_loss(QUICK) == []
    learned = registry.make_learned(QUICK, data, tmp_path, "")
    assert learned == registry.untrained(QUICK, 3)
    assert not list(tmp_path.iterdir())


def test_each_fold_has_one(data: Dataset) -> None:
    refined: dict[str, bool | int | float | str] = {"refine/method": "segfix", "data/folds": 2}
    of_folds = [TrialConfig().changed({**refined, "data/fold": fold}) for fold in (1, 2)]
    first, second = (registry.stage_key("segfix", fold, data.digest) for fold in of_folds)
    assert first != second


@pytest.mark.parametrize("passes", [1, 2])
def test_the_refiner_reads_logits_along_its_network_s_offsets(
    passes: int, folder: Path, data: Dataset
) -> None:
    config = QUICK.changed({"segfix/passes": passes, "segfix/scale": 3})
    images, logits = torch.rand(2, 3, 41, 50), torch.randn(2, 6, 41, 50)
    output = SegFixOutput(torch.randn(2, 2, 41, 50), torch.randn(2, 8, 41, 50))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refiner.SegFixNet, "at_full_size", lambda network, given: output)
        found = refiner.refiner(config, data, folder, "", CPU)(images, logits)
    offsets = segfix.offsets(*output)
    assert 0.3 < offsets.any(dim=1).float().mean() < 0.7
    expected = logits
    for _ in range(passes):
        expected = segfix.corrected(expected, offsets, scale=3)
    assert torch.equal(found, expected)


def test_a_copy_beside_a_network_refines_as_the_stage_does(folder: Path, data: Dataset) -> None:
    name = f"segfix-{registry.stage_key('segfix', QUICK, data.digest)}"
    files = copies.contents([name], folder)
    images = torch.from_numpy(data.splits["val"].images_NHWC[:1]).permute(0, 3, 1, 2) / 255
    logits = torch.randn(1, 6, *images.shape[-2:])
    found = saved_refiner_of(QUICK, files, CPU)
    assert found is not None
    assert torch.equal(
        found(images, logits), refiner.refiner(QUICK, data, folder, "", CPU)(images, logits)
    )
    with pytest.raises(ValueError, match=r"^segfix-KEY.pt: missing: .*study/report.py NAME adds"):
        saved_refiner_of(QUICK, {}, CPU)


def test_released_refines_as_the_released_code(data: Dataset, tmp_path: Path) -> None:
    config = QUICK.changed({"segfix/variant": "released", "segfix/steps": 1})
    refine = refiner.refiner(config, data, tmp_path, "", CPU)
    images, logits = torch.rand(1, 3, 32, 32), torch.randn(1, 6, 32, 32)
    found = refine(images, logits)
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(found.sum(dim=1), torch.ones(1, 32, 32))


def test_a_released_loss_that_is_no_number_ends_in_one_line(data: Dataset, tmp_path: Path) -> None:
    config = QUICK.changed({"segfix/variant": "released", "segfix/steps": 1})
    line = (
        r"^segfix/variant must be paper where the released loss is nan \(step 1\), got 'released'$"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "segfix_loss", lambda *given, **how: torch.tensor(torch.nan))
        with pytest.raises(ValueError, match=line):
            registry.ensure("segfix", config, data, tmp_path)


def test_quality_is_one_for_the_truth_and_less_for_others(data: Dataset) -> None:
    settings = QUICK.segfix

    class Oracle:
        """Answers with the validation labels' own maps, in turn."""

        def __init__(self, turned: int) -> None:
            self.turned, self.row = turned, 0

        def at_full_size(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            labels = torch.from_numpy(data.splits["val"].labels_NHW[self.row : self.row + 1])
            self.row += 1
            near, direction = crops.learnt(labels.long(), 6, settings)
            turned = (direction.clamp(min=0) + self.turned) % 8
            hot = torch.nn.functional.one_hot
            near_hot = hot(near.clamp(min=0), 2).movedim(3, 1)
            return near_hot.float(), hot(turned, 8).movedim(3, 1).float()

    perfect = training.measure(Oracle(0), data, settings, CPU)  # type: ignore[arg-type]
    assert perfect == {"boundary_iou": 1.0, "direction_accuracy": 1.0}
    turned = training.measure(Oracle(1), data, settings, CPU)  # type: ignore[arg-type]
    assert turned == {"boundary_iou": 1.0, "direction_accuracy": 0.0}
