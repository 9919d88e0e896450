"""Measure recall and speed, of vicinal and of other engines.

=================  ============================================================================
`load_dataset`     a benchmark set by its name, or from a file in any of ten formats
`ground_truth`     the exact neighbors, by scanning every row
`recall`           the share found, with its confidence interval
`sweep`            one index: effort → recall, queries per second, latency
`compare`          several engines, each in its own process, in interleaved rounds
`write_report`     one self-contained page with curves, bars and the configuration
=================  ============================================================================

The engines stand behind three methods (build, search, memory) in `vicinal.measure.engines`; those
that are not installed are listed as missing.
"""

from vicinal.measure.compare import DEFAULT_ENGINES, compare
from vicinal.measure.comparison import Comparison, EngineResult
from vicinal.measure.dataset import Dataset
from vicinal.measure.load import dataset_names, load_dataset
from vicinal.measure.points import TARGET_RECALLS, Curve, Point
from vicinal.measure.ratio import Ratio, median_at_least, median_interval, paired_ratio
from vicinal.measure.recall import Recall, recall, wilson_interval
from vicinal.measure.report import write_report
from vicinal.measure.sweep import sweep
from vicinal.measure.truth import ground_truth

__all__ = [
    "DEFAULT_ENGINES",
    "TARGET_RECALLS",
    "Comparison",
    "Curve",
    "Dataset",
    "EngineResult",
    "Point",
    "Ratio",
    "Recall",
    "compare",
    "dataset_names",
    "ground_truth",
    "load_dataset",
    "median_at_least",
    "median_interval",
    "paired_ratio",
    "recall",
    "sweep",
    "wilson_interval",
    "write_report",
]
