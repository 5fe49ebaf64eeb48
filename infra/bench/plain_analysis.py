"""The peer of the trace benchmark: the measurements behind a trace, as a script by an analyst would take them.

One series at a time, library calls as their documentation shows them, a loop over the windows of the period. It takes
the same measurements with the same windows as `expcot.scan` and the probe of a class, and writes no text.
"""

import numpy as np
import stumpy
from scipy.signal import periodogram, savgol_filter
from scipy.stats import linregress, zscore

from anomseer_core.series import AnomalyClass, Series

WINDOW, GRADIENT_WINDOW, ORDER = 50, 21, 2
SCALES = (25, 50, 100)
ENVELOPE_SIGMAS, MAD_SCALE, MADS = 3.0, 1.4826, 3.0
STEPS_PER_WINDOW, PADDING, FEWEST_CYCLES = 16, 4, 3


def measure(series: Series, anomaly_class: AnomalyClass) -> dict[str, np.ndarray]:
    """The scan, and the probe of the class; for `normal` every probe."""
    z = zscore(series.values)
    measured = observe(z)
    everything = anomaly_class is AnomalyClass.NORMAL
    if everything or anomaly_class is AnomalyClass.GLOBAL_POINT:
        measured["envelope"] = np.flatnonzero(np.abs(z) > ENVELOPE_SIGMAS)
    if everything or anomaly_class is AnomalyClass.TREND:
        measured["shifts"] = outliers(measured["gradient"])
    if everything or anomaly_class is AnomalyClass.SEASONAL:
        measured["periods"] = outliers(sliding_periods(z, float(measured["period"])))
    if everything or anomaly_class is AnomalyClass.CONTEXTUAL_POINT:
        measured["discords"] = outliers(measured["profile"])
    if everything or anomaly_class is AnomalyClass.SHAPELET:
        measured["scales"] = np.array([np.argmax(profile(z, window)) for window in SCALES])
    return measured


def observe(z: np.ndarray) -> dict[str, np.ndarray]:
    counts, edges = np.histogram(z, bins=round(len(z) ** 0.5))
    heights = counts[np.clip(np.digitize(z, edges) - 1, 0, len(counts) - 1)]
    frequencies, power = periodogram(z, detrend="linear")
    power[:FEWEST_CYCLES] = 0
    period = 1 / frequencies[np.argmax(power)]
    smooth = np.convolve(z, np.ones(round(period)) / round(period), mode="same")
    return {
        "histogram": np.log(counts.max() / heights),
        "trend": np.array(linregress(np.arange(len(z)), z)[:3]),
        "period": np.array(period),
        "gradient": savgol_filter(smooth, GRADIENT_WINDOW, ORDER, deriv=1),
        "profile": profile(z, WINDOW),
    }


def profile(z: np.ndarray, window: int) -> np.ndarray:
    return stumpy.stump(z, window)[:, 0].astype(float)


def sliding_periods(z: np.ndarray, period: float) -> np.ndarray:
    window = min(max(round(2 * period), STEPS_PER_WINDOW), len(z) // 2)
    periods = []
    for start in range(0, len(z) - window + 1, max(1, window // STEPS_PER_WINDOW)):
        piece = z[start : start + window]
        frequencies, power = periodogram(piece, window="hann", nfft=PADDING * window)
        power[:PADDING] = 0
        periods.append(1 / frequencies[np.argmax(power)])
    return np.array(periods)


def outliers(values: np.ndarray) -> np.ndarray:
    """Where values are more than k x 1.4826 MAD from their median."""
    center = np.median(values)
    return np.flatnonzero(np.abs(values - center) > MADS * MAD_SCALE * np.median(np.abs(values - center)))
