"""The schema, as the steps that led to it. A step that was released is never edited."""

from __future__ import annotations

_FIRST = (
    "CREATE TABLE counter (seq INTEGER NOT NULL)",
    "INSERT INTO counter (seq) VALUES (0)",
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE account (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        login TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL)""",
    """CREATE TABLE token (
        digest TEXT PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES account (id),
        scope TEXT NOT NULL CHECK (scope IN ('person', 'bot', 'land', 'web')),
        made_at TEXT NOT NULL)""",
    """CREATE TABLE repo (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        owner_id INTEGER REFERENCES account (id),
        parent_id INTEGER REFERENCES repo (id),
        intake TEXT NOT NULL,
        deploy TEXT NOT NULL,
        pulls INTEGER NOT NULL DEFAULT 0,
        CHECK ((owner_id IS NULL) = (parent_id IS NULL)))""",
    "CREATE UNIQUE INDEX one_main ON repo (name) WHERE owner_id IS NULL",
    "CREATE UNIQUE INDEX one_fork ON repo (parent_id, owner_id) WHERE owner_id IS NOT NULL",
    """CREATE TABLE permission (
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        account_id INTEGER NOT NULL REFERENCES account (id),
        level TEXT NOT NULL CHECK (level IN ('read', 'write')),
        PRIMARY KEY (repo_id, account_id))""",
    # A push as the hook let it in; gone once its consequences are written (see pushes.py).
    """CREATE TABLE intent (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        branch TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        account_id INTEGER NOT NULL REFERENCES account (id),
        wishes TEXT NOT NULL,
        at TEXT NOT NULL)""",
    """CREATE TABLE pull (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        number INTEGER NOT NULL,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        draft INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'merged', 'closed')),
        author_id INTEGER NOT NULL REFERENCES account (id),
        source_id INTEGER NOT NULL REFERENCES repo (id),
        branch TEXT NOT NULL,
        target TEXT NOT NULL,
        head TEXT NOT NULL,
        merged_as TEXT,
        created_at TEXT NOT NULL,
        seq INTEGER NOT NULL,
        UNIQUE (repo_id, number))""",
    "CREATE UNIQUE INDEX one_open_pull ON pull (source_id, branch) WHERE state = 'open'",
    "CREATE INDEX pull_changes ON pull (repo_id, seq)",
    """CREATE TABLE push (
        seq INTEGER PRIMARY KEY,
        pull_id INTEGER NOT NULL REFERENCES pull (id),
        head TEXT NOT NULL,
        account_id INTEGER NOT NULL REFERENCES account (id),
        at TEXT NOT NULL)""",
    "CREATE INDEX pull_pushes ON push (pull_id)",
    """CREATE TABLE comment (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pull_id INTEGER NOT NULL REFERENCES pull (id),
        account_id INTEGER NOT NULL REFERENCES account (id),
        text TEXT NOT NULL,
        at TEXT NOT NULL,
        seq INTEGER NOT NULL,
        edited INTEGER NOT NULL DEFAULT 0,
        key TEXT,
        seen_head TEXT,
        path TEXT,
        line INTEGER,
        reply_to INTEGER REFERENCES comment (id),
        resolved INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0)""",
    "CREATE UNIQUE INDEX one_comment_a_key ON comment (pull_id, key)"
    " WHERE key IS NOT NULL AND deleted = 0",
    """CREATE TABLE review (
        pull_id INTEGER NOT NULL REFERENCES pull (id),
        account_id INTEGER NOT NULL REFERENCES account (id),
        head TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('approved', 'changes_requested')),
        at TEXT NOT NULL,
        seq INTEGER NOT NULL,
        PRIMARY KEY (pull_id, account_id))""",
    """CREATE TABLE status (
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        sha TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failure')),
        text TEXT NOT NULL,
        url TEXT NOT NULL,
        PRIMARY KEY (repo_id, sha))""",
    """CREATE TABLE incident (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        kind TEXT NOT NULL,
        account_id INTEGER NOT NULL REFERENCES account (id),
        at TEXT NOT NULL,
        ref TEXT NOT NULL,
        detail TEXT NOT NULL)""",
    # `lane` is what must arrive in order; times are seconds since the epoch.
    """CREATE TABLE delivery (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        nonce TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))),
        event TEXT NOT NULL,
        lane TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'dead')),
        made_at REAL NOT NULL,
        next_at REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        problem TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX waiting_deliveries ON delivery (lane, id) WHERE state = 'waiting'",
)

# Which branch a pull request went to, from when on.
_RETARGETS = (
    """CREATE TABLE retarget (
        seq INTEGER PRIMARY KEY,
        pull_id INTEGER NOT NULL REFERENCES pull (id),
        target TEXT NOT NULL)""",
    "CREATE INDEX pull_retargets ON retarget (pull_id)",
    # What older releases changed meanwhile is not known; from the first push on, it is as now.
    """INSERT INTO retarget (seq, pull_id, target)
        SELECT (SELECT min(push.seq) FROM push WHERE push.pull_id = pull.id), id, target
        FROM pull""",
)

# What other machines say beside a commit, each under its own name.
_BUILDS = (
    """CREATE TABLE build (
        repo_id INTEGER NOT NULL REFERENCES repo (id),
        sha TEXT NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'success', 'failure')),
        text TEXT NOT NULL,
        url TEXT NOT NULL,
        PRIMARY KEY (repo_id, sha, name))""",
)

MIGRATIONS = (_FIRST, _RETARGETS, _BUILDS)
