"""`propagate`: for maintainers, carry a step's change into all that builds on it.

These are the later steps, the lessons of all these steps, and their mistakes.
"""

import argparse
import io
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from workbook.common import WorkbookError, find_step, step_before
from workbook.git import git
from workbook.lessons import Lesson, chapter_file, copy_code, lessons
from workbook.merge import MergeConflictError, carry, read_or_none, write_or_delete
from workbook.packing import chapter_with_diffs, difference, make_states
from workbook.patches import Mistake, all_mistakes
from workbook.patches import apply as apply_mistake
from workbook.places import ROOT, STEPS, code_files, is_document, shown


@dataclass
class Plan:
    """What becomes of files, by path; None: the file is deleted."""

    files: dict[Path, bytes | None] = field(default_factory=dict)

    def read(self, path: Path) -> bytes | None:
        """Return what will be in a file; None if it will not be there."""
        return self.files[path] if path in self.files else read_or_none(path)

    def write(self, path: Path, content: bytes | None) -> None:
        """Plan a change, if it is one."""
        if content != self.read(path):
            self.files[path] = content


def propagate_command(options: argparse.Namespace) -> int:
    """Merge a step's uncommitted change into what builds on it: all or nothing."""
    if options.check:
        return check_all()
    if not options.step:
        raise WorkbookError("Name the step that you changed: propagate 03")
    step = find_step(options.step)
    names = changed_files(step)
    plan = Plan()
    for later in STEPS[STEPS.index(step) + 1 :]:
        for name in names:
            plan_file(plan, step, name, later)
    steps_changed = len(plan.files)
    if names:
        plan_what_is_built_on(plan, step)
    for path, content in plan.files.items():
        carry_out(path, content)
    others = len(plan.files) - steps_changed
    print(f"{steps_changed} files of later steps changed.")
    print(f"{others} chapters and mistakes changed.")
    return 0


def changed_files(step: str) -> list[str]:
    """Return the names, in the step, of the files that differ from the last commit.

    Documents are left out: each step has its own.
    """
    folder = f"steps/{step}/"
    options = ("--porcelain", "--no-renames", "--untracked-files=all", "-z")
    status = git("status", *options, "--", folder)
    if status.returncode != 0 or git("rev-parse", "HEAD").returncode != 0:
        raise WorkbookError(
            "propagate needs git, and a repository with a commit to compare with."
        )
    entries = [entry for entry in status.stdout.decode().split("\0") if entry]
    names = [entry[len("XY ") :].removeprefix(folder) for entry in entries]
    return [name for name in names if not is_document(name)]


def plan_file(plan: Plan, step: str, name: str, later: str) -> None:
    """Plan what becomes of a later step's file; raises WorkbookError on a conflict."""
    committed = git("show", f"HEAD:steps/{step}/{name}")
    before = committed.stdout if committed.returncode == 0 else None
    after = read_or_none(ROOT / "steps" / step / name)
    target = ROOT / "steps" / later / name
    try:
        plan.write(target, carry(read_or_none(target), before, after))
    except MergeConflictError:
        raise does_not_fit(shown(target)) from None


def does_not_fit(what: str) -> WorkbookError:
    """Return the error for a change that cannot be merged."""
    return WorkbookError(
        f"{what} and the change do not fit together. Nothing was changed."
    )


def plan_what_is_built_on(plan: Plan, step: str) -> None:
    """Plan what becomes of the chapters and the mistakes of a step and the later ones.

    Raises WorkbookError if a mistake conflicts, or if a chapter was stale before.
    """
    with tempfile.TemporaryDirectory() as temporary:
        old = Path(temporary, "old")
        new = Path(temporary, "new")
        extract_commit(old)
        for name in STEPS:
            copy_planned_step(plan, name, new / name)
        for name in STEPS[STEPS.index(step) :]:
            if lessons(name):
                states = Path(temporary, "states", name)
                plan_chapter(plan, name, old, new, states)
        for mistake in all_mistakes():
            if mistake.step >= step:
                plan_mistake(plan, mistake, old, new)


def extract_commit(folder: Path) -> None:
    """Write the steps as they were committed to a folder."""
    archive = git("archive", "HEAD", "steps").stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def copy_planned_step(plan: Plan, step: str, folder: Path) -> None:
    """Copy a step's code as it will be."""
    copy_code(ROOT / "steps" / step, folder)
    for path, content in plan.files.items():
        if path.is_relative_to(ROOT / "steps" / step):
            write_or_delete(folder / path.relative_to(ROOT / "steps" / step), content)


def folder_before(step: str, steps: Path) -> Path:
    """Return the folder of the step before, among these; first, the empty app."""
    before = step_before(step)
    return before if step == STEPS[0] else steps / before.name


