"""A stage's file is enough to use its network: no study, no data, no config beside it."""

from pathlib import Path

import pytest
import torch
import yaml

from trainables.config import TrialConfig, flatten
from trainables.edgewise import losses
from trainables.stages import registry
from trainables.stages.files import SavedStage, StageFile, StageRecord
from trainables.stages.standalone import load_stage

CONFIG = TrialConfig().changed(
    {
        "loss/gamma": 1.0,
        "loss/lambda_2": 1.0,
        "loss/tile_share": 0.25,
        "data/height": 64,
        "data/width": 64,
        "loss/distance": "geodesic",
        "inverse_net/units": "8",
    }
)


def written(folder: Path, kind: str, *, old: bool = False) -> Path:
    """The file of an untrained network, as a study writes one."""
    network = registry.KINDS[kind].build(CONFIG, 3)
    key = registry.stage_key(kind, CONFIG, "1-digest")
    file = StageFile(folder, kind, key)
    folder.mkdir(parents=True, exist_ok=True)
    fields = {} if old else registry.deciding_fields(kind, CONFIG)
    file.write(SavedStage(StageRecord(kind, key, "", 0.0, {}), 3, network.state_dict(), fields))
    return file.path


@pytest.mark.parametrize("kind", [kind for kind in registry.KINDS if registry.in_loss(kind)])
def test_a_file_or_its_folder_gives_the_study_s_network(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind)
    other = "loss/lambda_2" if kind == "inverse_net" else "loss/gamma"
    learned = registry.load_learned(CONFIG.changed({other: 0.0}), "1-digest", tmp_path)
    theirs = getattr(learned, kind)
    for place in (path, str(path), tmp_path):
        stage = load_stage(kind, place)
        if kind == "inverse_net":  # the other one reads neither
            assert stage.config.loss.tile == 16  # a quarter of 64 rows
            assert stage.config.loss.distance == "geodesic"
        for mine, expected in zip(stage.network.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(mine, expected)
            assert not mine.requires_grad


def test_loading_does_not_touch_the_random_state(tmp_path: Path) -> None:
    path = written(tmp_path, "inverse_net")
    before = torch.get_rng_state()
    loss = losses.InverseForm(stage=path)
    assert repr(loss) == f"InverseForm(stage={str(path)!r})"
    assert torch.equal(torch.get_rng_state(), before)


def test_an_older_file_needs_its_study_s_config_beside_it(tmp_path: Path) -> None:
    path = written(tmp_path, "inverse_net", old=True)
    with pytest.raises(ValueError, match=r"or lie beside config\.yaml of its study's network"):
        load_stage("inverse_net", path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(flatten(CONFIG)))
    assert load_stage("inverse_net", path).config == CONFIG


def test_a_damaged_file_or_a_choice_of_two_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "edge_net")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "damaged" / path.name
    damaged.parent.mkdir()
    damaged.write_bytes(content)
    with pytest.raises(ValueError, match="stage must be an undamaged file"):
        load_stage("edge_net", damaged)
    with pytest.raises(ValueError, match=r"stage must be a file inverse_net-KEY\.pt, got"):
        load_stage("inverse_net", path)
    path.with_name("edge_net-other.pt").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"with one edge_net-KEY\.pt, got edge_net-.*, edge"):
        load_stage("edge_net", tmp_path)
    with pytest.raises(ValueError, match=r"a folder with one inverse_net-KEY\.pt, got none"):
        load_stage("inverse_net", tmp_path)


def test_the_edge_network_s_classes_are_checked(tmp_path: Path) -> None:
    loss = losses.SEMEDA(stage=written(tmp_path, "edge_net"))
    with pytest.raises(ValueError, match="logits must be of 3 classes, as the stage, got 4"):
        loss(torch.zeros(1, 4, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64))
