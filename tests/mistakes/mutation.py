"""Change the last step in one small place, hundreds of times, and list the changes that no test notices.

    pip install cosmic-ray
    python tests/mistakes/mutation.py [--again] [FILE ...]

Cosmic Ray finds the places and makes the changes; the suites judge them, two at a time, in forks of processes that have
everything imported. MUTATION.md says what the last run has shown. --again judges only what was not noticed last time.
"""

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from cosmic_ray import plugins
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkItem, WorkResult
from parso.python.tree import Keyword
from parso.tree import NodeOrLeaf
from runner import ROOT, Runner

STEP = ROOT / "steps" / "06_protected"
PACKAGE = "flask_login_tutorial"
FILES = ["auth.py", "models.py", "forms.py", "config.py", "sessions.py", "throttle.py", "account.py", "headers.py"]
SESSION = ROOT / "mutants" / "session.sqlite"
# Changes that only flatter the score. `str | None` stands in annotations, and whatever replaces the | there breaks
# the import. Of the ways to get a number wrong, or to compare it wrongly, two or three say as much as eleven.
LEFT_OUT = re.compile(
    r"BitOr_|_(Mod|Pow|FloorDiv|RShift|LShift|BitOr|BitAnd|BitXor)$|ReplaceComparisonOperator_Eq_(Lt|LtE|Gt|GtE|Is|IsNot)$"
)


class DropStatement(Operator):
    """What Cosmic Ray lacks: leave out a call, or an assignment to an attribute or an item."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Where such a statement stands."""
        if node.type == "simple_stmt":
            what = node.children[0]
            target = what.children[0] if what.type == "expr_stmt" else None
            if what.type in ("atom_expr", "power") or (target is not None and target.type in ("atom_expr", "power")):
                yield what.start_pos, what.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:  # noqa: ARG002 - Cosmic Ray's
        """Put `pass` there."""
        what = node.children[0]
        node.children[0] = Keyword("pass", what.start_pos, what.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple:
        """None: they are for Cosmic Ray's own tests."""
        return ()


plugins.OPERATOR_PROVIDERS["workbook"] = {"DropStatement": DropStatement}


def begin(database: WorkDB) -> None:
    """Find every place to change, and mark those that are left out."""
    init([STEP / PACKAGE / name for name in FILES], database, {})
    for item in database.pending_work_items:
        if LEFT_OUT.search(item.mutations[0].operator_name):
            database.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def judge(item: WorkItem, runner: Runner) -> WorkResult:
    """Make one change in a copy of the step, and let the suites look at it until the first one notices."""
    mutation = item.mutations[0]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / STEP.name
        shutil.copytree(STEP, copy, ignore=shutil.ignore_patterns("instance", ".env", "__pycache__"))
        file = copy / PACKAGE / mutation.module_path.name
        operator = plugins.get_operator(mutation.operator_name)()
        file.write_text(mutate_code(file.read_text("utf-8"), operator, mutation.occurrence), "utf-8")
        red = runner.judge(STEP.name, copy, "--exitfirst")["failed"]
    outcome = TestOutcome.KILLED if red else TestOutcome.SURVIVED
    return WorkResult(worker_outcome=WorkerOutcome.NORMAL, test_outcome=outcome, output="\n".join(red))


def run(database: WorkDB, items: list[WorkItem]) -> None:
    """Judge these changes, two at a time."""
    runners: Queue[Runner] = Queue()
    for _ in range(2):
        runners.put(Runner())

    def one(item: WorkItem) -> tuple[WorkItem, WorkResult]:
        """Judge one, with whichever runner is free."""
        runner = runners.get()
        try:
            return item, judge(item, runner)
        finally:
            runners.put(runner)

    with ThreadPoolExecutor(2) as pool:
        for number, (item, result) in enumerate(pool.map(one, items), 1):
            database.set_result(item.job_id, result)
            print(f"{number} of {len(items)}: {describe(item)}: {result.test_outcome.value}", flush=True)
    while not runners.empty():
        runners.get().close()


def describe(item: WorkItem) -> str:
    """Where the change is and what kind it is."""
    mutation = item.mutations[0]
    kind = mutation.operator_name.partition("/")[2]
    return f"{mutation.module_path.name}:{mutation.start_pos[0]}:{mutation.start_pos[1]} {kind} {mutation.occurrence}"


def report(database: WorkDB) -> None:
    """Print the score of each file, and what no test has noticed."""
    items = {item.job_id: item for item in database.work_items}
    judged = [(items[job], result) for job, result in database.results if result.test_outcome]
    for name in FILES:
        mine = [(item, result) for item, result in judged if item.mutations[0].module_path.name == name]
        killed = [item for item, result in mine if result.test_outcome is TestOutcome.KILLED]
        if mine:
            print(f"{name}: {len(killed)} of {len(mine)} noticed, {len(killed) / len(mine):.0%}")
        for item, _ in [pair for pair in mine if pair[0] not in killed]:
            row = item.mutations[0].start_pos[0]
            print(f"  {describe(item)}: {(STEP / PACKAGE / name).read_text('utf-8').splitlines()[row - 1].strip()}")


def main() -> None:
    """Judge the files given, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=", ".join(FILES))
    parser.add_argument("--again", action="store_true", help="judge only what was not noticed last time")
    options = parser.parse_args()
    SESSION.parent.mkdir(exist_ok=True)
    with use_db(SESSION, WorkDB.Mode.create) as database:
        if not database.num_work_items:
            begin(database)
        items = list(database.pending_work_items)
        if options.again:
            unnoticed = {job for job, result in database.results if result.test_outcome is TestOutcome.SURVIVED}
            items = [item for item in database.work_items if item.job_id in unnoticed]
        run(database, [item for item in items if item.mutations[0].module_path.name in (options.files or FILES)])
        report(database)


if __name__ == "__main__":
    main()
