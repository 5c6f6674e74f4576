"""The shipped rules hold their examples, speak kindly, and can be asked from the command line."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from intakebot.cli.explain import explain
from intakebot.cli.rules import rules as rules_command
from intakebot.core.rules import Example, Rule, judge, neutral_facts, read_rules, try_example
from intakebot.model import Level, VerdictState
from intakebot.settings import rule_files

RULES = {rule.id: rule for rule in read_rules(rule_files())}
EXAMPLES = [(rule, example) for rule in RULES.values() for example in rule.examples]
BRANCHES = ["banner", "$(id)", "a|b", "`id`", "x\u202ey", "it's", "-f", "a;b&c"]

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}

BROKEN_PROMISE = """
id      = "small"
level   = "error"
summary = "Changes are small"
flags   = "added_lines > 10 ? [title] : []"
message = "Too big."
fix     = "Make it smaller."

[[example]]
name  = "five lines are too many"
given = { added_lines = 5, title = "Five" }
flags = ["Five"]

[[example]]
name  = "no lines are fine"
given = { title = "None", added_lines = 0 }
flags = []
"""


def run(*words: str) -> Result:
    command, *rest = words
    return CliRunner().invoke({"explain": explain, "rules": rules_command}[command], rest)


@pytest.mark.parametrize(
    ("rule", "example"), EXAMPLES, ids=[f"{rule.id}: {each.name}" for rule, each in EXAMPLES]
)
def test_every_example_of_every_rule_holds(rule: Rule, example: Example) -> None:
    assert try_example(rule, example) is None


@pytest.mark.parametrize(
    ("rule_id", "level"),
    [
        ("fork-only", Level.REJECT),
        ("title-says-what", Level.ERROR),
        ("small-enough", Level.WARNING),
        ("mergeable", Level.ERROR),
        ("comparable", Level.ERROR),
        ("no-conflict-markers", Level.ERROR),
        ("checks-pass", Level.ERROR),
        ("config-is-protected", Level.ERROR),
    ],
)
def test_the_shipped_rules_weigh_what_was_agreed(rule_id: str, level: Level) -> None:
    assert RULES[rule_id].level is level


def test_a_flawless_pull_request_has_nothing_to_answer_for() -> None:
    states = {judge(rule, neutral_facts()).state for rule in RULES.values()}

    assert states == {VerdictState.SATISFIED}


def test_a_first_timer_has_a_day_before_a_branch_is_refused() -> None:
    assert judge(RULES["fork-only"], neutral_facts(from_fork=False)).grace == 24 * 60 * 60


def test_a_vanished_fork_is_not_called_a_branch_of_the_main_repository() -> None:
    branch = judge(RULES["fork-only"], neutral_facts(from_fork=False))
    vanished = judge(RULES["fork-only"], neutral_facts(origin_known=False, source_branch=""))

    assert "main repository" in branch.text
    assert "no longer exists" in vanished.text
    assert "main repository" not in vanished.text
    assert "(empty)" not in vanished.text + vanished.fix


@pytest.mark.parametrize(
    ("rule", "given"),
    [("title-says-what", {"title": "fix"}), ("target-is-intake", {"target_branch": "loose"})],
)
def test_only_a_forge_that_listens_to_push_options_is_sent_some(
    rule: str, given: dict[str, str]
) -> None:
    ours = judge(RULES[rule], neutral_facts(**given))
    theirs = judge(RULES[rule], neutral_facts(**given, fork_page="https://git.example/fork"))

    assert "git push -o " in ours.fix
    assert "git push" not in theirs.fix
    for verdict in (ours, theirs):
        assert f"<{neutral_facts().pull_url}>" in verdict.fix


@pytest.mark.parametrize("origin_known", [True, False])
def test_who_has_no_fork_is_told_where_to_open_the_new_pull_request(origin_known: bool) -> None:
    given = {"fork_page": "https://git.example/site/fork", "source_branch": "banner"}
    facts = neutral_facts(from_fork=False, origin_known=origin_known, **given)
    fix = judge(RULES["fork-only"], facts).fix

    assert "1. Make your fork, unless you have one: <https://git.example/site/fork>" in fix
    assert "YOUR-WORKSPACE" in fix
    assert re.search(r"^3\. On your fork's page, open .+ to `main` of `site`\.$", fix, re.M)


def test_who_has_a_fork_gets_commands_and_a_form_without_a_word_to_replace() -> None:
    given = {"fork_page": "https://git.example/site/fork", "open_page": "https://git.example/new"}
    fix = judge(RULES["fork-only"], neutral_facts(from_fork=False, **given)).fix

    assert "3. Open the new pull request, from your fork: <https://git.example/new>" in fix
    assert "YOUR-WORKSPACE" not in fix


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_commands_of_fork_only_move_the_commit_to_the_fork(branch: str, tmp_path: Path) -> None:
    fork, clone = tmp_path / "fork.git", tmp_path / "clone"
    git("init", "-q", "--bare", str(fork), cwd=tmp_path)
    git("init", "-q", str(clone), cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "Add a banner", cwd=clone)
    head = git("rev-parse", "HEAD", cwd=clone)
    facts = neutral_facts(from_fork=False, source_branch=branch, head=head, fork_url=str(fork))

    paste(judge(RULES["fork-only"], facts).fix, clone)

    assert git("for-each-ref", "--format=%(objectname) %(refname)", cwd=fork) == (
        f"{head} refs/heads/{branch}"
    )


@pytest.mark.parametrize("name", ["site.css", "-f", "$(id)", ":(top)x", "it's\n#1"])
def test_the_commands_of_config_is_protected_put_the_file_back(name: str, tmp_path: Path) -> None:
    main, fork, clone = tmp_path / "main.git", tmp_path / "fork.git", tmp_path / "clone"
    for bare in (main, fork):
        git("init", "-q", "--bare", str(bare), cwd=tmp_path)
    git("init", "-q", "-b", "main", str(clone), cwd=tmp_path)
    commit(clone, name, "trusted")
    git("push", "-q", str(main), "main", cwd=clone)
    commit(clone, name, "changed")
    commit(clone, "other", "wanted")
    facts = neutral_facts(main_url=str(main), fork_url=str(fork), protected_changed=[name])

    paste(judge(RULES["config-is-protected"], facts).fix, clone)

    assert git("cat-file", "blob", f"banner:{name}", cwd=fork) == "trusted"
    assert git("cat-file", "blob", "banner:other", cwd=fork) == "wanted"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_hostile_branch_name_is_one_word_of_every_command(rule: Rule) -> None:
    hostile = "$(touch here)`id`;|@all"
    for example in rule.examples:
        given = {**example.given, "source_branch": hostile, "target_branch": hostile}
        verdict = judge(rule, neutral_facts(**given))

        words = [word for command in commands(verdict.fix) for word in shlex.split(command)]
        assert all(word.endswith(hostile) for word in words if "touch" in word or "all" in word)
        assert "touch" not in prose(verdict.text + "\n\n" + verdict.fix)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_no_comes_with_commands_and_without_blame(rule: Rule) -> None:
    for example in rule.examples:
        verdict = judge(rule, neutral_facts(**example.given))
        if verdict.state is not VerdictState.UNSATISFIED:
            continue
        assert "```sh\ngit " in verdict.fix
        assert not re.search(r"violat|illegal|you must|forbidden", verdict.text + verdict.fix, re.I)


# --- the command line -----------------------------------------------------------------


def test_explain_prints_the_rule_its_words_and_its_examples() -> None:
    result = run("explain", "fork-only")

    assert result.exit_code == 0
    for part in ("reject", "author_group != 'staff'", "git push fork", "24 hours", "vanished"):
        assert part in result.output


def test_explain_prints_json_for_scripts() -> None:
    data = json.loads(run("explain", "fork-only", "--json").output)

    assert (data["id"], data["level"], data["grace_seconds"]) == ("fork-only", "reject", 86_400)
    assert data["digest"] == RULES["fork-only"].digest


def test_explaining_an_unknown_rule_names_the_nearest_one() -> None:
    result = run("explain", "fork-onyl")

    assert result.exit_code == 2
    assert "there is no rule 'fork-onyl'. Did you mean 'fork-only'?" in result.output


def test_rules_list_shows_one_line_a_rule() -> None:
    result = run("rules", "list")

    assert [line.split()[1] for line in result.output.splitlines()] == sorted(RULES)
    assert [row["id"] for row in json.loads(run("rules", "list", "--json").output)] == sorted(RULES)


def test_rules_test_passes_the_shipped_rules() -> None:
    result = run("rules", "test")

    assert result.exit_code == 0
    assert len(result.output.splitlines()) == len(RULES)
    assert all(line.startswith("ok ") for line in result.output.splitlines())


def test_rules_test_names_rule_example_and_difference(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(BROKEN_PROMISE)

    result = run("rules", "test", "--rules", str(tmp_path))

    assert result.exit_code == 1
    assert "failed  small: 1 of 2 examples do not hold" in result.output
    assert "five lines are too many: wanted flags ['Five'], got []" in result.output


def test_rules_test_refuses_a_bad_rule_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(BROKEN_PROMISE.replace("added_lines >", "addd_lines >"))

    result = run("rules", "test", "--rules", str(tmp_path))

    assert result.exit_code == 1
    assert "small.toml: flags: there is no fact 'addd_lines'. Did you mean 'added_lines'?" in (
        result.output
    )


@pytest.mark.parametrize("verb", ["list", "test"])
def test_a_folder_without_rules_is_an_error(verb: str, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        result = run("rules", verb, "--rules", str(folder))

        assert result.exit_code == 1
        assert "holds no rule files (*.toml)" in result.output


@pytest.mark.parametrize("words", [("explain",), ("rules", "list"), ("rules", "test")])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    assert f"Example: intakebot {' '.join(words)}" in run(*words, "--help").output


def git(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=ENVIRONMENT, capture_output=True, check=True, timeout=20
    )
    return done.stdout.decode().strip()


def commit(clone: Path, name: str, content: str) -> None:
    (clone / name).write_text(content)
    git("--literal-pathspecs", "add", "--", name, cwd=clone)
    git("commit", "-q", "-m", "Change a file", cwd=clone)


def commands(markdown: str) -> list[str]:
    tokens = MarkdownIt().parse(markdown)
    return [token.content for token in tokens if token.type == "fence" and token.info == "sh"]


def prose(markdown: str) -> str:
    """What stands outside of code spans and fences."""
    inline = [child for token in MarkdownIt().parse(markdown) for child in token.children or []]
    return " ".join(token.content for token in inline if token.type != "code_inline")


def paste(fix: str, folder: Path) -> None:
    """Runs every command block of a fix, as somebody would who pastes it."""
    for command in commands(fix):
        subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
            timeout=20,
        )
