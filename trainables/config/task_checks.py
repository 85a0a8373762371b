"""Which losses and tasks go together: combinations that mean nothing are refused in one line."""

from trainables.config.data import DataConfig
from trainables.config.loss import LossConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.rival_losses import RIVALS
from trainables.config.tasks import TaskConfig
from trainables.config.validation import require

_OF_CLASSES = ("lovasz", "w_a", "fkl", "gdl", "bl", "hausdorff", "ar", *RIVALS)
_OF_EDGE_NET = ("lambda_1", "lambda_2", "lambda_3")


def require_losses(task: TaskConfig, loss: LossConfig) -> None:
    """Check that the heads that the losses need are there.

    Raises:
        ValueError: a loss of classes without ``semseg``, or a field that the edge task replaces.
    """
    if "edge" in task.names:
        own = "sobel with the task edge, whose map is the true boundary"
        require(loss.boundary == "sobel", "loss/boundary", own, loss.boundary)
    if "semseg" in task.names:
        return
    without = "0 without the task semseg"
    require(loss.edge_attention == 0, "loss/edge_attention", without, loss.edge_attention)
    if task.boundary_on == "edge":
        return
    without += ", or task/boundary_on must be edge"
    layers = () if loss.edge == "multi_task" else _OF_EDGE_NET
    for name in (*_OF_CLASSES, *layers):
        weight = getattr(loss, name)
        require(weight == 0, f"loss/{name}", without, weight)
    for name in PLUGIN.weights:
        weight = loss.plugin_field(name)
        require(weight == 0, f"loss/{name}", without, weight)


def require_no_leak(task: TaskConfig, data: DataConfig) -> None:
    """Raise a ValueError if a task's map is an input, which the network could copy."""
    for path, names in (("tasks", task.names), ("auxiliary", task.auxiliary_names)):
        leaked = [name for name in names if name in data.input_names]
        without = f"without {', '.join(leaked)}, which data/inputs shows to the network"
        require(not leaked, f"task/{path}", without, getattr(task, path))