def plan_chapter(plan: Plan, step: str, old: Path, new: Path, states: Path) -> None:
    """Plan a chapter's new diffs: carry the change from its last state to its first.

    Lines that a state does not have yet, or has in another form, stay as they are:
    their change becomes part of the lesson that writes them. These are named.
    """
    chapter = lessons(step)
    old_steps = old / "steps"
    make_states(chapter, folder_before(step, old_steps), old_steps / step, states)
    last = states / str(len(chapter))
    change = Change(copy_of(last), new / step)
    replace_code(last, new / step)
    for lesson in reversed(chapter):
        after = change
        start = states / f"{lesson.number}-start"
        if start.exists():
            after = carry_into(start, change, lesson, as_given=True)
        before = states / str(lesson.number - 1)
        if lesson.number > 1:
            change = carry_into(before, after, chapter[lesson.number - 2])
    replace_code(states / "0", folder_before(step, new))
    path = chapter_file(step)
    text = path.read_text(encoding="utf-8")
    plan.write(path, chapter_with_diffs(text, states).encode())


@dataclass
class Change:
    """A folder before and after a change."""

    before: Path
    after: Path


def copy_of(folder: Path) -> Path:
    """Copy a state, to keep it as it was."""
    kept = folder.with_name(f"{folder.name}-old")
    copy_code(folder, kept)
    return kept


def replace_code(folder: Path, source: Path) -> None:
    """Make a folder's code that of another one."""
    for path in code_files(folder).values():
        path.unlink()
    for name, path in code_files(source).items():
        write_or_delete(folder / name, path.read_bytes())


def carry_into(
    state: Path, change: Change, lesson: Lesson, as_given: bool = False
) -> Change:
    """Carry a change into an earlier state; return how that has changed it."""
    old = copy_of(state)
    names = {**code_files(change.before), **code_files(change.after)}
    for name in sorted(names):
        present = read_or_none(old / name)
        before = read_or_none(change.before / name)
        after = read_or_none(change.after / name)
        try:
            content = carry(present, before, after)
        except MergeConflictError:
            content = carry(present, before, after, leave_what_differs=True)
            where = f"what is given for {lesson.name}" if as_given else lesson.name
            print(f"Not all of it has a place in {where}: {name}. Look at that lesson.")
        write_or_delete(state / name, content)
    return Change(old, state)


def plan_mistake(plan: Plan, mistake: Mistake, old: Path, new: Path) -> None:
    """Plan a mistake's new diff. Raises WorkbookError if the change does not fit."""
    before = old / "steps" / mistake.step
    after = new / mistake.step
    with tempfile.TemporaryDirectory() as temporary:
        wrong = Path(temporary, "wrong")
        copy_code(before, wrong)
        apply_mistake(mistake, wrong)
        for name in {**code_files(before), **code_files(after)}:
            versions = (wrong / name, before / name, after / name)
            try:
                content = carry(*(read_or_none(path) for path in versions))
            except MergeConflictError:
                raise does_not_fit(shown(mistake.path)) from None
            write_or_delete(wrong / name, content)
        if still_applies(mistake, after, wrong):
            return
        header = mistake.path.read_text(encoding="utf-8").partition("\n\n")[0]
        diff = difference(after, wrong)
    plan.write(mistake.path, f"{header}\n\n{diff}".encode())


def still_applies(mistake: Mistake, step: Path, wrong: Path) -> bool:
    """Return whether the diff that is there makes the same of the new step."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "copy")
        copy_code(step, copy)
        try:
            apply_mistake(mistake, copy)
        except WorkbookError:
            return False
        return contents(copy) == contents(wrong)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in the files of an app."""
    return {name: path.read_bytes() for name, path in code_files(folder).items()}


def carry_out(path: Path, content: bytes | None) -> None:
    """Write or delete the file, and say so."""
    print(f"{'Deleted' if content is None else 'Changed'} {shown(path)}")
    write_or_delete(path, content)


def check_all() -> int:
    """Say which chapters and mistakes are stale; return 0 if none is, 1 otherwise."""
    stale = []
    for step in STEPS:
        stale += stale_chapter(step)
    mistakes = all_mistakes()
    for mistake in mistakes:
        stale += stale_mistake(mistake)
    for reason in stale:
        print(reason)
    if stale:
        return 1
    count = sum(len(lessons(step)) for step in STEPS)
    print(f"Nothing is stale: {count} lessons and {len(mistakes)} mistakes fit.")
    return 0


def stale_chapter(step: str) -> list[str]:
    """Return why a step's chapter is stale; an empty list if it is not."""
    goal = ROOT / "steps" / step
    with tempfile.TemporaryDirectory() as temporary:
        states = Path(temporary, "states")
        try:
            chapter = lessons(step)
            make_states(chapter, step_before(step), goal, states)
        except WorkbookError as error:
            return [str(error)]
        if not chapter:
            return []
        copy_code(goal, states / "goal")
        made = contents(states / str(len(chapter)))
        wanted = contents(states / "goal")
    differing = {
        name for name in {*made, *wanted} if made.get(name) != wanted.get(name)
    }
    if differing:
        names = ", ".join(sorted(differing))
        return [f"The lessons of {step} do not end in the step: {names} differ."]
    return []


def stale_mistake(mistake: Mistake) -> list[str]:
    """Return why a mistake is stale; an empty list if it is not."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "copy")
        copy_code(ROOT / "steps" / mistake.step, copy)
        try:
            apply_mistake(mistake, copy)
        except WorkbookError as error:
            return [str(error)]
    return []
