"""Which evaluations go together with a network that follows an object through films."""

from trainables.config.evaluation import EvalConfig
from trainables.config.model import FOLLOWERS, ModelConfig
from trainables.config.plugin_fields import PLUGIN
from trainables.config.validation import require


def require_complete_frames(model: ModelConfig, evaluation: EvalConfig) -> None:
    """Check that an object can be followed: nobody knows where it enters a window.

    Raises:
        ValueError: the evaluation has windows.
    """
    name = model.network
    if name not in FOLLOWERS or name in PLUGIN.networks:
        return
    words = f"whole with {name}, which follows an object through complete frames"
    require(evaluation.of("test").window is None, "eval/window", words, evaluation.window)
    val = evaluation.val_window
    require(evaluation.of("val").window is None, "eval/val_window", words, val)
