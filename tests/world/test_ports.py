"""Ports that are handed out belong to one process, whether anybody has bound them yet or not."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from intakebot.world.ports import BLOCK, Block, free_port, free_ports

# Writes its ports, binds none of them, and keeps its claim until its standard input closes.
TAKES = """
import sys
from intakebot.world.ports import free_ports
print(*(free_ports() for _ in range(20)), flush=True)
sys.stdin.read()
"""


def test_processes_that_ask_at_once_never_get_the_same_port() -> None:
    with ExitStack() as stack:
        asking = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", TAKES],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(4)
        ]
        given: list[int] = []
        for process in asking:
            assert process.stdout is not None
            given += [int(port) for port in process.stdout.readline().split()]
        pairs = [port + more for port in given for more in (0, 1)]
        assert len(set(pairs)) == 4 * 20 * 2
        assert not {free_port(), free_ports()} & set(pairs)


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    block = Block()
    with socket.create_server(("127.0.0.1", block.first + 1)):
        assert block.take(2) == block.first + 2


def test_ports_come_in_turn_until_all_are_taken_and_then_it_says_so() -> None:
    block, taken = Block(), []
    said = f"every port from {block.first} on is taken"
    with ExitStack() as stack, pytest.raises(OSError, match=said):
        while True:  # some may be in use by a stranger on the machine: those are passed over
            taken.append(block.take(1))
            stack.enter_context(socket.create_server(("127.0.0.1", taken[-1])))
    assert taken == sorted(set(taken)) and len(taken) > BLOCK // 2
    assert block.first <= taken[0] and taken[-1] < block.first + BLOCK
