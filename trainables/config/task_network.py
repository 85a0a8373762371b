"""Which networks, tasks and losses of a network's own boundaries go together."""

from trainables.config.loss import LossConfig
from trainables.config.model import INITIAL, OWN_BOUNDARY, ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.tasks import TaskConfig
from trainables.config.validation import require


def require_network(task: TaskConfig, model: ModelConfig) -> None:
    """Check that a network has the predictions that the tasks need.

    Raises:
        ValueError: tasks that nothing would predict or train, or one task alone for a network in
            which tasks exchange their features.
    """
    name = model.network
    if name in PLUGIN.networks:
        return
    several = f"two or more with {name} (or more of task/auxiliary), whose tasks help each other"
    count = len(task.names) + len(task.auxiliary_names)
    require(name not in INITIAL or count > 1, "task/tasks", several, task.tasks)
    segments = name not in OWN_BOUNDARY or "semseg" in task.names
    require(segments, "task/tasks", f"with semseg with {name}", task.tasks)
    if task.auxiliary:
        only = f"'' with {name}: only {' and '.join(INITIAL)} have initial predictions"
        require(name in INITIAL, "task/auxiliary", only, task.auxiliary)
        trained = "true with task/auxiliary, whose tasks nothing else trains"
        require(model.auxiliary, "model/auxiliary", trained, model.auxiliary)


def require_attention(task: TaskConfig, model: ModelConfig, loss: LossConfig) -> None:
    """Check that a boundary can be sure at all: a sigmoid's sigmoid is at most 0.73.

    Raises:
        ValueError: a loss takes the sigmoid of boundaries that are probabilities already.
    """
    released = model.variant == "released" and model.network in OWN_BOUNDARY
    given = released and model.network not in PLUGIN.networks and "edge" not in task.names
    fits = not (given and loss.edge_attention) or loss.edge_attention_on == "logit"
    allowed = f"logit with model/variant released of {model.network}, whose boundaries are "
    allowed += "probabilities already"
    require(fits, "loss/edge_attention_on", allowed, loss.edge_attention_on)
