"""What the operator's side does with the forge without going through HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from intakebot.gitforge import forgetting, hosting, making, people, repositories, store, tokens
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import ForgeError, connected, writing

__all__ = ["ForgeError", "GitForge"]


class GitForge:
    def __init__(self, state: Path) -> None:
        self._layout = Layout(state.absolute())

    def migrate(self) -> None:
        """Make or upgrade the database and the files around it. Refuses a newer schema."""
        self._layout.state.mkdir(parents=True, exist_ok=True)
        store.migrate(self._layout)
        hosting.write_files(self._layout)
        making.remove_abandoned(self._layout)
        with connected(self._layout) as db, writing(db):
            people.add(db, people.BOT, "intakebot")

    def configure(self, *, git_url: str, page_url: str) -> None:
        """Public base addresses: git_url + "/git/ada/site.git", page_url + "/pulls/site/7"."""
        with connected(self._layout) as db, writing(db):
            store.set_setting(db, "git_url", _base(git_url).removesuffix("/git"))
            store.set_setting(db, "page_url", _base(page_url))

    def add_person(self, login: str, name: str = "") -> str:
        """The account id; an existing login keeps its account and its name."""
        with connected(self._layout) as db, writing(db):
            return str(people.add(db, login, name))

    def people(self) -> list[dict[str, str]]:
        with connected(self._layout) as db:
            return [account.shape() for account in people.everybody(db)]

    def forget_person(self, account_id: str, instead: Callable[[str], str]) -> None:
        """Take login, name, tokens and permissions away; one that is forgotten stays so.

        `instead` takes the person's names out of a text.
        """
        with connected(self._layout) as db, writing(db):
            account = people.by_id(db, int(account_id))
            if account is None:
                raise ForgeError(f"account {account_id}: there is none; look at `people list`")
            forgetting.forget(db, self._layout, account, instead)

    def new_token(self, login: str, scope: str = "person") -> str:
        """Shown once: only its SHA-256 is kept."""
        with connected(self._layout) as db, writing(db):
            return tokens.make(db, login, scope)

    def add_repo(
        self,
        name: str,
        *,
        from_path: Path | None = None,
        intake: str = "main",
        deploy: str = "deploy",
    ) -> str:
        """The repository id; an existing name keeps its repository as it is."""
        with connected(self._layout) as db:
            return str(making.make_main(db, self._layout, name, from_path, intake, deploy))

    def repos(self) -> list[dict[str, str]]:
        """Main repositories: id, name, intake and deploy branch."""
        with connected(self._layout) as db:
            return [
                {
                    "id": str(each.id),
                    "name": each.name,
                    "intake": each.intake,
                    "deploy": each.deploy,
                }
                for each in repositories.mains(db)
            ]

    def git_url(self) -> str:
        """The public base address that was set last; "" while none was."""
        with connected(self._layout) as db:
            return store.setting(db, "git_url")

    def grant(self, repo: str, login: str, level: str) -> None:
        with connected(self._layout) as db, writing(db):
            found = repositories.main_by_name(db, repo)
            if found is None:
                raise ForgeError(f"repository {repo!r}: no such main repository; add it first")
            people.grant(db, found.id, login, level)

    def set_webhook(self, url: str, secret: str) -> None:
        if not secret:
            raise ForgeError("webhook: the secret is empty; deliveries must be signed")
        with connected(self._layout) as db, writing(db):
            store.set_setting(db, "webhook_url", _checked(url))
            store.set_setting(db, "webhook_secret", secret)


def _base(url: str) -> str:
    return _checked(url).rstrip("/")


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ForgeError(f"{url!r}: give a whole http(s) address without a login in it")
    return url
