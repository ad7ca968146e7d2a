"""The judge: which case each device is, and what is said of each case, again and again."""

from collector.judge.worker import Judge

__all__ = ["Judge"]
