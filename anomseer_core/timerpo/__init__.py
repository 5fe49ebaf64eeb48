"""TimerPO (paper, section 4.2): group advantages, reasoning transport, orthogonal integration, clipped objective."""

from anomseer_core.timerpo.integration import compose

__all__ = ["compose"]
