"""Long stories drawn at random: hypothesis's state machines, as all models run them."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_stories(
    machine: Callable[[], RuleBasedStateMachine],
    *,
    examples: int,
    steps: int = 30,
    shrinks: bool = True,
) -> None:
    """Run them, each with a new machine, until one fails.

    Args:
        examples: how many.
        steps: of each, at most.
        shrinks: look for a shorter one that fails; takes minutes where each needs a real server,
            and the steps that failed are shown anyway.
    """
    drawn = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=list(Phase) if shrinks else [Phase.generate],
    )
    run_state_machine_as_test(machine, settings=drawn)
