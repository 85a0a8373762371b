"""The section ``optim`` of a trial's configuration: optimiser, schedule, precision."""

from dataclasses import dataclass
from typing import Literal

from trainables.config.plugin_fields import PLUGIN, Added, Value
from trainables.config.validation import require, require_choices

REPEATED_WITHIN = 1e-3
"""On GPUs without ``deterministic``: the most by which a figure of the same training may differ in
a repetition, relative to its value or to this number, whichever is larger. Sums there have no fixed
order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimConfig:
    train: bool = True
    """``false``: take no step, and measure the network as it begins (``model/init``)."""

    optimizer: Literal["adamw", "sgd"] = "adamw"

    lr: float = 3e-3
    """Peak learning rate; ``optim/schedule`` says how it rises and falls."""

    weight_decay: float = 1e-4

    momentum: float = 0.9
    """Of ``sgd``; AdamW keeps torch's betas."""

    schedule: Literal["poly", "one_cycle", "constant"] = "poly"
    """``poly``: (1 - progress) ** poly_power; ``one_cycle``: up for 30 % of the steps and down."""

    poly_power: float = 0.9

    warmup: float = 0.0
    """Share of the steps in which ``poly`` first rises linearly."""

    head_lr: float = 1.0
    """Learning rate of everything but the backbone, as a multiple of ``lr``."""

    accumulate: int = 1
    """Batches whose gradients are averaged before the weights move."""

    clip_norm: float = 0.0
    """Largest norm of the gradient, which is scaled down to it; 0: no limit."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Precision of the network (autocast); losses, weights and statistics stay fp32."""

    channels_last: bool = False
    """Lay images out as (B,H,W,C) in memory, which tensor cores prefer."""

    compile: bool = False
    """``torch.compile`` the network: slower to start, faster to run."""

    fused: bool = False
    """One kernel for an optimiser's whole step, instead of some for each operation."""

    cudnn_benchmark: bool = False
    """On GPUs: time cuDNN's algorithms at the first training step and use the fastest; evaluation
    always uses cuDNN's own choice, so that it is the same wherever it runs."""

    tf32: Literal["convolutions", "all", "none"] = "convolutions"
    """What GPUs may compute in TF32, with 10 bits of mantissa, where a network or a loss is fp32;
    ``all`` adds matrix products."""

    deterministic: bool = False
    """The same figures to the last bit in every repetition on the same device and software;
    an operation that has no such form is refused."""

    ema: float = 0.0
    """Decay of a moving average of the weights, which is evaluated in their place; 0: none."""

    added: Added = ()
    """Fields of a plug-in's optimisers and schedules that differ from their defaults."""

    def plugin_field(self, name: str) -> Value:
        """The value of a field that the plug-in adds."""
        return PLUGIN.value("optim", self.added, name)

    def __post_init__(self) -> None:
        require_choices(self, "optim")
        require(0 < self.lr < float("inf"), "optim/lr", "> 0", self.lr)
        for name in ("weight_decay", "clip_norm", "poly_power"):
            value = getattr(self, name)
            require(0 <= value < float("inf"), f"optim/{name}", ">= 0", value)
        for name in ("momentum", "warmup", "ema"):
            require(0 <= getattr(self, name) < 1, f"optim/{name}", "in [0, 1)", getattr(self, name))
        require(0 < self.head_lr < float("inf"), "optim/head_lr", "> 0", self.head_lr)
        allowed = "false with optim/deterministic, which times no algorithms"
        timed = self.cudnn_benchmark and self.deterministic
        require(not timed, "optim/cudnn_benchmark", allowed, self.cudnn_benchmark)
        require(self.accumulate >= 1, "optim/accumulate", ">= 1", self.accumulate)
