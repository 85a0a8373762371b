"""Which networks and data follow an object through films."""

from trainables.config.data import DataConfig
from trainables.config.evaluation import EvalConfig
from trainables.config.model import FOLLOWERS, ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.refine import RefineConfig
from trainables.config.tasks import TaskConfig
from trainables.config.validation import require


def follows(model: ModelConfig) -> bool:
    """Whether a network follows an object; a plug-in's network of that name does not."""
    return model.network in FOLLOWERS and model.network not in PLUGIN.networks


def require_films(
    data: DataConfig,
    model: ModelConfig,
    task: TaskConfig,
    evaluation: EvalConfig,
    refine: RefineConfig,
) -> None:
    """Check that clips are given to a network that follows an object, and to no other.

    Raises:
        ValueError: single images, windows, maps or refinement for such a network, clips for
            another, or other tasks.
    """
    name = model.network
    if not follows(model):
        others = f"1 with {name}: only {' and '.join(FOLLOWERS)} see clips"
        require(data.clip == 1, "data/clip", others, data.clip)
        alone = f"false with {name}: only {' and '.join(FOLLOWERS)} remember masks"
        require(not model.detach_masks, "model/detach_masks", alone, model.detach_masks)
        return
    several = f">= 2 with {name}, which follows an object through clips (3 as published)"
    require(data.clip >= 2, "data/clip", several, data.clip)
    complete = f"whole with {name}, which follows an object through complete frames"
    require(evaluation.of("test").window is None, "eval/window", complete, evaluation.window)
    window = evaluation.val_window
    require(evaluation.of("val").window is None, "eval/val_window", complete, window)
    require(task.only_segments, "task/tasks", f"semseg alone with {name}", task.tasks)
    require(not data.inputs, "data/inputs", f"'' with {name}, which sees frames alone", data.inputs)
    uncorrected = f"none with {name}, which remembers its own masks"
    require(refine.method == "none", "refine/method", uncorrected, refine.method)
