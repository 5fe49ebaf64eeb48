"""Every detector without training, by name."""

from functools import partial

from anomseer_core.baselines.arima import surprise_intervals
from anomseer_core.baselines.blind_expert import BlindExpertDetector
from anomseer_core.baselines.channels import ChannelwiseDetector
from anomseer_core.baselines.config import ClassicalConfig
from anomseer_core.baselines.ensemble import EnsembleDetector
from anomseer_core.baselines.fft import period_intervals
from anomseer_core.baselines.gradient import slope_intervals
from anomseer_core.baselines.hbos import HBOSDetector
from anomseer_core.baselines.isolation_forest import IsolationForestDetector
from anomseer_core.baselines.matrix_profile import discord_intervals
from anomseer_core.baselines.threshold import extreme_intervals
from anomseer_core.baselines.trivial import ANSWERS, TrivialDetector
from anomseer_core.evaluation.config import Baseline
from anomseer_core.evaluation.detector import Detector

CHANNELWISE = {
    "fft": period_intervals,
    "matrix-profile": discord_intervals,
    "gradient": slope_intervals,
    "arima": surprise_intervals,
    "threshold": extreme_intervals,
}


def create_baseline(name: Baseline, parameters: ClassicalConfig | None = None) -> Detector:
    """The detector of that name; a classical one with its part of the parameters."""
    parameters = parameters or ClassicalConfig()
    if name in ANSWERS:
        return TrivialDetector(name)
    if name in CHANNELWISE:
        own = getattr(parameters, name.replace("-", "_"))
        return ChannelwiseDetector(name, partial(CHANNELWISE[name], config=own))
    if name == "ensemble":
        members = [create_baseline(member, parameters) for member in parameters.ensemble.members]
        return EnsembleDetector(members, parameters.ensemble)
    if name == "isolation-forest":
        return IsolationForestDetector(parameters.isolation_forest)
    if name == "hbos":
        return HBOSDetector(parameters.hbos)
    return BlindExpertDetector()
