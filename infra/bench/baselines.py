"""Classical detectors: milliseconds of processor time a series on one core, beside a straightforward peer.

Series of 1,000 samples in the class mix of AnomLLM, after warm-up. Both take turns on the same series. A peer does what
its library's documentation shows, with the same windows and orders, and decides nothing; the ratio is peer / ours.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import stumpy
from scipy.signal import periodogram
from sklearn.ensemble import IsolationForest
from statsmodels.tsa.arima.model import ARIMA

from anomseer_core.baselines.catalogue import create_baseline
from anomseer_core.baselines.config import ArimaConfig, Classical
from anomseer_core.expcot.scan import dominant_period
from anomseer_core.series import Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from infra.bench.report import Spread, print_report
from infra.bench.traces import one_core

HEADERS = ["ms of CPU a series, one core", "ours", "peer", "peer / ours", "the peer"]
SLOPE_WINDOW = 21
Work = Callable[[np.ndarray], object]


def periods_one_by_one(z: np.ndarray) -> list[float]:
    """scipy's periodogram of every window, with the windows and steps of ours."""
    period, _ = dominant_period(z)
    window = min(max(round(2 * period), 16), len(z) // 2)
    found = []
    for start in range(0, len(z) - window + 1, max(1, window // 16)):
        frequencies, power = periodogram(z[start : start + window], window="hann", nfft=4 * window)
        found.append(1 / frequencies[5 + np.argmax(power[5:])])
    return found


def slopes_one_by_one(z: np.ndarray) -> list[float]:
    """numpy's polyfit of every window."""
    time_axis = np.arange(SLOPE_WINDOW)
    return [np.polyfit(time_axis, z[start : start + SLOPE_WINDOW], 2)[1] for start in range(len(z) - SLOPE_WINDOW + 1)]


def maximum_likelihood(z: np.ndarray) -> list[np.ndarray]:
    """statsmodels' ARIMA as its documentation fits it, for our orders."""
    return [ARIMA(z, order=order).fit().resid for order in ArimaConfig().orders]


def sample_by_sample(z: np.ndarray) -> list[bool]:
    low, high = np.percentile(z, [2, 98])
    return [bool(value <= low or value >= high) for value in z]


def bin_by_bin(z: np.ndarray) -> list[float]:
    counts, edges = np.histogram(z, bins=round(len(z) ** 0.5))
    return [np.log(counts.max() / counts[min(np.searchsorted(edges, value, "right"), len(counts)) - 1]) for value in z]


PEERS: dict[Classical, tuple[str, Work]] = {
    "fft": ("scipy periodogram, window by window", periods_one_by_one),
    "matrix-profile": ("stumpy.stump", lambda z: stumpy.stump(z, 50)),
    "gradient": ("numpy polyfit, window by window", slopes_one_by_one),
    "arima": ("statsmodels ARIMA.fit, same orders", maximum_likelihood),
    "threshold": ("numpy percentile, a loop over samples", sample_by_sample),
    "hbos": ("numpy histogram, a loop over samples", bin_by_bin),
    "isolation-forest": (
        "scikit-learn itself",
        lambda z: IsolationForest(random_state=42).fit_predict(z[:, None]),
    ),
}


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    series = [item for task in ANOMLLM_TASKS for item in generate("anomllm", task, count=options.count)]
    # Advice of stumpy about profiles near zero, and of statsmodels about fits that do not converge.
    warnings.filterwarnings("ignore")
    with one_core():
        rows = [compare(name, series, options.rounds) for name in options.detector or PEERS]
    title = f"Classical detectors: {len(series)} AnomLLM series of 1,000 samples, {options.rounds} rounds"
    print_report(title, HEADERS, rows, ["median (lowest-highest) of the rounds; processor time, so load counts little"])


def compare(name: Classical, series: Sequence[Series], rounds: int) -> list[str]:
    """One row: both times, and their ratio round by round."""
    detector = create_baseline(name)
    told, peer = PEERS[name]
    scaled = [(item.values - item.values.mean()) / item.values.std() for item in series]
    pairs = []
    for number in range(rounds + 1):
        ours = milliseconds(lambda item: list(detector.detect([item])), series)
        theirs = milliseconds(peer, scaled)
        # The first round warms up.
        pairs += [(ours, theirs)] if number else []
    mine, other = zip(*pairs, strict=True)
    ratio = Spread.of([b / a for a, b in pairs])
    return [name, Spread.of(mine).text(2), Spread.of(other).text(2), ratio.text(1, "x"), told]


def milliseconds(work: Callable[..., object], items: Sequence[object]) -> float:
    """Of processor time for one item."""
    started = time.process_time()
    for item in items:
        work(item)
    return 1000 * (time.process_time() - started) / len(items)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.baselines", description=__doc__.splitlines()[0])
    parser.add_argument("--detector", action="append", choices=tuple(PEERS), help="may be repeated; all by default")
    parser.add_argument("--count", type=int, default=2, help="series of each AnomLLM task (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each row (default 3)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
