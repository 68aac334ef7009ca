"""Change the last step in one small place, hundreds of times, and list the changes that
no test notices.

    pip install ".[test,mutation]"
    python -m maintenance.mutation.mutation [--again] [FILE ...]

Cosmic Ray finds the places and makes the changes. Each is judged by the tests that run
its line, the quickest first,
until one fails; two at a time. README.md says what the last run has shown. --again
judges only what was not noticed.
"""

import argparse
import ast
import importlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import coverage
import pytest
from cosmic_ray import plugins
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import (
    MutationSpec,
    TestOutcome,
    WorkerOutcome,
    WorkItem,
    WorkResult,
)
from parso.python.tree import Keyword
from parso.tree import NodeOrLeaf

from tests.support.suite_process import OPTIONS
from tests.support.suites import ROOT, SuiteRunner, suites

STEP = ROOT / "steps" / "06_protected"
PACKAGE = "flask_login_tutorial"
FILES = [
    "auth.py",
    "models.py",
    "forms.py",
    "passwords.py",
    "config.py",
    "cookies.py",
    "csrf.py",
    "sessions.py",
    "rate_limits.py",
    "network.py",
    "account.py",
    "headers.py",
]
SESSION = ROOT / "mutants" / "session.sqlite"
# Changes that only flatter the score. `str | None` stands in annotations, and whatever
# replaces the | there breaks
# the import. Of the ways to count wrongly, or to compare wrongly, one or two say as
# much as eleven.
LEFT_OUT = re.compile(
    r"Replace(BinaryOperator_(?!Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul)"
    r"|ComparisonOperator_(Eq|NotEq)_(?!Eq|NotEq)|ComparisonOperator_[LG]tE?_(Eq|NotEq|Is|IsNot)$)"
)


