"""What would go wrong, found on all machines before anything is changed."""

from __future__ import annotations

from providers.preflight.finding import Finding, report, stops, table
from providers.preflight.gather import Seen, look
from providers.preflight.judge import judge

__all__ = ["Finding", "Seen", "judge", "look", "report", "stops", "table"]
