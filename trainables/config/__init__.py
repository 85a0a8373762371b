"""The configuration of one trial, one file per section: ``loss/gamma`` is in ``loss.py``."""

from trainables.config.data import DataConfig, image_paths
from trainables.config.evaluation import EvalConfig
from trainables.config.loss import LossConfig
from trainables.config.model import ModelConfig
from trainables.config.optim import OptimConfig
from trainables.config.refine import DenseCRFConfig, RefineConfig, SegFixConfig
from trainables.config.stages import EdgeNetConfig, InverseNetConfig
from trainables.config.trial import (
    TrialConfig,
    field_types,
    flatten,
    from_flat,
    parse,
    type_of,
)
from trainables.config.trial_id import code_digest, identity, weights_content
from trainables.config.validation import Value, get_choices, refused, require

__all__ = [
    "DataConfig",
    "DenseCRFConfig",
    "EdgeNetConfig",
    "EvalConfig",
    "InverseNetConfig",
    "LossConfig",
    "ModelConfig",
    "OptimConfig",
    "RefineConfig",
    "SegFixConfig",
    "TrialConfig",
    "Value",
    "code_digest",
    "field_types",
    "flatten",
    "from_flat",
    "get_choices",
    "identity",
    "image_paths",
    "parse",
    "refused",
    "require",
    "type_of",
    "weights_content",
]
