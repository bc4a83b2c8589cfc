"""`manage.py operations`: every workflow as a table; docs/operations.md is its output."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from provisioning.operations import all_workflows
from provisioning.workflow.declare import Retry, Step, Workflow


class Command(BaseCommand):
    """Print the definitions, as Markdown."""

    help = (
        "Print what every operation does: its steps, what each means, retries, limits, undo and the point of no return."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("kind", nargs="?", help="only this operation")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print one table per workflow."""
        chosen = options["kind"]
        workflows = [workflow for workflow in all_workflows().values() if chosen in (None, workflow.kind)]
        if not workflows:
            self.stderr.write(f"There is no operation {chosen}; there are: {', '.join(all_workflows())}.")
        self.stdout.write("# Operations\n\nMade by `manage.py operations`; a test fails when it is stale.\n", ending="")
        for workflow in workflows:
            self.stdout.write(_table(workflow), ending="")


def _table(workflow: Workflow) -> str:
    begins = ", ".join(sorted(workflow.starts_from))
    before = "the state before"
    done, undone = workflow.on_success or before, workflow.on_undone or before
    lines = [
        f"\n## {workflow.kind}\n",
        f"Starts from {begins}; ends as **{done}**, or, undone, as **{undone}**.",
        f"Limit {_text(workflow.within)}, undo {_text(workflow.undo_within)}.\n",
        "| step | what customers read | tries | limit | undo |",
        "| --- | --- | --- | --- | --- |",
        *(_row(step) for step in workflow.steps),
    ]
    return "\n".join(lines) + "\n"


def _row(step: Step) -> str:
    name = f"`{step.name}`" + (" ▲" if step.point_of_no_return else "")
    undo = f"`{step.undo.__name__}`" if step.undo else ""
    return f"| {name} | {step.sentence} | {_tries(step.retry)} | {_text(step.within)} | {undo} |"


def _tries(retry: Retry) -> str:
    return "until the limit" if retry.attempts is None else str(retry.attempts)


def _text(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
