"""Observation in words: global, structural, local. What was found sooner decides how the later levels begin."""

import numpy as np

from anomseer_core.expcot.evidence import Observation, number
from anomseer_core.expcot.wording.phrases import percent, pick, plural, spell_span


def spell_observation(seen: Observation, generator: np.random.Generator) -> str:
    structural, local = _transitions(seen, generator)
    return (
        f"Global scan: {_global_scan(seen, generator)} {structural} {_structural_scan(seen, generator)} "
        f"{local} {_local_scan(seen, generator)}"
    )


def _transitions(seen: Observation, generator: np.random.Generator) -> tuple[str, str]:
    """How the structural and the local scan are introduced, after what the level before has found."""
    if seen.extreme:
        structural = pick(generator, "Structural scan, for context:", "The structural scan gives context:")
        return structural, pick(generator, "Local scan, for context:", "Local scan:")
    structural = pick(generator, "Structural scan:", "With no global outlier, the structural scan is next:")
    if seen.shifting:
        return structural, pick(generator, "Local scan:", "The local scan adds:")
    return structural, pick(generator, "Local scan:", "The structure is stable, so the local scan decides:")


def _global_scan(seen: Observation, generator: np.random.Generator) -> str:
    missing = f", after interpolating {plural(seen.missing, 'missing sample')}" if seen.missing else ""
    if not seen.std:
        return f"every value is {number(seen.mean)}{missing}, so there is no spread and no outlier."
    mean, std = number(seen.mean, seen.std), number(seen.std)
    values = pick(
        generator,
        f"the values have mean {mean} and standard deviation {std}{missing}",
        f"mean {mean}, standard deviation {std}{missing}",
        f"values around a mean of {mean} with a standard deviation of {std}{missing}",
    )
    size, place = number(seen.max_z), number(seen.max_z_position)
    extreme = pick(
        generator,
        f"the largest |z| is {size}, at {place}",
        f"the most extreme value, at {place}, has |z| {size}",
        f"max |z| reaches {size} at {place}",
    )
    verdict = "a global candidate" if seen.extreme else "so no value stands out globally"
    score = number(seen.histogram_score)
    histogram = pick(
        generator,
        f"the histogram-based outlier score peaks at {score}",
        f"the highest histogram-based outlier score is {score}",
    )
    return f"{values}; {extreme}, {verdict}; {histogram}."


def _structural_scan(seen: Observation, generator: np.random.Generator) -> str:
    if not seen.gradient_peak:
        return f"the smoothed gradient is the same throughout; {_trend(seen, generator)}; {_season(seen, generator)}."
    peak = number(seen.gradient_peak)
    strays = pick(
        generator,
        f"the smoothed gradient strays by at most {peak} dispersions",
        f"the smoothed gradient leaves its centre by up to {peak} dispersions",
    )
    shift = f"at {number(seen.gradient_position)}, so the slope is not stable" if seen.shifting else "so it is stable"
    return f"{strays}, {shift}; {_trend(seen, generator)}; {_season(seen, generator)}."


def _trend(seen: Observation, generator: np.random.Generator) -> str:
    share = percent(seen.trend_share)
    if not seen.trending:
        return pick(
            generator,
            f"there is no overall trend (a line explains {share} of the variance)",
            f"a straight line explains only {share} of the variance",
        )
    move = "rises" if seen.trend_rise > 0 else "falls"
    return f"the series {move} by {number(abs(seen.trend_rise))} standard deviations, {share} of the variance"


def _season(seen: Observation, generator: np.random.Generator) -> str:
    period, share = number(seen.period), percent(seen.period_share)
    if not seen.period:
        return "the spectrum has no peak, so there is no period"
    if not seen.periodic:
        return f"no period dominates, the strongest ({period} units) holds only {share} of the power"
    return pick(
        generator,
        f"the FFT shows a dominant period of {period} units with {share} of the power",
        f"a period of {period} units dominates the spectrum with {share} of its power",
        f"the dominant period is {period} units, with {share} of the power",
    )


def _local_scan(seen: Observation, generator: np.random.Generator) -> str:
    window, score, span = number(seen.discord_window), number(seen.discord_score), spell_span(seen.discord)
    if not seen.discord_score:
        return f"every window of {window} units recurs almost exactly, so the matrix profile has no discord."
    found = pick(
        generator,
        f"by matrix profile with windows of {window} units the most dissimilar subsequence is {span}",
        f"the top discord of the matrix profile (window {window} units) is {span}",
        f"with windows of {window} units the matrix profile finds its top discord at {span}",
    )
    verdict = "a candidate" if seen.dissimilar else "not a distinct one"
    return f"{found}, with standardised score {score}, {verdict}."
