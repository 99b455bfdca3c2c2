"""A token bucket that keeps the console's many small reads below the API's rate limit."""

from dataclasses import dataclass


@dataclass
class Pace:
    """At most `burst` at once, then `per_s` per second. Not safe to share between threads."""

    burst: int
    per_s: float
    tokens: float = -1.0
    at_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds to wait before the next one; counts it as taken. now_s: a monotonic clock."""
        if self.tokens < 0:
            self.tokens, self.at_s = float(self.burst), now_s
        grown = (now_s - self.at_s) * self.per_s
        self.tokens, self.at_s = min(float(self.burst), self.tokens + grown), now_s
        self.tokens -= 1.0
        if self.tokens >= 0:
            return 0.0
        wait_s = -self.tokens / self.per_s
        self.tokens, self.at_s = 0.0, now_s + wait_s
        return wait_s
