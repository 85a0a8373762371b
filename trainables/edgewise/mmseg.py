"""Registers ``EdgewiseLoss`` with mmsegmentation: ``custom_imports = dict(imports=[...])``."""

from mmseg.registry import MODELS

from trainables.modules.adapters import EdgewiseLoss

MODELS.register_module(module=EdgewiseLoss)
