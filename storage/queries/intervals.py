"""How far a mean or a share may lie from what further articles would give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist
from typing import Any

MIN_N = 5  # `student_t` is a series that needs some degrees of freedom
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the means of some articles' figures are made of. `squares`: of the tones; `credulous`: scores with a
    credulity, which those of the first runs lack.
    """

    n: int
    tone: float
    squares: float
    outlook: float
    scrutiny: float
    credulity: float
    credulous: int

    def __add__(self, other: Sums) -> Sums:
        names = self.__dataclass_fields__
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def mean(self) -> float:
        """Of the tones."""
        return self.tone / self.n

    @property
    def deviations(self) -> float:
        """The sum of the squared distances from the mean tone."""
        return max(0.0, self.squares - self.tone * self.mean)

    def means(self) -> dict[str, Any]:
        """Of the other figures, by name."""
        credulity = self.credulity / self.credulous if self.credulous else None
        return {"outlook": self.outlook / self.n, "scrutiny": self.scrutiny / self.n, "credulity": credulity}


def mean_interval(sums: Sums, level: float) -> Interval:
    """The t interval of the mean tone, within [-1, 1]; from MIN_N articles."""
    return about(sums.mean, sqrt(sums.deviations / (sums.n - 1) / sums.n), sums.n - 1, level)


def about(mean: float, error: float, freedom: int, level: float) -> Interval:
    """The t interval of a mean tone with this standard error, within [-1, 1]."""
    half_width = student_t((1 + level) / 2, freedom) * error
    return max(-1.0, mean - half_width), min(1.0, mean + half_width)


def wilson(found: int, n: int, level: float) -> Interval:
    """Wilson's score interval of the share `found` of `n`."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, scale = found / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half_width = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half_width), min(1.0, middle + half_width)


@lru_cache(4096)
def student_t(share: float, freedom: float) -> float:
    """The quantile of Student's t, from 4 degrees of freedom: Abramowitz and Stegun 26.7.5."""
    x = NormalDist().inv_cdf(share)
    series = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return float(x + sum(term / freedom**power for power, term in enumerate(series, 1)))