class DropStatement(Operator):
    """What Cosmic Ray lacks: leave out a call, or an assignment to an attribute or an
    item.
    """

    def mutation_positions(
        self, node: NodeOrLeaf
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Where such a statement stands."""
        if node.type == "simple_stmt":
            what = node.children[0]
            target = what.children[0] if what.type == "expr_stmt" else None
            if what.type in ("atom_expr", "power") or (
                target is not None and target.type in ("atom_expr", "power")
            ):
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
            database.set_result(
                item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
            )


class Witnesses:
    """Which tests run which lines: noted by a pytest plugin, in one run of the suites
    that must pass.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.coverage = coverage.Coverage(
            data_file=None, include=[f"{STEP / PACKAGE}/*"]
        )
        with self.coverage.collect():
            status = pytest.main(
                [*OPTIONS, "--step", STEP.name, *suites(STEP.name)], plugins=[self]
            )
        if status:
            raise SystemExit("The suites must pass before their tests can be tested.")

    def pytest_collection_finish(self) -> None:
        """Import the step before the first test does: what runs then belongs to no
        test, but to all.
        """
        harness = importlib.import_module("tests.support.harness")
        step = harness.STEPS[int(STEP.name[:2])]
        assert step.module  # to look at it imports it

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """From here on the lines belong to this test."""
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long it took."""
        self.seconds[report.nodeid] = (
            self.seconds.get(report.nodeid, 0) + report.duration
        )

    def of(self, mutation: MutationSpec) -> list[str]:
        """The tests that run the statement of this change, the quickest first; all, if
        it runs at the import.
        """
        tree = ast.parse(mutation.module_path.read_text("utf-8"))
        around = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and spans(node, mutation.start_pos[0])
        ]
        smallest = min(around, key=lambda node: node.end_lineno - node.lineno)
        lines = self.coverage.get_data().contexts_by_lineno(str(mutation.module_path))
        tests = {
            test
            for row in range(smallest.lineno, smallest.end_lineno + 1)
            for test in lines.get(row, [])
        }
        return sorted(self.seconds if "" in tests else tests, key=self.seconds.get)


def spans(node: ast.stmt, row: int) -> bool:
    """Whether a statement stands on this line, its decorators included."""
    first = min(
        [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]
    )
    return first <= row <= node.end_lineno


class Judges:
    """Two processes that judge, and what they have learnt: which tests notice changes
    in which file.
    """

    def __init__(self) -> None:
        self.witnesses = Witnesses()
        self.free: Queue[SuiteRunner] = Queue()
        for _ in range(2):
            self.free.put(SuiteRunner(warm=True))
        self.alert: dict[str, list[str]] = {name: [] for name in FILES}

    def judge(self, item: WorkItem) -> tuple[WorkItem, WorkResult]:
        """Make one change in a copy of the step, and see whether any test notices."""
        mutation = item.mutations[0]
        tests = self.witnesses.of(mutation)
        alert = self.alert[mutation.module_path.name]
        # Those that have noticed a change in this file before come first: mostly one of
        # them does so again.
        tests.sort(key=lambda test: test.partition("[")[0] not in alert[:20])
        runner = self.free.get()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / STEP.name
            shutil.copytree(
                STEP, copy, ignore=shutil.ignore_patterns("instance", ".env")
            )
            file = copy / PACKAGE / mutation.module_path.name
            operator = plugins.get_operator(mutation.operator_name)()
            file.write_text(
                mutate_code(file.read_text("utf-8"), operator, mutation.occurrence),
                "utf-8",
            )
            red: list[str] = []
            if tests:
                outcomes = runner.judge(STEP.name, copy, tests, ["--exitfirst"])
                red = sorted(outcomes.failed)
        self.free.put(runner)
        alert[:] = [*red, *(test for test in alert if test not in red)]
        outcome = TestOutcome.KILLED if red else TestOutcome.SURVIVED
        return item, WorkResult(
            worker_outcome=WorkerOutcome.NORMAL,
            test_outcome=outcome,
            output="\n".join(red),
        )

    def judge_all(self, items: list[WorkItem], database: WorkDB) -> None:
        """Judge these changes, and write down what comes out."""
        with ThreadPoolExecutor(2) as pool:
            for number, (item, result) in enumerate(pool.map(self.judge, items), 1):
                database.set_result(item.job_id, result)
                print(
                    f"{number} of {len(items)}: {describe(item)}: {result.test_outcome.value}",
                    flush=True,
                )
        while not self.free.empty():
            self.free.get().close()


def describe(item: WorkItem) -> str:
    """Where the change is and what kind it is."""
    mutation = item.mutations[0]
    kind = mutation.operator_name.partition("/")[2]
    return f"{mutation.module_path.name}:{mutation.start_pos[0]}:{mutation.start_pos[1]} {kind} {mutation.occurrence}"


def report(database: WorkDB) -> None:
    """Print the score of each file, and what no test has noticed."""
    items = {item.job_id: item for item in database.work_items}
    killed: dict[str, list[WorkItem]] = {name: [] for name in FILES}
    survived: dict[str, list[WorkItem]] = {name: [] for name in FILES}
    for job, result in database.results:
        name = items[job].mutations[0].module_path.name
        if result.test_outcome is TestOutcome.KILLED:
            killed[name].append(items[job])
        elif result.test_outcome:
            survived[name].append(items[job])
    for name in FILES:
        noticed = len(killed[name])
        total = noticed + len(survived[name])
        if total:
            print(f"{name}: {noticed} of {total} noticed, {noticed / total:.0%}")
        for item in survived[name]:
            print(f"  {describe(item)}: {changed_line(item)}")


def changed_line(item: WorkItem) -> str:
    """The line of the step that is changed, as it stands today."""
    mutation = item.mutations[0]
    lines = (STEP / PACKAGE / mutation.module_path.name).read_text("utf-8").splitlines()
    return lines[mutation.start_pos[0] - 1].strip()


def main() -> None:
    """Judge the files given, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=", ".join(FILES))
    parser.add_argument(
        "--again", action="store_true", help="judge only what was not noticed last time"
    )
    options = parser.parse_args()
    SESSION.parent.mkdir(exist_ok=True)
    with use_db(SESSION, WorkDB.Mode.create) as database:
        if not database.num_work_items:
            begin(database)
        items = list(database.pending_work_items)
        if options.again:
            unnoticed = {
                job
                for job, result in database.results
                if result.test_outcome is TestOutcome.SURVIVED
            }
            items = [item for item in database.work_items if item.job_id in unnoticed]
        files = options.files or FILES
        Judges().judge_all(
            [item for item in items if item.mutations[0].module_path.name in files],
            database,
        )
        report(database)


if __name__ == "__main__":
    main()
