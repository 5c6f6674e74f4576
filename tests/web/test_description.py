"""The API held against its own description by schemathesis: whatever it takes, it answers as told.

Requests are made up from the description, valid ones and others, by somebody who sees
everything and by an agency.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.web.forge import TOKENS
from tests.web.world import World


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Thousands of lines help nobody."""


@contextmanager
def serving_here(world: World) -> Iterator[str]:
    """The same application over real HTTP, beside the test; its address."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True, request_handler=Silent)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def described(world: World, who: str) -> subprocess.CompletedProcess[str]:
    with serving_here(world) as url:
        return subprocess.run(
            [
                *(
                    str(Path(sys.executable).with_name("schemathesis")),
                    "run",
                    f"{url}/api/openapi.json",
                ),
                *("--auth", f"{who}:{TOKENS[who]}", "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", "30", "--seed", "1", "--continue-on-failure", "--no-color"),
                *("--warnings", "off"),
            ],
            cwd=world.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )


@pytest.mark.long
@pytest.mark.parametrize("who", ["grace", "ada"])
def test_the_api_answers_as_it_is_described_whatever_it_is_asked(world: World, who: str) -> None:
    world.add_one_of_everything()
    done = described(world, who)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
