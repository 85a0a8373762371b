"""GSCNN (Takikawa et al., ICCV 2019) in other papers' tables: its losses, with their weights."""

from search_spaces.grid import Changes

LOSSES: Changes = {
    "loss/class_weights": "frequency",
    "loss/beta": 20.0,
    "loss/boundary": "radius",
    "loss/edge_attention": 1.0,
    "loss/edge_attention_on": "probability",
    "loss/dual_task": 1.0,
}
"""Segmentation 1, edges 20, both of the dual task 1 (its Sec. 4.1); edges of 2 pixels' radius."""

NAME = "GSCNN's losses"
NETWORK = "gscnn_wrn38"
RECIPE = "gscnn_cityscapes"
